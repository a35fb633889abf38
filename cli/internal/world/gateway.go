package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/trace"
	"github.com/airtill/airtill/gateway/ussd"
)

// GatewayConfig is what the carrier needs.
type GatewayConfig struct {
	Network  network.Network
	Listen   string // address for SMPP
	HTTP     string // address for management; empty: there is none
	Key      string // of management
	Secure   *Secure
	Accounts []smsc.Account
	Seed     uint64
	Observer func(smsc.Event)
	// OpenCards turns off the filter that lets nobody but the platform send binary
	// messages to the cards of subscribers (wire.md 5).
	OpenCards bool
	Store     msgstore.Store // nil: messages are kept in memory
	Radio     radio.Plan     // at the start
	Faults    []fault.Fault  // at the start
	// USSD says where dialled codes lead. The platform has USSDCode unless a route says
	// otherwise, or nobody can bind as the platform.
	USSD    ussd.Config
	Canned  map[uint8]string
	Capture io.Writer // of every PDU, as a capture file; nil: there is none
	Log     zerolog.Logger
}

// Gateway is the carrier's room.
type Gateway struct {
	server  *smsc.Server
	ussd    *ussd.Switch
	trace   *trace.Trace  // nil: none
	store   *watchedStore // nil: none
	manage  *management.Handler
	ln      net.Listener
	secured net.Listener // nil: SMPP is not spoken over TLS
	http    net.Listener // nil: there is no management
	running chan struct{}
	once    sync.Once
}

// NewGateway makes a carrier that listens already.
func NewGateway(ctx context.Context, c GatewayConfig) (*Gateway, error) {
	c.Log = c.Log.With().Str("room", "gateway").Logger()
	g := &Gateway{running: make(chan struct{})}
	if err := g.build(c); err != nil {
		return nil, err
	}
	if err := g.listen(ctx, c); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// build ties the parts together.
func (g *Gateway) build(c GatewayConfig) error {
	air, err := radio.New(c.Seed, c.Radio.Profile)
	if err != nil {
		return err
	}
	if err := air.SetPlan(c.Radio); err != nil {
		return err
	}
	faults := fault.New(c.Seed)
	if _, err := faults.Set(time.Now(), c.Faults...); err != nil {
		return err
	}
	if c.Capture != nil {
		g.trace = trace.New(trace.Config{To: c.Capture, Comment: "SMPP at airtill gateway; where tshark does not know the port: -d tcp.port==PORT,smpp"})
	}
	config := smsc.Config{
		Accounts: c.Accounts, Observer: c.Observer, OpenCards: c.OpenCards, Radio: air, Faults: faults, Trace: g.trace,
		Canned: c.Canned, Dial: Dialer(c.Network), Rand: rand.New(rand.NewPCG(c.Seed, seedGateway)), Log: c.Log,
	}
	if c.Store != nil {
		g.store = &watchedStore{Store: c.Store}
		config.Durable = g.store
	}
	if g.server, err = smsc.New(config); err != nil {
		return err
	}
	if g.ussd, err = newUSSD(c, g.server); err != nil {
		return err
	}
	if c.HTTP == "" {
		return nil
	}
	g.manage, err = management.New(management.Config{
		Server: g.server, Radio: air, Faults: faults, USSD: g.ussd, Key: c.Key, Ready: g.unready, Log: c.Log,
	})
	return err
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

func (g *Gateway) listen(ctx context.Context, c GatewayConfig) (err error) {
	if g.ln, err = c.Network.Listen(ctx, c.Listen); err != nil {
		return fmt.Errorf("listen for SMPP: %w", err)
	}
	if c.Secure != nil {
		if g.secured, err = c.Secure.listen(ctx, c.Network); err != nil {
			return fmt.Errorf("listen for SMPP over TLS: %w", err)
		}
	}
	if c.HTTP != "" {
		if g.http, err = c.Network.Listen(ctx, c.HTTP); err != nil {
			return fmt.Errorf("listen for management: %w", err)
		}
	}
	return nil
}

// close closes the listeners of a room that does not come to run.
func (g *Gateway) close() error {
	var failed []error
	for _, ln := range []net.Listener{g.ln, g.secured, g.http} {
		if ln != nil {
			failed = append(failed, ln.Close())
		}
	}
	return errors.Join(failed...)
}

// Address is where SMPP is spoken.
func (g *Gateway) Address() string { return g.ln.Addr().String() }

// SecureAddress is where SMPP is spoken over TLS; empty if nowhere.
func (g *Gateway) SecureAddress() string {
	if g.secured == nil {
		return ""
	}
	return g.secured.Addr().String()
}

// URL is where management is; empty if nowhere.
func (g *Gateway) URL() string {
	if g.http == nil {
		return ""
	}
	return URL(g.http)
}

// Ready answers once the carrier runs and has what its store had.
func (g *Gateway) Ready(ctx context.Context) error {
	loaded := g.running
	if g.store != nil {
		loaded = g.store.loaded()
	}
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the carrier: %w", context.Cause(ctx))
	}
}

// unready is why the carrier takes no messages at present.
func (g *Gateway) unready() (reasons []string) {
	select {
	case <-g.running:
	default:
		return []string{"the SMPP listener is not served"}
	}
	if g.store != nil {
		reasons = append(reasons, g.store.unready()...)
	}
	return reasons
}

// Run serves until ctx ends: first management does, then SMPP, then what that needs.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	under, stopUnder := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUnder()
	var supports errgroup.Group
	supports.Go(func() error { return g.ussd.Serve(under) })
	if g.trace != nil {
		supports.Go(func() error { return g.writeTrace(under, stop) })
	}
	err := g.serve(ctx)
	stopUnder()
	return errors.Join(err, supports.Wait())
}

// writeTrace writes PDUs down until ctx ends. A file that cannot be written stops the room.
func (g *Gateway) writeTrace(ctx context.Context, stop func()) error {
	if err := g.trace.Serve(ctx); err != nil {
		stop()
		return fmt.Errorf("write the capture file: %w", err)
	}
	return nil
}

func (g *Gateway) serve(ctx context.Context) error {
	over, stop := context.WithCancel(ctx)
	defer stop()
	faces, ending := errgroup.WithContext(over)
	if g.http != nil {
		faces.Go(func() error { return serveHTTP(ending, g.http, ends(ending, g.manage)) })
	}
	listeners := []net.Listener{g.ln}
	if g.secured != nil {
		listeners = append(listeners, g.secured)
	}
	faces.Go(func() error {
		g.once.Do(func() { close(g.running) })
		return g.server.Serve(ending, listeners...)
	})
	return faces.Wait()
}

// ends serves requests that end when ctx does: they may wait for long.
func ends(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		h.ServeHTTP(w, r.WithContext(own))
	})
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
