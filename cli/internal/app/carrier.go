package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway/management"
)

// carrierFile is where a carrier alone says that it is ready unless told otherwise.
func carrierFile(getenv func(string) string) string { return stateFile(getenv, "carrier.json") }

func carrierSecret(file string) secret {
	return secret{what: "operator key", file: file, flag: "operator-key-file", variable: "AIRTILL_CARRIER_KEY"}
}

// carrierKey reads management's key, or makes one and keeps it.
func carrierKey(c *call, file string) (string, error) {
	return carrierSecret(file).readOrMake(c, "carrier.key")
}

// carrierIsUp says whether a carrier answers, and knows the ready file's key.
func carrierIsUp(ctx context.Context, r world.Ready) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	client, err := management.NewClient(r.Carrier, r.CarrierKey, world.HTTPClient(network.TCP{}))
	if err != nil {
		return false
	}
	_, err = client.Accounts(ctx)
	return err == nil
}

// carriers says the flags of a command that asks the carrier.
func (t *target) carriers(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		t.networkFlag(), t.timeoutFlag(patient),
		&cli.StringFlag{Name: "carrier", Usage: "`URL` of the carrier's management", EnvVars: []string{"AIRTILL_CARRIER"}, Destination: &t.carrier},
		&cli.StringFlag{Name: "operator-key-file", Usage: "read its key from `FILE` (or AIRTILL_CARRIER_KEY holds it)", Destination: &t.operatorKeyFile},
	}, more...)
}

// patient is how long an answer may take: a push waits for its user.
const patient = 15 * time.Minute

// carrierClient asks the carrier.
func (t *target) carrierClient(c *call) (*management.Client, error) {
	address, err := t.address(c, "carrier", t.carrier, carrierOf)
	if err != nil {
		return nil, err
	}
	key, err := t.key(c, carrierSecret(t.operatorKeyFile), address, keyAt{
		carrierOf, func(r world.Ready) (string, error) { return r.CarrierKey, nil },
	})
	if err != nil {
		return nil, err
	}
	h, err := t.http(c)
	if err != nil {
		return nil, err
	}
	return management.NewClient(address, key, h)
}

func carrierOf(r world.Ready) string { return r.Carrier }

// explainCarrier adds to the error of a question to the carrier what to do about it.
func (t *target) explainCarrier(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return hinted(fmt.Errorf("nobody answers: %w", dial), "is the carrier running? start one: airtill gateway --handsets 10")
	}
	if late(err) {
		return t.tooLate("it may be done all the same: look before it is asked again")
	}
	if p, ok := errors.AsType[*management.Problem](err); ok {
		return hinted(err, "%s", t.carrierAdvice(p))
	}
	return err
}

// carrierAdvice is what to do about a refusal of the carrier.
func (t *target) carrierAdvice(p *management.Problem) string {
	switch {
	case p.Status == http.StatusUnauthorized:
		return "the carrier does not know the key, which is from " + t.keyFrom
	case p.Field == "account":
		return "which accounts there are: airtill smsc accounts"
	case p.Field == "msisdn":
		return "which numbers there are: airtill smsc accounts; airtill phone list"
	case p.Field == "name":
		return "which cells there are: airtill radio show"
	case p.Field == "code":
		return "codes are routed when the carrier starts: airtill gateway --ussd-route CODE=URL"
	case p.Code() == "refused":
		return "why it may be refused: airtill chaos show, airtill smsc accounts"
	case p.Code() == "illegal-state" && p.Field == "id":
		return "what became of it: airtill sms show ID"
	case p.Code() == "busy":
		return "try again in a moment"
	}
	return ""
}
