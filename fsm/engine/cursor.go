package engine

import (
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/fault"
)

// cursor follows which journal entries have all their effects done. Effects end in any
// order; the cursor is the last entry before which nothing is open.
type cursor struct {
	moved chan struct{} // holds a token when the cursor has moved

	mu   sync.Mutex
	at   string
	open []*openEntry // in the journal's order; the first has effects to come
}

type openEntry struct {
	id   string
	left int
	at   time.Time // when it was committed, or taken up again
}

func newCursor(at string) *cursor {
	return &cursor{moved: make(chan struct{}, 1), at: at}
}

// add follows a new entry with so many effects.
func (c *cursor) add(id string, effects int) *openEntry {
	if fault.Planted(fault.LostEffect) {
		effects = 0
	}
	entry := &openEntry{id: id, left: effects, at: time.Now()}
	c.mu.Lock()
	c.open = append(c.open, entry)
	moved := c.advance()
	c.mu.Unlock()
	c.tell(moved)
	return entry
}

// done notes one effect of an entry.
func (c *cursor) done(entry *openEntry) {
	c.mu.Lock()
	entry.left--
	moved := c.advance()
	c.mu.Unlock()
	c.tell(moved)
}

func (c *cursor) advance() bool {
	n := 0
	for n < len(c.open) && c.open[n].left == 0 {
		c.at = c.open[n].id
		n++
	}
	clear(c.open[:n])
	c.open = c.open[n:]
	return n > 0
}

func (c *cursor) tell(moved bool) {
	if !moved {
		return
	}
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// reached says that a cursor is at an entry or past it.
func reached(cursor, entry string) bool {
	var at, want struct{ epoch, seq uint64 }
	if _, err := fmt.Sscanf(cursor, "%d-%d", &at.epoch, &at.seq); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(entry, "%d-%d", &want.epoch, &want.seq); err != nil {
		return false
	}
	return at.epoch > want.epoch || at.epoch == want.epoch && at.seq >= want.seq
}

func (c *cursor) position() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}
