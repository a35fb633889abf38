package smsc_test

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/airtill/airtill/gateway/msgstore"
)

// doom is a server's death at one of its steps. What it does to the world is a step
// each: a write to a connection, and a commit's arrival at the store and its answer.
// From then on nothing more of it reaches anybody, as when its process is killed.
type doom struct {
	mu    sync.Mutex
	steps int // done so far
	at    int // the step that is not done any more; zero is never
	dead  chan struct{}
	conns []net.Conn
}

func newDoom(at int) *doom { return &doom{at: at, dead: make(chan struct{})} }

// step says whether the next step is done.
func (d *doom) step() (done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone() {
		return false
	}
	if d.steps++; d.steps != d.at {
		return true
	}
	close(d.dead)
	for _, c := range d.conns {
		_ = c.Close()
	}
	return false
}

func (d *doom) gone() bool {
	select {
	case <-d.dead:
		return true
	default:
		return false
	}
}

func (d *doom) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.steps
}

// doomedStore is a store that takes a millisecond to keep, and another to say so.
type doomedStore struct {
	*msgstore.Memory
	*doom
}

const storeDelay = time.Millisecond

func (s doomedStore) Commit(ctx context.Context, b *msgstore.Batch) error {
	if b.Len() == 0 {
		if s.gone() {
			return msgstore.ErrFenced
		}
		return nil
	}
	time.Sleep(storeDelay)
	if !s.step() {
		return msgstore.ErrFenced
	}
	err := s.Memory.Commit(ctx, b)
	time.Sleep(storeDelay)
	if !s.step() {
		return msgstore.ErrFenced
	}
	return err
}

// doomedListener takes connections that die with their server.
type doomedListener struct {
	*pipes
	*doom
}

func (l doomedListener) Accept() (net.Conn, error) {
	c, err := l.pipes.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone() {
		_ = c.Close()
	}
	l.doom.conns = append(l.doom.conns, c)
	return doomedConn{c, l.doom}, nil
}

type doomedConn struct {
	net.Conn
	*doom
}

func (c doomedConn) Write(b []byte) (int, error) {
	if !c.step() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}
