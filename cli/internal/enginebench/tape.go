package enginebench

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// tape records what committers write, batch by batch, in memory that is there before
// they begin: to record costs them a copy.
type tape struct {
	written atomic.Int64 // by committers
	used    atomic.Int64 // of room, and what found none
	room    []byte

	mu     sync.Mutex
	tracks []*track
}

// tapeRoom is how much is recorded at most: fifty thousand bills and more. perBill is
// what one of them needs at most.
const (
	tapeRoom = 128 << 20
	perBill  = 8 << 10
)

func newTape(room int) *tape {
	t := &tape{room: make([]byte, room)}
	for at := 0; at < room; at += os.Getpagesize() {
		t.room[at] = 1 // the system gives a page when it is written to
	}
	return t
}

// keep copies what there is room for.
func (t *tape) keep(b []byte) ([]byte, bool) {
	end := t.used.Add(int64(len(b)))
	if end > int64(len(t.room)) {
		return nil, false
	}
	kept := t.room[end-int64(len(b)) : end : end]
	copy(kept, b)
	return kept, true
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
	batches [][][]byte // the writes of each
	full    bool       // the last batch may not be whole
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
	kept, ok := c.tape.keep(b)
	if !ok {
		c.full = true
		return
	}
	if begins {
		c.batches = append(c.batches, nil)
	}
	last := &c.batches[len(c.batches)-1]
	*last = append(*last, kept)
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
		for _, writes := range c.batches {
			batch := bytes.Join(writes, nil)
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

// octets is how many octets reels have.
func octets(reels []reel) (n int64) {
	for _, one := range reels {
		for _, s := range one {
			n += int64(len(s.octets))
		}
	}
	return n
}
