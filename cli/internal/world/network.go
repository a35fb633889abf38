package world

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// Config is a whole network in one process. The zero value of an address is a free
// port of the loopback.
type Config struct {
	Network network.Network
	Store   *Store
	Seed    uint64 // of everything that is drawn

	PlatformNetwork network.Network // of the platform's room alone; nil: Network

	HTTP, SMPP, Carrier, Handsets, Shop string // addresses to listen at; Carrier is its management's

	Suite       scp80.Suite // of the elements that are enrolled, and of the shop; 0 is modern
	People      []Person    // enrolled at the start
	ShopName    string
	Profile     platform.Profile // of the shop's merchant; empty is key
	Catalogue   []merchant.Item  // of the shop; nil: the default one
	Expiry      time.Duration    // of the shop's bills; 0 is 15 minutes
	Vault       *keys.Vault      // nil: made from the seed
	Timing      billing.Timing
	USSDCap     map[money.Currency]money.Amount // of bills paid over USSD; none: no bill may
	Limits      billing.Limits                  // of what may be paid; none unless it says so
	USSD        ussd.Config                     // at the carrier
	Pace        persona.Pace
	Client      handsetsim.Settings
	Connections int // of the handsets to the carrier; 0 is 1
	Watch       Watch
	Life        *Life // what the network remembers of earlier runs; nil: it ends with this one
	Movable     bool  // the network's clock can be moved ahead
	Forced      bool  // there are numbers that say what becomes of their bills; see ForcedOutcomes
	OpenCards   bool  // everybody may send binary messages to phones, not the platform alone
	// CallbackDial connects to merchants; nil: over the network, wherever they are.
	CallbackDial func(ctx context.Context, network, address string) (net.Conn, error)
	Perform      func(engine.Performer) engine.Performer // around the platform's effects, in tests
	Wall         func() time.Time                        // of the platform's bills and deadlines, in tests
	Drain        Drain                                   // of the platform
	Log          zerolog.Logger
}

// Watch looks on at the wires. All its functions may be nil; none may block.
type Watch struct {
	Carrier  func(smsc.Event)
	Phones   func(handsetsim.Event)
	Platform func(http.Handler) http.Handler // around the platform's HTTP face
	Shop     func(http.Handler) http.Handler // around the shop's
}

// loopback is a free port for people on this machine only.
const loopback = "127.0.0.1:0"

func orLoopback(address string) string {
	if address == "" {
		return loopback
	}
	return address
}

// The accounts at the carrier of a network in one process.
const (
	platformAccount = "platform"
	shopAccount     = "shop"
	handsetsAccount = "handsets"
	guestAccount    = "guest"

	handsetRange = `^861[0-9]{10}$`
	guestRange   = `^2[0-9]{3}$`
)

// World is a whole network: carrier, platform, shop, handsets and a branch.
type World struct {
	config   Config
	accounts []smsc.Account

	Gateway  *Gateway
	Platform *Platform
	Handsets *Handsets
	Merchant *Merchant // once Run has opened it

	Office *api.OfficeClient
	Phones *fleet.Client
	Bills  *api.Client // of the shop's merchant; once Run has opened it
	Branch *Branch
	Clock  *Clock // of a network whose clock can be moved; else nil
	Keys   platform.MerchantKeys

	own         platform.MerchantKeys // of the merchant that has an API key
	signing     Signing               // of the shop's merchant, once it was opened
	found       []api.Phone           // what a network that goes on began with
	operatorKey string
	carrierKey  string
	random      io.Reader // of the platform's rooms
	restarts    chan restart
	clerk       *clerk // nil: there is none
}

// New makes the rooms, which listen already; they live in Run.
func New(ctx context.Context, c Config) (*World, error) {
	w := &World{config: c, random: NewRandom(c.Seed, seedPlatform), restarts: make(chan restart)}
	if c.PlatformNetwork == nil {
		w.config.PlatformNetwork = c.Network
	}
	if c.Life != nil {
		w.random = crand.Reader // a seed's octets must not come a second time
	}
	if err := w.readyKeys(); err != nil {
		return nil, err
	}
	if c.Movable {
		w.Clock = newClock(c.Life.ahead(), c.Life.keepAhead())
	}
	if err := w.build(ctx); err != nil {
		return nil, err
	}
	return w, w.connect()
}

// readyKeys finds the vault, the keys of the operators and the passwords, or makes them.
func (w *World) readyKeys() (err error) {
	l := w.config.Life
	if w.config.Vault == nil && l != nil {
		w.config.Vault, err = l.vault()
	} else if w.config.Vault == nil {
		w.config.Vault, err = keys.Generate(w.random)
	}
	if err != nil {
		return err
	}
	if l != nil && l.Up {
		w.operatorKey, w.carrierKey = l.OperatorKey, l.CarrierKey
		w.accounts = Accounts(func(systemID string) string { return l.Passwords[systemID] })
		return nil
	}
	if err := w.drawSecrets(); err != nil || l == nil {
		return err
	}
	return l.keepSecrets(w.operatorKey, w.carrierKey, w.accounts)
}

// drawSecrets makes the keys of the operators, and the passwords at the carrier.
func (w *World) drawSecrets() error {
	var octets [20]byte
	if _, err := io.ReadFull(w.random, octets[:]); err != nil {
		return fmt.Errorf("draw secrets: %w", err)
	}
	w.operatorKey = fmt.Sprintf("op_%x", octets[:16])
	passwords := NewRandom(binary.BigEndian.Uint64(octets[12:]), seedGateway)
	w.accounts = Accounts(func(string) string {
		var octets [4]byte
		_, _ = io.ReadFull(passwords, octets[:]) // never fails
		return fmt.Sprintf("%x", octets)
	})
	var key [16]byte
	_, _ = io.ReadFull(passwords, key[:]) // never fails
	w.carrierKey = fmt.Sprintf("op_%x", key)
	return nil
}

