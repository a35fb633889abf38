package network

import (
	"cmp"
	"context"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// Memory is a network inside the process. Its zero value is ready; it must not be
// copied. Host names are names only: whoever listens at a name is found there, and
// the names that mean this host (none, localhost, 127.0.0.1, 0.0.0.0, ::1, ::) are one.
type Memory struct {
	Buffer  int // octets under way in each direction of a connection; 0: 1 MiB
	Backlog int // connections dialled and not accepted yet; a dial waits beyond them; 0: 1024

	mu        sync.Mutex
	listeners map[Addr]*listener
	lastPort  uint16
}

var _ Network = (*Memory)(nil)

const (
	defaultBuffer  = 1 << 20
	defaultBacklog = 1024
	memory         = "memory"
	thisHost       = "127.0.0.1"
	firstPort      = 49152 // of those that are handed out (RFC 6335 §6)
)

// Addr is an address in a Memory network: host:port.
type Addr string

// Network implements net.Addr.
func (Addr) Network() string { return memory }

// String implements net.Addr.
func (a Addr) String() string { return string(a) }

// parseAddr reads an address, this host by whatever name being one.
func parseAddr(address string) (a Addr, anyPort bool, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", false, &net.AddrError{Err: "port is not a number up to 65535", Addr: address}
	}
	switch host {
	case "", "localhost", "0.0.0.0", "::1", "::":
		host = thisHost
	}
	return Addr(net.JoinHostPort(host, strconv.FormatUint(n, 10))), n == 0, nil
}

// Listen implements [Network].
func (m *Memory) Listen(ctx context.Context, address string) (net.Listener, error) {
	addr, anyPort, err := parseAddr(address)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: memory, Err: err}
	}
	l := &listener{
		network: m,
		queue:   make(chan *conn, cmp.Or(m.Backlog, defaultBacklog)),
		closed:  make(chan struct{}),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if anyPort {
		addr = m.freePort(addr)
	}
	if m.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: memory, Addr: addr, Err: syscall.EADDRINUSE}
	}
	if m.listeners == nil {
		m.listeners = make(map[Addr]*listener)
	}
	l.addr = addr
	m.listeners[addr] = l
	return l, nil
}

// freePort is the address with the next port that nobody listens at. The caller holds mu.
func (m *Memory) freePort(addr Addr) Addr {
	host, _, _ := net.SplitHostPort(string(addr)) // it was joined by parseAddr
	for range 1<<16 - firstPort {
		m.lastPort = max(m.lastPort+1, firstPort)
		addr = Addr(net.JoinHostPort(host, strconv.Itoa(int(m.lastPort))))
		if m.listeners[addr] == nil {
			break
		}
	}
	return addr
}

// Dial implements [Network].
func (m *Memory) Dial(ctx context.Context, address string) (net.Conn, error) {
	remote, _, err := parseAddr(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: memory, Err: err}
	}
	m.mu.Lock()
	l := m.listeners[remote]
	local := m.freePort(thisHost + ":0")
	m.mu.Unlock()
	if l == nil {
		return nil, dialError(local, remote, syscall.ECONNREFUSED)
	}
	client, server := newPair(local, remote, cmp.Or(m.Buffer, defaultBuffer))
	if err := l.connect(ctx, server); err != nil {
		return nil, dialError(local, remote, err)
	}
	return client, nil
}

func dialError(local, remote Addr, err error) error {
	return &net.OpError{Op: "dial", Net: memory, Source: local, Addr: remote, Err: err}
}

// Pipe is a connection without a network: both its ends.
func Pipe() (a, b net.Conn) {
	return newPair(thisHost+":1", thisHost+":2", defaultBuffer)
}

// listener hands accepted connections on.
type listener struct {
	network *Memory
	addr    Addr
	queue   chan *conn
	closed  chan struct{}
}

// connect queues the server's end of a connection, waiting while the queue is full.
func (l *listener) connect(ctx context.Context, server *conn) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l.queue <- server:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closed:
		return syscall.ECONNREFUSED
	}
	if l.isClosed() { // perhaps after its last look at the queue
		l.drain()
	}
	return nil
}

func (l *listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// drain resets the connections that will not be accepted.
func (l *listener) drain() {
	for {
		select {
		case c := <-l.queue:
			c.abort()
		default:
			return
		}
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	if !l.isClosed() {
		select {
		case c := <-l.queue:
			return c, nil
		case <-l.closed:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: memory, Addr: l.addr, Err: net.ErrClosed}
}

// Close implements net.Listener. Connections accepted before live on.
func (l *listener) Close() error {
	first := l.network.forget(l)
	if !first {
		return &net.OpError{Op: "close", Net: memory, Addr: l.addr, Err: net.ErrClosed}
	}
	close(l.closed)
	l.drain()
	return nil
}

// forget frees the listener's address, and tells whether it had it still.
func (m *Memory) forget(l *listener) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners[l.addr] != l {
		return false
	}
	delete(m.listeners, l.addr)
	return true
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }
