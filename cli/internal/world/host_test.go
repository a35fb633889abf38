package world_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/redisstore"
)

// host is the machine that a platform's room stands on. When it falls, all that goes in
// or out of the room is cut in the same moment, its connections to the store first: it
// keeps nothing more and says nothing more, as after a kill.
type host struct {
	net   network.Network
	store *redisstore.Store

	mu        sync.Mutex
	fallen    bool
	listeners []net.Listener
	conns     []net.Conn
	stored    []net.Conn // those to the store
}

var _ network.Network = (*host)(nil)

var errFallen = errors.New("the host has fallen")

// newHost connects a host to the store.
func (r *rig) newHost(ctx context.Context) *host {
	r.t.Helper()
	h := &host{net: r.net}
	options := r.storeOptions(h.dialStore)
	options.Dialer = func(ctx context.Context, _, address string) (net.Conn, error) { return h.dialStore(ctx, address) }
	var err error
	h.store, err = redisstore.Open(ctx, redisstore.Options{Redis: options})
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

func (h *host) room() world.Host { return world.Host{Network: h, Store: h.store} }

func (h *host) dialStore(ctx context.Context, address string) (net.Conn, error) {
	if !strings.HasPrefix(address, "/") {
		return h.keep(&h.stored)(h.net.Dial(ctx, address))
	}
	var d net.Dialer
	return h.keep(&h.stored)(d.DialContext(ctx, "unix", address))
}

// Dial implements network.Network.
func (h *host) Dial(ctx context.Context, address string) (net.Conn, error) {
	return h.keep(&h.conns)(h.net.Dial(ctx, address))
}

// Listen implements network.Network.
func (h *host) Listen(ctx context.Context, address string) (net.Listener, error) {
	ln, err := h.net.Listen(ctx, address)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners = append(h.listeners, ln)
	return &hostListener{Listener: ln, host: h}, nil
}

// keep takes note of a connection, unless there are to be no more.
func (h *host) keep(among *[]net.Conn) func(net.Conn, error) (net.Conn, error) {
	return func(c net.Conn, err error) (net.Conn, error) {
		if err != nil {
			return nil, err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.fallen {
			return nil, errors.Join(errFallen, c.Close())
		}
		*among = append(*among, c)
		return c, nil
	}
}

type hostListener struct {
	net.Listener
	host *host
}

func (l *hostListener) Accept() (net.Conn, error) {
	return l.host.keep(&l.host.conns)(l.Listener.Accept())
}

// fall cuts everything.
func (h *host) fall() {
	h.mu.Lock()
	h.fallen = true
	listeners, conns, stored := h.listeners, h.conns, h.stored
	h.listeners, h.conns, h.stored = nil, nil, nil
	h.mu.Unlock()
	for _, c := range stored {
		_ = c.Close() // broken is what it should be
	}
	for _, c := range conns {
		_ = c.Close()
	}
	for _, ln := range listeners {
		_ = ln.Close()
	}
	_ = h.store.Close() // so that nobody waits for it
}
