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
)

// explain adds to the error of a question to the network what to do about it.
func (t *target) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return hinted(fmt.Errorf("nobody answers: %w", dial), "is the network running? start one: airtill dev")
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return hinted(err, "%s", t.advice(p))
	}
	if p, ok := errors.AsType[*fleet.Problem](err); ok {
		return hinted(err, "%s", fleetAdvice(p))
	}
	if errors.Is(err, api.ErrUnknown) {
		return hinted(err, "the same command again is safe, and finds out")
	}
	return err
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
	case platform.CodeNotFound:
		return "what there is: airtill bill list"
	case platform.CodeIllegalState:
		return "what happened: airtill bill events BILL"
	case platform.CodeAlreadyEnrolled:
		return "who is enrolled: airtill office phones, airtill office merchants"
	case platform.CodeUnavailable:
		return "nothing was done; try again in a moment"
	case platform.CodeUnknownOutcome, api.CodeInternal:
		return "the same command again is safe, and finds out"
	}
	return ""
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
