package smsc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

const (
	phone  = "8613800000001"
	phone2 = "8613800000002"
	code   = "10658"
)

// pipes is a listener over net.Pipe, which a synctest bubble can wait on.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// config has the accounts of the mission: a platform, a shop, a fleet of phones.
func config() smsc.Config {
	return smsc.Config{
		Accounts: []smsc.Account{
			{SystemID: "platform", Password: "secret", AddressRange: "^10658$", Window: 100, Secured: true},
			{SystemID: "shop", Password: "secret", AddressRange: "^10690$"},
			{SystemID: "phones", Password: "secret", AddressRange: "^861[0-9]{10}$", Window: 100},
		},
		Rand: rand.New(rand.NewPCG(1, 2)),
	}
}

// world is a server over pipes, and what its observer saw.
type world struct {
	t      *testing.T
	server *smsc.Server
	ln     *pipes
	stop   context.CancelFunc
	wg     sync.WaitGroup
	peers  []*peer

	mu     sync.Mutex
	events []smsc.Event
}

func newWorld(t *testing.T, c smsc.Config) *world {
	t.Helper()
	w := &world{t: t, ln: newPipes()}
	c.Observer = func(e smsc.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	}
	w.server = newServer(t, c)
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.wg.Go(func() {
		if err := w.server.Serve(ctx, w.ln); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

func newServer(t *testing.T, c smsc.Config) *smsc.Server {
	t.Helper()
	server, err := smsc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// end stops the peers, then the server, and waits for all that was started.
func (w *world) end() {
	for _, p := range w.peers {
		p.set(smpp.ROK, false)
		p.stop()
	}
	w.stop()
	w.wg.Wait()
}

// story is what the observer saw, in short.
func (w *world) story() (lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		lines = append(lines, fmt.Sprintf("%v %v %s>%s %s>%s", e.Kind, e.State, e.From, e.To, e.Message.Source, e.Message.Destination))
	}
	return lines
}

// peer is a bound client and what was delivered to it.
type peer struct {
	*esme.Client
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	got    []*smpp.DeliverSM
	at     []time.Time
	answer smpp.Status
	mute   bool
}

// deliver answers as the test has set it.
func (p *peer) deliver(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	p.mu.Lock()
	status, mute := p.answer, p.mute
	if status == smpp.ROK {
		p.got = append(p.got, sm)
		p.at = append(p.at, time.Now())
	}
	p.mu.Unlock()
	if !mute {
		reply(status)
	}
}

func (p *peer) set(answer smpp.Status, mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer, p.mute = answer, mute
}

func (p *peer) received() []*smpp.DeliverSM {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*smpp.DeliverSM(nil), p.got...)
}

// texts are the short messages received, as strings.
func (p *peer) texts() (all []string) {
	for _, sm := range p.received() {
		all = append(all, string(sm.ShortMessage))
	}
	return all
}

func (w *world) bind(systemID string, m esme.Mode) *peer {
	w.t.Helper()
	p := &peer{done: make(chan struct{})}
	client, err := esme.New(esme.Config{
		Dial: w.ln.dial, SystemID: systemID, Password: "secret", Mode: m, Window: 100, Deliver: p.deliver,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p.Client = client
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	w.wg.Go(func() {
		defer close(p.done)
		if err := client.Run(ctx); err != nil {
			w.t.Errorf("%s: %v", systemID, err)
		}
	})
	if err := client.WaitBound(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.peers = append(w.peers, p)
	return p
}

// leave unbinds and waits for the end.
func (p *peer) leave() {
	p.stop()
	<-p.done
}

func text(from, to, s string) *smpp.SubmitSM {
	return &smpp.SubmitSM{
		Source: smpp.Address{Digits: from}, Destination: smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: to},
		ShortMessage: []byte(s),
	}
}

func (p *peer) send(t *testing.T, sm *smpp.SubmitSM) gateway.MessageID {
	t.Helper()
	id, err := p.Submit(context.Background(), sm)
	if err != nil {
		t.Fatalf("submit %q: %v", sm.ShortMessage, err)
	}
	return id
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// inBubble runs a test against a server with fake time.
func inBubble(t *testing.T, c smsc.Config, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c)
		test(t, w)
		w.end()
	})
}

// wait lets the least time pass that two servers are started apart.
func wait(t *testing.T) {
	t.Helper()
	time.Sleep(time.Millisecond)
}
