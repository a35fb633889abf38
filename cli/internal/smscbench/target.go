package smscbench

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smsc"
)

// Target is an SMSC in this process to be measured.
type Target struct {
	Network network.Network // nil is TCP
	Listen  string          // empty is a free port of the loopback
	Route   Route
	Durable msgstore.Store // keeps the messages; nil is memory
	Log     zerolog.Logger
}

// Route is what the target does with messages.
type Route string

// The routes.
const (
	Discard Route = "discard" // messages are answered and forgotten: no state, no receipt
	Store   Route = "store"   // kept, with states, and delivered to an application that takes many at once
	Phones  Route = "phones"  // the same, to subscribers over an ideal air: one at a time to each
)

// Routes are all of them.
func Routes() []Route { return []Route{Discard, Store, Phones} }

// The accounts of a Target.
var (
	TargetSender   = Login{"bench", "bench"}
	TargetReceiver = Login{"phones", "bench"}
)

const (
	targetWindow = 1000    // deliver_sm unanswered on a bind
	targetStore  = 1 << 20 // messages that wait for one account
)

func (t *Target) config() smsc.Config {
	kinds := map[Route]smsc.Kind{Discard: smsc.Discard, Store: smsc.Application, Phones: smsc.Subscribers}
	return smsc.Config{
		Accounts: []smsc.Account{
			{
				SystemID: TargetSender.SystemID, Password: string(TargetSender.Password),
				AddressRange: "^10658$", Window: targetWindow,
			},
			{
				SystemID: TargetReceiver.SystemID, Password: string(TargetReceiver.Password),
				AddressRange: "^861380[0-9]{7}$", Kind: kinds[t.Route], Window: targetWindow,
			},
		},
		Store: targetStore, Durable: t.Durable, Log: t.Log,
	}
}

// Serve starts the SMSC and says where it is. It runs until ctx ends; wait waits for that.
func (t *Target) Serve(ctx context.Context) (address string, wait func() error, err error) {
	server, err := smsc.New(t.config())
	if err != nil {
		return "", nil, err
	}
	var n network.Network = network.TCP{}
	if t.Network != nil {
		n = t.Network
	}
	at := t.Listen
	if at == "" {
		at = "127.0.0.1:0"
	}
	ln, err := n.Listen(ctx, at)
	if err != nil {
		return "", nil, fmt.Errorf("listen for the SMSC: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()
	return ln.Addr().String(), func() error { return <-ended }, nil
}
