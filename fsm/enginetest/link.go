package enginetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Fault is what happens to a commit on its way.
type Fault int

// The faults of a link.
const (
	None        Fault = iota
	LoseRequest       // it never arrives, and the connection breaks
	LoseReply         // it is run, and the connection breaks before the reply
	HoldRequest       // the connection breaks, and it arrives when Release says so
)

// ErrCut is what connections of a link that is cut answer.
var ErrCut = errors.New("enginetest: the link is cut")

// Link is a network between a store and its server that can be told to fail. Its zero
// value works without faults.
type Link struct {
	mu      sync.Mutex
	next    []Fault // for the commits to come, in order
	isCut   bool
	deaf    bool
	frozen  chan struct{} // closed when it thaws; nil: it is not frozen
	conns   map[*conn]bool
	held    []func() error
	hook    func()
	commits int
}

// Dial is a dialer, for the options of a store's client. An address with a slash is a
// unix socket.
func (l *Link) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	if l.cutOff() {
		return nil, ErrCut
	}
	var d net.Dialer
	inner, err := d.DialContext(ctx, Network(addr), addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, link: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		l.conns = make(map[*conn]bool)
	}
	l.conns[c] = true
	return c, nil
}

func (l *Link) cutOff() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isCut
}

// Fail plans what happens to the next commits.
func (l *Link) Fail(faults ...Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = append(l.next, faults...)
}

// Meanwhile plans what happens elsewhere while the next lost reply is waited for.
func (l *Link) Meanwhile(hook func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = hook
}

func (l *Link) meanwhile() {
	l.mu.Lock()
	hook := l.hook
	l.hook = nil
	l.mu.Unlock()
	if hook != nil {
		hook()
	}
}

// Commits tells how many commits were sent so far.
func (l *Link) Commits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commits
}

// Cut breaks all connections and lets nobody connect.
func (l *Link) Cut() {
	l.mu.Lock()
	l.isCut = true
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close() // broken is what it should be
	}
}

// Deafen loses all replies from now on; requests arrive.
func (l *Link) Deafen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = true
}

// Freeze holds all requests back, as those of a process that is stopped; Thaw sends them.
func (l *Link) Freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = make(chan struct{})
}

// Thaw lets what was frozen go on.
func (l *Link) Thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.frozen)
	l.frozen = nil
}

func (l *Link) thawed() {
	l.mu.Lock()
	frozen := l.frozen
	l.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

func (l *Link) isDeaf() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deaf
}

// Mend lets connections through again.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut, l.deaf, l.next = false, false, nil
}

// Release delivers what was held back, late, and waits until the server has read it.
func (l *Link) Release() error {
	l.mu.Lock()
	held := l.held
	l.held = nil
	l.mu.Unlock()
	for _, deliver := range held {
		if err := deliver(); err != nil {
			return err
		}
	}
	return nil
}

// fault takes the fault that is planned for a commit.
func (l *Link) fault(written []byte) Fault {
	if !bytes.Contains(bytes.ToUpper(written), []byte("\r\nEXEC\r\n")) || bytes.Contains(written, []byte("INCR")) {
		return None
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits++
	if len(l.next) == 0 {
		return None
	}
	f := l.next[0]
	l.next = l.next[1:]
	return f
}

func (l *Link) hold(c *conn, written []byte) {
	late := bytes.Clone(written)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, func() error {
		if _, err := c.Conn.Write(late); err != nil {
			return err
		}
		c.awaitExec()
		return c.Conn.Close()
	})
}

// conn is a connection of a link. One goroutine at a time uses it, as go-redis does; any
// may close it.
type conn struct {
	net.Conn
	link  *Link
	fault atomic.Int32 // a Fault
}

func (c *conn) at(f Fault) bool { return Fault(c.fault.Load()) == f }

func (c *conn) Write(b []byte) (int, error) {
	c.link.thawed()
	if c.link.cutOff() {
		return 0, ErrCut
	}
	fault := c.link.fault(b)
	c.fault.Store(int32(fault))
	switch fault {
	case LoseRequest:
		return len(b), nil
	case HoldRequest:
		c.link.hold(c, b)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *conn) Read(b []byte) (int, error) {
	switch {
	case c.at(LoseRequest), c.at(HoldRequest):
		return 0, io.ErrUnexpectedEOF
	case c.at(LoseReply):
		c.awaitExec() // the server has answered; nobody hears it
		c.link.meanwhile()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(b)
	if err == nil && c.link.isDeaf() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// awaitExec reads until the answer to EXEC has begun: the ones to MULTI and to what it
// queues are plain +OK and +QUEUED, and may come long before it.
func (c *conn) awaitExec() {
	var answer []byte
	part := make([]byte, 1<<16)
	for !bytes.Contains(answer, []byte("\r\n*")) && !bytes.Contains(answer, []byte("\r\n-")) && !bytes.Contains(answer, []byte("\r\n_")) {
		n, err := c.Conn.Read(part)
		if err != nil {
			return
		}
		answer = append(answer, part[:n]...)
	}
}

// SyscallConn lets a pool see that the other side has closed the connection.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return raw.SyscallConn()
}

// Close leaves a connection open on whose other side a held request is yet to arrive.
func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	if c.at(HoldRequest) {
		return nil
	}
	return c.Conn.Close()
}
