package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/signature"
)

// explain adds to the error of a question to the network what to do about it.
func (t *target) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return hinted(fmt.Errorf("nobody answers: %w", dial), "is the network running? start one: airtill dev")
	}
	if late(err) {
		return t.tooLate("the same command again is safe, and finds out")
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return hinted(err, "%s", t.advice(p))
	}
	if p, ok := errors.AsType[*fleet.Problem](err); ok {
		return hinted(err, "%s", fleetAdvice(p))
	}
	if errors.Is(err, api.ErrUnknown) {
		return hinted(err, "the same command again%s is safe, and finds out", distrust(err))
	}
	return err
}

// distrust is what else a command needs whose answer was signed by nobody who is trusted.
func distrust(err error) string {
	if errors.Is(err, signature.ErrKey) || errors.Is(err, signature.ErrSignature) || errors.Is(err, signature.ErrUnsigned) {
		return ", and with the platform's keys of now (--platform-keys),"
	}
	return ""
}

// turnedAway says whether the key was refused: by the platform, or by whoever answers
// in its place without a signature.
func turnedAway(err error) bool {
	p, ok := errors.AsType[*api.Problem](err)
	return ok && p.Code() == platform.CodeUnauthorised
}

// advice is what to do about a refusal of the platform.
func (t *target) advice(p *api.Problem) string {
	switch p.Code() {
	case platform.CodeUnauthorised:
		return "the platform does not know the key, which is from " + t.keyFrom
	case platform.CodeUnknownPhone:
		return "who is enrolled: airtill office phones; how to enrol: airtill enrol --help"
	case platform.CodeReferenceTaken, platform.CodeIdempotencyMismatch:
		return "which bill it is: airtill bill list --reference REFERENCE"
	case platform.CodeNotFound, platform.CodeIllegalState:
		return advicePlace(p)
	case platform.CodeAlreadyEnrolled:
		return "who is enrolled: airtill office phones, airtill office merchants"
	case platform.CodeUnavailable:
		return "nothing was done; try again in a moment"
	case platform.CodeUnknownOutcome, api.CodeInternal:
		return "the same command again is safe, and finds out"
	}
	return ""
}

// advicePlace is where to look when something is not there, or not so that it can be done.
func advicePlace(p *api.Problem) string {
	switch p.Field {
	case "merchant", "key_id", "kind":
		return "which merchants there are, with which keys: airtill office merchants"
	case "phone", "slot":
		return "who is enrolled, with which cards: airtill office phones"
	case "advance":
		return "what time it is: airtill clock show"
	}
	if p.Code() == platform.CodeIllegalState {
		return "what happened: airtill bill events BILL"
	}
	return "what there is: airtill bill list"
}

// unheard adds to the error of a room that cannot listen which flags say where it does.
func unheard(err error, flags string) error {
	if in, ok := errors.AsType[*net.OpError](err); ok && in.Op == "listen" {
		return hinted(err, "choose another address: %s HOST:PORT", flags)
	}
	return err
}

func fleetAdvice(p *fleet.Problem) string {
	switch {
	case p.Field == "bill":
		return "which bills the phone has: airtill phone bills PHONE"
	case p.Status == http.StatusNotFound:
		return "which phones there are: airtill phone list"
	case p.Field == "slot":
		return "which cards the phone has: airtill phone show PHONE"
	case p.Field == "pin":
		return "set AIRTILL_PIN, or give --pin-file FILE"
	}
	return ""
}