// Accounts are those that the rooms bind with at the carrier, and one for guests.
func Accounts(password func(systemID string) string) []smsc.Account {
	accounts := []smsc.Account{
		{SystemID: platformAccount, AddressRange: "^" + PlatformAddress + "$", Window: platformWindow, Secured: true},
		{SystemID: shopAccount, AddressRange: "^" + ShopAddress + "$"},
		{SystemID: handsetsAccount, AddressRange: handsetRange, Window: platformWindow, HonourRange: true},
		{SystemID: guestAccount, AddressRange: guestRange, Kind: smsc.Application},
	}
	for i := range accounts {
		accounts[i].Password = password(accounts[i].SystemID)
	}
	return accounts
}

func (w *World) password(systemID string) string {
	for _, a := range w.accounts {
		if a.SystemID == systemID {
			return a.Password
		}
	}
	return ""
}

func (w *World) build(ctx context.Context) error {
	c := w.config
	faults, err := c.forcedFaults()
	if err != nil {
		return err
	}
	w.clerk = c.newClerk()
	w.Gateway, err = NewGateway(ctx, GatewayConfig{
		Network: c.Network, Listen: orLoopback(c.SMPP), HTTP: orLoopback(c.Carrier), Key: w.carrierKey, Accounts: w.accounts,
		Seed: c.seed(), Observer: c.Watch.Carrier, OpenCards: c.OpenCards, USSD: c.USSD,
		Radio: c.forcedRadio(), Faults: faults, Log: c.Log,
	})
	if err != nil {
		return err
	}
	w.Platform, err = w.newPlatform(ctx, Host{Network: c.PlatformNetwork, Store: c.Store.Store}, orLoopback(c.HTTP))
	if err != nil {
		return err
	}
	w.Handsets, err = NewHandsets(ctx, HandsetsConfig{
		Network: c.Network, Listen: orLoopback(c.Handsets), SMSC: w.Gateway.Address(),
		SystemID: handsetsAccount, Password: w.password(handsetsAccount), State: c.Life.elements(),
		Connections: c.Connections, Client: c.Client, Pace: c.Pace, Seed: c.seed(), Clock: w.Clock, Random: c.randomOf(seedHandsets),
		Observer: w.clerk.watch(c.Watch.Phones), Log: c.Log,
	})
	return err
}

// connect makes the clients that the branch and the operator use.
func (w *World) connect() error {
	client := HTTPClient(w.config.Network)
	var err error
	w.Office, err = api.NewOfficeClient(api.ClientConfig{BaseURL: w.Platform.URL(), Key: api.Key(w.operatorKey), HTTP: client})
	if err != nil {
		return err
	}
	if w.Phones, err = fleet.NewClient(w.Handsets.URL(), client); err != nil {
		return err
	}
	w.Branch = &Branch{Office: w.Office, Phones: w.Phones, Random: rand.New(rand.NewPCG(w.config.seed(), seedBranch))}
	return nil
}

// Run lives until ctx ends or body returns: the rooms start, the merchant is opened,
// the people are enrolled, and body has the network. It answers body's error, or what
// ended the network before.
func (w *World) Run(ctx context.Context, body func(ctx context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	carrier := w.runCarrier(ctx, stop)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.runPlatform(gctx) })
	g.Go(func() error { return w.Handsets.Run(gctx) })
	var done error
	g.Go(func() error {
		defer stop()
		if done = w.open(gctx, g); done == nil {
			done = body(gctx)
		}
		return nil
	})
	err := errors.Join(g.Wait(), carrier())
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return done
}

// runCarrier runs the carrier until the function it answers is called, which is after
// the rooms that unbind from it have ended. A carrier that ends by itself stops them.
func (w *World) runCarrier(ctx context.Context, stop func()) (end func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- w.Gateway.Run(ctx)
	}()
	return func() error {
		cancel()
		return <-ended
	}
}

// open opens the merchant and its shop, and enrols the people.
func (w *World) open(ctx context.Context, g *errgroup.Group) error {
	if err := w.Platform.Ready(ctx); err != nil {
		return fmt.Errorf("wait for the platform: %w", err)
	}
	if err := w.Handsets.Ready(ctx); err != nil {
		return fmt.Errorf("wait for the handsets: %w", err)
	}
	if err := w.openShop(ctx, g); err != nil {
		return err
	}
	welcome := w.Admit
	if w.resumed() {
		welcome = w.readmit
	}
	for _, p := range slices.Concat(w.config.People, w.config.forcedPeople()) {
		if err := welcome(ctx, p); err != nil {
			return err
		}
	}
	if err := w.remember(ctx); err != nil || w.clerk == nil {
		return err
	}
	w.clerk.office = w.Office
	g.Go(func() error {
		w.clerk.run(ctx)
		return nil
	})
	return nil
}

// Admit gives a person a phone; one with cards is enrolled for mobile payment.
func (w *World) Admit(ctx context.Context, p Person) error {
	if len(p.Cards) > 0 && p.Form == platform.FormNone {
		return w.Branch.Enrol(ctx, p)
	}
	if len(p.Cards) > 0 {
		p.Suite = cmp.Or(p.Suite, w.config.Suite)
		return w.Branch.Enrol(ctx, p)
	}
	_, err := w.Phones.Add(ctx, fleet.NewPhone{MSISDN: p.Phone, Form: "none", Persona: p.Persona})
	return err
}
