package management

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/ussd"
)

const (
	key   = "op_of_the_carrier_0123456789"
	phone = "254700000001"
	other = "254700000002"
	code  = "4242"
)

// pipes is a listener over net.Pipe, which a synctest bubble can wait on.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

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

// rig is a carrier with phones that take everything, and its face.
type rig struct {
	t       *testing.T
	handler *Handler
	client  *Client
	server  *smsc.Server
	reasons []string // why it is not ready
	menu    menu

	mu    sync.Mutex
	taken []*smpp.DeliverSM // by the phones
	ln    *pipes
}

// menu is a USSD application: it asks, repeats the answer, and ends with bye.
type menu struct {
	slow time.Duration
}

func (m *menu) Answer(ctx context.Context, t ussd.Turn) (ussd.Reply, error) {
	select {
	case <-time.After(m.slow):
	case <-ctx.Done():
		return ussd.Reply{}, ctx.Err()
	}
	if len(t.Inputs) == 0 {
		return ussd.Reply{Text: "1 Balance\n2 Exit"}, nil
	}
	last := t.Inputs[len(t.Inputs)-1]
	return ussd.Reply{Text: "You said " + last, End: last == "bye"}, nil
}

func (m *menu) Ended(context.Context, ussd.Summary) {}

// inBubble runs a test with a carrier in a bubble, where time does not pass by itself.
func inBubble(t *testing.T, do func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := &rig{t: t, ln: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}}
		var wg sync.WaitGroup
		defer func() { stop(); wg.Wait() }()
		r.build()
		wg.Go(func() {
			if err := r.server.Serve(ctx, r.ln); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { _ = r.handler.config.USSD.Serve(ctx) })
		r.bind(ctx, &wg, "phones", func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			r.mu.Lock()
			r.taken = append(r.taken, sm)
			r.mu.Unlock()
			reply(smpp.ROK)
		})
		do(r)
	})
}

func (r *rig) bind(ctx context.Context, wg *sync.WaitGroup, system string, deliver func(*smpp.DeliverSM, func(smpp.Status))) {
	r.t.Helper()
	c, err := esme.New(esme.Config{Dial: r.ln.dial, SystemID: system, Password: "secret", Deliver: deliver})
	if err != nil {
		r.t.Fatal(err)
	}
	wg.Go(func() { _ = c.Run(ctx) })
	if err := c.WaitBound(ctx); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) build() {
	air, err := radio.New(1, radio.Profile{})
	r.ok(err)
	faults := fault.New(1)
	r.server, err = smsc.New(smsc.Config{
		Accounts: []smsc.Account{
			{SystemID: "phones", Password: "secret", AddressRange: "^2547000[0-9]{5}$"},
			{SystemID: "app", Password: "secret", AddressRange: "^4242$"},
			{SystemID: "latin", Password: "secret", AddressRange: "^5000$", Alphabet: 1},
		},
		Radio: air, Faults: faults, Rand: rand.New(rand.NewPCG(1, 2)),
	})
	r.ok(err)
	codes, err := ussd.New(ussd.Config{
		Routes: []ussd.Route{{Code: "*384*1#", Application: &r.menu}}, Rand: rand.New(rand.NewPCG(3, 4)),
	}, r.server)
	r.ok(err)
	r.server.SetUSSD(codes)
	r.handler, err = New(Config{
		Server: r.server, Radio: air, Faults: faults, USSD: codes, Key: key, Ready: func() []string { return r.reasons },
	})
	r.ok(err)
	r.client, err = NewClient("http://carrier", key, &http.Client{Transport: r})
	r.ok(err)
}

// RoundTrip has the handler answer without a network between.
func (r *rig) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	return rec.Result(), nil
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// ask sends a request as it is, and answers status and body.
func (r *rig) ask(method, path, body string) (int, []byte, http.Header) {
	r.t.Helper()
	req := httptest.NewRequest(method, path, bytes.NewReader([]byte(body)))
	req.Header.Set("Authorization", "Bearer "+key)
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	text, err := io.ReadAll(rec.Body)
	r.ok(err)
	return rec.Code, text, rec.Header()
}

// refused asks what is to be refused.
func (r *rig) refused(method, path, body string) Problem {
	r.t.Helper()
	status, text, header := r.ask(method, path, body)
	var p Problem
	if err := json.Unmarshal(text, &p); err != nil || header.Get("Content-Type") != contentProblem || p.Status != status {
		r.t.Fatalf("%s %s: %d %s (%v)", method, path, status, text, err)
	}
	return p
}

// arrived are the messages that phones took from now on a given one.
func (r *rig) arrived(from int) []*smpp.DeliverSM {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken[from:])
}
