package msgstoretest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
)

// ErrCut is what a connection fails with that a Link has cut.
var ErrCut = errors.New("msgstoretest: the link is cut")

// fault is what a Link does to the next batch.
type fault int

const (
	none fault = iota
	loseRequest
	loseReply
	holdBack
)

// Link stands in for the network between a store and its server. The zero Link is a
// good one.
type Link struct {
	mu   sync.Mutex
	next fault
	cut  bool
	late func() error // delivers what was held back
}

// LoseRequest has the next batch lost on its way there.
func (l *Link) LoseRequest() { l.set(loseRequest) }

// LoseReply has the next batch kept, and its answer lost.
func (l *Link) LoseReply() { l.set(loseReply) }

// HoldBack has the next batch believed lost; Deliver delivers it.
func (l *Link) HoldBack() { l.set(holdBack) }

func (l *Link) set(f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = f
}

// Cut ends everything for good, as when the process is killed.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
}

// Deliver delivers what was held back, and waits until the server has answered it.
func (l *Link) Deliver() error {
	l.mu.Lock()
	late := l.late
	l.mu.Unlock()
	if late == nil {
		return errors.New("msgstoretest: nothing was held back")
	}
	return late()
}

// Dial is a redis.Options.Dialer. A path is a unix socket's.
func (l *Link) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.state(false) == errCut {
		return nil, ErrCut
	}
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, link: l}, nil
}

const errCut fault = -1

// state is what happens to a write; one that carries a batch uses the fault up.
func (l *Link) state(batch bool) fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.cut:
		return errCut
	case !batch:
		return none
	}
	f := l.next
	l.next = none
	return f
}

// conn is one connection over a Link.
type conn struct {
	net.Conn
	link *Link
	held bool // its end is Deliver's
}

func (c *conn) Write(p []byte) (int, error) {
	switch c.link.state(bytes.Contains(p, []byte("\r\nEXEC\r\n"))) {
	case errCut, loseRequest:
		_ = c.Conn.Close()
		return 0, ErrCut
	case loseReply:
		_, err := c.Conn.Write(p)
		if err == nil {
			err = c.awaitExec()
		}
		return 0, errors.Join(ErrCut, err, c.Conn.Close())
	case holdBack:
		c.hold(bytes.Clone(p))
		return 0, ErrCut
	}
	return c.Conn.Write(p)
}

// awaitExec reads until the answer to EXEC has begun: those to MULTI and to what it
// queues are plain +OK and +QUEUED, and a server that meets a closed connection among
// them may run no more.
func (c *conn) awaitExec() error {
	var answer []byte
	for part := make([]byte, 4<<10); !bytes.Contains(answer, []byte("\r\n*")) && !bytes.Contains(answer, []byte("\r\n-")); {
		n, err := c.Conn.Read(part)
		if err != nil {
			return err
		}
		answer = append(answer, part[:n]...)
	}
	return nil
}

// hold keeps the connection open, with what was written still to come.
func (c *conn) hold(p []byte) {
	c.held = true
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.link.late = func() error {
		_, err := c.Conn.Write(append(p, "*1\r\n$4\r\nQUIT\r\n"...))
		if err == nil {
			_, err = io.Copy(io.Discard, c.Conn) // until the server hangs up
		}
		return errors.Join(err, c.Conn.Close())
	}
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.link.state(false) == errCut {
		return 0, ErrCut
	}
	return n, err
}

func (c *conn) Close() error {
	if c.held {
		return nil
	}
	return c.Conn.Close()
}
