package enginebench

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// tape records what committers write, batch by batch.
type tape struct {
	written atomic.Int64 // by committers
	room    atomic.Int64 // for more

	mu     sync.Mutex
	tracks []*track
}

// tapeRoom is how much is recorded: fifty thousand bills and more.
const tapeRoom = 128 << 20

func newTape(room int64) *tape {
	t := new(tape)
	t.room.Store(room)
	return t
}

// dialer makes connections.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// dialer has its connections recorded. A nil tape records nothing.
func (t *tape) dialer(dial dialer) dialer {
	if t == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &track{Conn: conn, tape: t}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.tracks = append(t.tracks, c)
		return c, nil
	}
}

// track is one connection. It is read when nothing is written any more.
type track struct {
	net.Conn
	tape    *tape
	batches [][]byte
	full    bool // the last batch may not be whole
}

// multi begins a batch, and a write: a committer has one batch on its way at a time.
var multi = []byte("*1\r\n$5\r\nMULTI\r\n")

// Write writes, and records what belongs to a batch.
func (c *track) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.record(b[:n])
	return n, err
}

func (c *track) record(b []byte) {
	begins := bytes.HasPrefix(b, multi)
	if !begins && len(c.batches) == 0 {
		return // how connections are made, or a reader's
	}
	c.tape.written.Add(int64(len(b)))
	if c.full {
		return
	}
	if c.tape.room.Add(-int64(len(b))) < 0 {
		c.full = true
		return
	}
	if begins {
		c.batches = append(c.batches, bytes.Clone(b))
		return
	}
	last := &c.batches[len(c.batches)-1]
	*last = append(*last, b...)
}

// sent is how many octets committers wrote.
func (t *tape) sent() int64 { return t.written.Load() }

// reel is what one connection is to write again.
type reel []step

// step is a batch, and how many replies it has.
type step struct {
	octets  []byte
	replies int
}

// reels are what all committers wrote, as far as it was recorded.
func (t *tape) reels() []reel {
	var all []reel
	for _, c := range t.tracks {
		var one reel
		for _, batch := range c.batches {
			if replies, whole := count(batch); whole {
				one = append(one, step{batch, replies})
			}
		}
		if len(one) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// kept is how many octets those are.
func (t *tape) kept() (n int64) {
	for _, one := range t.reels() {
		for _, s := range one {
			n += int64(len(s.octets))
		}
	}
	return n
}
