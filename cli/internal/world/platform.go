package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/archive"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/push"
	"github.com/airtill/airtill/platform/retention"
	"github.com/airtill/airtill/platform/webhook"
)

// PlatformConfig is what the payment platform needs.
type PlatformConfig struct {
	Network     network.Network
	Listen      string // address for HTTP
	SMSC        string // address of the carrier
	SystemID    string // at the carrier
	Password    string
	Store       *redisstore.Store
	Vault       *keys.Vault
	OperatorKey string
	Timing      billing.Timing
	Archive     *archive.Archive                // where old bills and the old journal are; nil: there is none
	Retain      time.Duration                   // how long bills are at hand before they are moved there; 0: nothing is moved
	AllowLegacy bool                            // elements and merchants of the legacy suite are served
	USSDCap     map[money.Currency]money.Amount // that a bill may ask for to be paid over USSD; none: no bill may
	Random      io.Reader                       // for bill ids and merchants' keys; safe for concurrent use
	Wrap        func(http.Handler) http.Handler
	Callbacks   http.RoundTripper // nil: over the network
	Log         zerolog.Logger
}

// Platform is the payment platform's room.
type Platform struct {
	engine  *engine.Engine
	service *billing.Service
	esme    *esme.Client
	handler http.Handler
	ln      net.Listener
	store   *redisstore.Store
	hooks   *webhook.Deliverer
	phones  *push.Receiver
	menus   *push.Menus
	keeper  *retention.Keeper // nil: nothing is moved
}

// NewPlatform makes a platform that listens already; it takes the store's partitions when it runs.
func NewPlatform(ctx context.Context, c PlatformConfig) (*Platform, error) {
	c.Log = c.Log.With().Str("room", "platform").Logger()
	p := &Platform{store: c.Store}
	if err := p.build(c); err != nil {
		return nil, err
	}
	ln, err := c.Network.Listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	p.ln = ln
	return p, nil
}

// build ties the parts together. Effects go out of the engine and their outcomes come
// back into it, so the performers are filled in once the engine is there.
func (p *Platform) build(c PlatformConfig) error {
	rules := billing.Config{
		Partitions: c.Store.Partitions(), Vault: c.Vault, Random: c.Random, Timing: c.Timing,
		AllowLegacy: c.AllowLegacy, USSDCap: c.USSDCap, Log: c.Log,
	}
	if err := rules.Validate(); err != nil {
		return err
	}
	effects := &billing.Effects{Log: c.Log}
	var err error
	p.engine, err = engine.New(engine.Config{Partitions: rules.Partitions, Log: c.Log}, c.Store, actors(rules), effects)
	if err != nil {
		return err
	}
	if p.service, err = billing.NewService(rules, p.engine, p.keep(c)); err != nil {
		return err
	}
	if p.phones, err = push.NewReceiver(p.engine, p.service.PhonePartition, c.Log); err != nil {
		return err
	}
	p.menus = &push.Menus{Partitions: p.engine, Home: p.service.PhonePartition, Code: USSDCode, Address: PlatformAddress, Log: c.Log}
	p.esme, err = esme.New(esme.Config{
		Dial: dialer(c.Network, c.SMSC), SystemID: c.SystemID, Password: c.Password, SystemType: "PLATFORM",
		Window: platformWindow, Log: c.Log, Deliver: p.deliver,
	})
	if err != nil {
		return err
	}
	p.menus.Carrier = p.esme
	effects.Service = p.service
	effects.Phones = &push.Sender{
		Carrier: p.esme, Partitions: p.engine, Vault: c.Vault, Address: PlatformAddress, Menus: p.menus, Log: c.Log,
	}
	if p.hooks, err = p.deliverer(c); err != nil {
		return err
	}
	effects.Callbacks = p.hooks
	return p.buildHandler(c)
}

// keep has old bills moved, if they are to be, and answers the store as the service reads it.
func (p *Platform) keep(c PlatformConfig) engine.Store {
	if c.Archive == nil {
		return c.Store
	}
	if c.Retain > 0 {
		p.keeper = &retention.Keeper{
			Engine: p.engine, Store: c.Store, Archive: c.Archive, Partitions: c.Store.Partitions(), Retain: c.Retain, Log: c.Log,
		}
	}
	return c.Archive.Over(c.Store)
}

// deliver takes what the carrier brings: USSD, or short messages.
func (p *Platform) deliver(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	if p.menus.Takes(sm) {
		p.menus.Deliver(sm, reply)
		return
	}
	p.phones.Deliver(sm, reply)
}

// platformWindow is how many pushes may be unanswered by the carrier.
const platformWindow = 100

func actors(c billing.Config) func(engine.Partition) engine.Actor {
	return func(n engine.Partition) engine.Actor {
		actor, err := billing.New(c, n)
		if err != nil {
			panic(err) // the configuration was validated
		}
		return actor
	}
}

// deliverer makes callbacks over the network and brings their outcomes back to the bills.
func (p *Platform) deliverer(c PlatformConfig) (*webhook.Deliverer, error) {
	return webhook.New(webhook.Config{
		Dial:     func(ctx context.Context, _, address string) (net.Conn, error) { return c.Network.Dial(ctx, address) },
		Partner:  p.service.Partner,
		Identity: p.service.Identity,
		Report: func(ctx context.Context, n engine.Partition, o billing.Reported) error {
			_, err := p.engine.Do(ctx, n, o)
			return err
		},
	})
}

func (p *Platform) buildHandler(c PlatformConfig) error {
	handler, err := api.NewHandler(api.HandlerConfig{
		Service: p.service, Authenticator: p.service,
		Office: p.service, OperatorKey: api.Key(c.OperatorKey),
		Keyring: p.service, AllowLegacy: c.AllowLegacy,
		Ready: p.Ready, Log: c.Log,
	})
	if err != nil {
		return err
	}
	p.handler = handler
	if c.Wrap != nil {
		p.handler = c.Wrap(handler)
	}
	return nil
}

// URL is where the platform's HTTP face is.
func (p *Platform) URL() string { return URL(p.ln) }

// Dropped counts the packets from phones that this room dropped in silence, by reason.
func (p *Platform) Dropped() map[billing.Drop]uint64 { return p.phones.Dropped() }

// Ready answers once the partitions are taken and the carrier is bound, or why not yet.
func (p *Platform) Ready(ctx context.Context) error {
	if err := p.engine.Ready(ctx); err != nil {
		return err
	}
	return p.esme.WaitBound(ctx)
}

// Run serves until ctx ends: first no request is taken any more, then the carrier is
// unbound, then the engine drains, so that nothing is answered that was not kept.
func (p *Platform) Run(ctx context.Context) error {
	engineCtx, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	esmeCtx, stopESME := context.WithCancel(context.WithoutCancel(ctx))
	menusCtx, stopMenus := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	defer stopESME()
	defer stopMenus()
	defer p.hooks.Close()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer stopESME(); return serveHTTP(gctx, p.ln, p.handler) })
	g.Go(func() error { defer stopMenus(); return p.esme.Run(esmeCtx) })
	g.Go(func() error { defer stopEngine(); return p.menus.Run(menusCtx) })
	g.Go(func() error { return p.engine.Run(engineCtx) })
	if p.keeper != nil {
		g.Go(func() error { return p.keeper.Serve(gctx) })
	}
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
