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
	"github.com/airtill/airtill/platform/monitor"
	"github.com/airtill/airtill/platform/peer"
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
	Share       *Share // the store with other platform processes; nil: it is this one's
	Timing      billing.Timing
	Archive     *archive.Archive                // where old bills and the old journal are; nil: there is none
	Retain      time.Duration                   // how long bills are at hand before they are moved there; 0: nothing is moved
	AllowLegacy bool                            // elements and merchants of the legacy suite are served
	USSDCap     map[money.Currency]money.Amount // that a bill may ask for to be paid over USSD; none: no bill may
	Limits      billing.Limits                  // of what may be paid; none unless it says so
	Random      io.Reader                       // for bill ids and merchants' keys; safe for concurrent use
	Wrap        func(http.Handler) http.Handler
	// CallbackDial connects to merchants; nil: over the network, wherever they are.
	CallbackDial func(ctx context.Context, network, address string) (net.Conn, error)
	// Perform may stand around what does effects, in tests of what goes wrong there; nil: nothing does.
	Perform func(engine.Performer) engine.Performer
	Data    string // directory of the store's files, whose disk is looked at; none: no disk is
	Drain   Drain
	Wall    func() time.Time // the wall clock of bills and deadlines; nil: the process's
	Clock   *Clock           // may be moved, and goes before Wall; nil: nobody moves the platform's
	Log     zerolog.Logger
}

// Platform is the payment platform's room.
type Platform struct {
	engine  *engine.Engine
	inputs  inputs       // goes to the engine, or through the router
	router  *peer.Router // nil: the store is not shared
	service *billing.Service
	esme    *esme.Client
	handler http.Handler
	ln      net.Listener
	store   *redisstore.Store
	hooks   *webhook.Deliverer
	phones  *push.Receiver
	menus   *push.Menus
	monitor *monitor.Monitor
	drain   Drain
	line    *carrierLine
	log     zerolog.Logger
	keeper  *retention.Keeper // nil: nothing is moved
	ending  chan struct{}     // closed when no request is taken any more
}

// NewPlatform makes a platform that listens already; it takes the store's partitions when it runs.
func NewPlatform(ctx context.Context, c PlatformConfig) (*Platform, error) {
	c.Log = c.Log.With().Str("room", "platform").Logger()
	if err := c.sameVault(ctx); err != nil {
		return nil, err
	}
	ln, err := c.Network.Listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	p := &Platform{
		store: c.Store, ln: ln, monitor: monitor.New(), drain: c.Drain.withDefaults(),
		line: &carrierLine{dial: dialer(c.Network, c.SMSC)}, log: c.Log, ending: make(chan struct{}),
	}
	if err := p.build(c); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return p, nil
}

// build ties the parts together. Effects go out of the engine and their outcomes come
// back into it, so the performers are filled in once the engine is there.
func (p *Platform) build(c PlatformConfig) error {
	rules := billing.Config{
		Partitions: c.Store.Partitions(), Vault: c.Vault, Random: c.Random, Timing: c.Timing,
		AllowLegacy: c.AllowLegacy, USSDCap: c.USSDCap, Limits: c.Limits, Clock: engine.NewClock(c.wall()), Log: c.Log,
	}
	if err := rules.Validate(); err != nil {
		return err
	}
	effects := &billing.Effects{Log: c.Log}
	var perform engine.Performer = effects
	if c.Perform != nil {
		perform = c.Perform(effects)
	}
	var err error
	p.engine, err = engine.New(engine.Config{
		Partitions: rules.Partitions, Share: p.share(c), Observer: p.monitor, Clock: rules.Clock, Log: c.Log,
	}, c.Store, actors(rules), perform)
	if err != nil {
		return err
	}
	if c.Clock != nil {
		c.Clock.tell(p.engine.LookAtClock)
	}
	if err := p.route(c); err != nil {
		return err
	}
	if p.service, err = billing.NewService(rules, p.inputs, p.keep(c)); err != nil {
		return err
	}
	if p.phones, err = push.NewReceiver(p.inputs, p.service.PhonePartition, c.Log); err != nil {
		return err
	}
	p.menus = &push.Menus{Partitions: p.inputs, Home: p.service.PhonePartition, Code: USSDCode, Address: PlatformAddress, Log: c.Log}
	p.esme, err = esme.New(esme.Config{
		Dial: p.line.connect, SystemID: c.SystemID, Password: c.Password, SystemType: "PLATFORM",
		Window: platformWindow, Log: c.Log, Deliver: p.deliver,
	})
	if err != nil {
		return err
	}
	p.menus.Carrier = p.esme
	effects.Service = p.service
	effects.Phones = &push.Sender{
		Carrier: p.esme, Partitions: p.inputs, Vault: c.Vault, Address: PlatformAddress, Menus: p.menus, Log: c.Log,
	}
	if p.hooks, err = p.deliverer(c); err != nil {
		return err
	}
	effects.Callbacks = p.hooks
	p.monitor.Watch(p.parts(c))
	return p.buildHandler(c)
}

// wall is the wall clock of bills and deadlines.
func (c PlatformConfig) wall() func() time.Time {
	if c.Clock != nil {
		return c.Clock.Now
	}
	return c.Wall
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

// take takes what the carrier brings: USSD, or short messages.
func (p *Platform) take(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	if p.menus.Takes(sm) {
		p.menus.Deliver(sm, reply)
		return
	}
	p.phones.Deliver(sm, reply)
}

// platformWindow is how many messages may be unanswered between carrier and platform, each
// way: each waits for a commit, and with fewer of them the line is idle meanwhile.
const platformWindow = 2000

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
	dial := c.CallbackDial
	if dial == nil {
		dial = func(ctx context.Context, _, address string) (net.Conn, error) { return c.Network.Dial(ctx, address) }
	}
	return webhook.New(webhook.Config{
		Dial:      dial,
		Partner:   p.service.Partner,
		Identity:  p.service.Identity,
		Endpoints: p.service,
		Report: func(ctx context.Context, n engine.Partition, o billing.Reported) error {
			_, err := p.inputs.Do(ctx, n, o)
			return err
		},
	})
}

func (p *Platform) buildHandler(c PlatformConfig) error {
	config := api.HandlerConfig{
		Service: p.service, Authenticator: p.service,
		Office: p.service, OperatorKey: api.Key(c.OperatorKey), Reconciler: p.service,
		Accounts: p.service, OfficeLog: p.service,
		Keyring: p.service, AllowLegacy: c.AllowLegacy,
		Callbacks: p.service, Health: p.monitor.Health, Metrics: p.monitor, Partitions: p.owners, Log: c.Log,
		Feed: p.service, Ending: p.ending,
	}
	if c.Clock != nil {
		config.Clock = c.Clock
	}
	handler, err := api.NewHandler(config)
	if err != nil {
		return err
	}
	p.handler = handler
	if c.Wrap != nil {
		p.handler = c.Wrap(handler)
	}
	p.handler = p.withPeers(p.handler)
	return nil
}

// URL is where the platform's HTTP face is.
func (p *Platform) URL() string { return URL(p.ln) }

// Dropped counts the packets from phones that this room dropped in silence, by reason.
func (p *Platform) Dropped() map[billing.Drop]uint64 { return p.phones.Dropped() }

// Ready answers once the partitions are taken, here or by others that can be reached, and
// the carrier is bound, or why not yet.
func (p *Platform) Ready(ctx context.Context) error {
	if err := p.served(ctx); err != nil {
		return err
	}
	return p.esme.WaitBound(ctx)
}
