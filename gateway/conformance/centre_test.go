package conformance_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway/smsc"
)

// Numbers of the accounts that binds are made for.
const (
	shopCode = "10690"
	code     = "10658"
	phone    = "8613800000001"
	secret   = "secret"
)

func config() smsc.Config {
	return smsc.Config{Accounts: []smsc.Account{
		{SystemID: "platform", Password: secret, AddressRange: "^10658$", Secured: true},
		{SystemID: "shop", Password: secret, AddressRange: "^10690$"},
		{SystemID: "phones", Password: secret, AddressRange: "^861[0-9]{10}$", Window: 100},
	}}
}

// centre is a message centre under test, and how to reach it.
type centre struct {
	t    testing.TB
	dial func() (net.Conn, error)
	stop func() // and wait for its end
}

// listen serves a centre over TCP until the test ends.
func listen(t testing.TB, c smsc.Config) *centre {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ce := serve(t, c, ln, func() (net.Conn, error) { return net.Dial("tcp", address) })
	t.Cleanup(ce.stop)
	return ce
}

// bubble runs a test against a centre in memory, where time costs nothing.
func bubble(t *testing.T, c smsc.Config, test func(t *testing.T, ce *centre)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ln := newMemory()
		ce := serve(t, c, ln, ln.dial)
		defer ce.stop()
		test(t, ce)
	})
}

func serve(t testing.TB, c smsc.Config, ln net.Listener, dial func() (net.Conn, error)) *centre {
	t.Helper()
	server, err := smsc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(ctx, ln); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return &centre{t: t, dial: dial, stop: func() { stop(); wg.Wait() }}
}

// memory is a listener over net.Pipe.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), done: make(chan struct{})} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.done) }); return nil }
func (m *memory) Addr() net.Addr { return &net.IPAddr{} }

func (m *memory) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}
