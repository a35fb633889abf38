package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
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
	// USSD says where dialled codes lead. The platform has USSDCode unless a route says
	// otherwise, or nobody can bind as the platform.
	USSD ussd.Config
	Log  zerolog.Logger
}

// Gateway is the carrier's room.
type Gateway struct {
	server *smsc.Server
	ussd   *ussd.Switch
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
	sessions, err := newUSSD(c, server)
	if err != nil {
		return nil, err
	}
	ln, err := c.Network.Listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for SMPP: %w", err)
	}
	return &Gateway{server: server, ussd: sessions, ln: ln}, nil
}

// newUSSD makes the switch of USSD sessions, which speaks through the server.
func newUSSD(c GatewayConfig, server *smsc.Server) (*ussd.Switch, error) {
	config := c.USSD
	taken := slices.ContainsFunc(config.Routes, func(r ussd.Route) bool { return r.Code == USSDCode })
	bindable := slices.ContainsFunc(c.Accounts, func(a smsc.Account) bool { return a.SystemID == platformAccount })
	if !taken && bindable {
		config.Routes = append(slices.Clone(config.Routes), ussd.Route{Code: USSDCode, Account: platformAccount})
	}
	if config.Rand == nil {
		config.Rand = rand.New(rand.NewPCG(c.Seed, seedUSSD))
	}
	s, err := ussd.New(config, server)
	if err != nil {
		return nil, err
	}
	server.SetUSSD(s)
	return s, nil
}

// Address is where SMPP is spoken.
func (g *Gateway) Address() string { return g.ln.Addr().String() }

// Ready answers at once: a carrier that listens is ready.
func (g *Gateway) Ready(context.Context) error { return nil }

// Run serves until ctx ends. USSD sessions end when nobody is bound any more.
func (g *Gateway) Run(ctx context.Context) error {
	ussdCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { defer stop(); return g.server.Serve(ctx, g.ln) })
	group.Go(func() error { return g.ussd.Serve(ussdCtx) })
	return group.Wait()
}

// What each room's generator is seeded with besides the run's seed, so that one room
// drawing more changes nothing in another.
const (
	seedGateway = iota + 1
	seedPlatform
	seedHandsets
	seedBranch
	seedShop
	seedUSSD
)
