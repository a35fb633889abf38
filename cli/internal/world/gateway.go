package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/smsc"
)

// GatewayConfig is what the carrier needs.
type GatewayConfig struct {
	Network  network.Network
	Listen   string // address for SMPP
	Accounts []smsc.Account
	Seed     uint64
	Observer func(smsc.Event)
	// OpenCards turns off the filter that lets nobody but the platform send binary
	// messages to the cards of subscribers (wire.md 5).
	OpenCards bool
	Log       zerolog.Logger
}

// Gateway is the carrier's room.
type Gateway struct {
	server *smsc.Server
	ln     net.Listener
}

// NewGateway makes a carrier that listens already.
func NewGateway(ctx context.Context, c GatewayConfig) (*Gateway, error) {
	server, err := smsc.New(smsc.Config{
		Accounts: c.Accounts,
		Observer: c.Observer, OpenCards: c.OpenCards,
		Rand: rand.New(rand.NewPCG(c.Seed, seedGateway)),
		Log:  c.Log.With().Str("room", "gateway").Logger(),
	})
	if err != nil {
		return nil, err
	}
	ln, err := c.Network.Listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for SMPP: %w", err)
	}
	return &Gateway{server: server, ln: ln}, nil
}

// Address is where SMPP is spoken.
func (g *Gateway) Address() string { return g.ln.Addr().String() }

// Ready answers at once: a carrier that listens is ready.
func (g *Gateway) Ready(context.Context) error { return nil }

// Run serves until ctx ends.
func (g *Gateway) Run(ctx context.Context) error { return g.server.Serve(ctx, g.ln) }

// What each room's generator is seeded with besides the run's seed, so that one room
// drawing more changes nothing in another.
const (
	seedGateway = iota + 1
	seedPlatform
	seedHandsets
	seedBranch
	seedShop
)
