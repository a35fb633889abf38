package world

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Clock is the time of a network, which can be moved ahead of the wall clock and never
// back. It is safe for concurrent use.
//
// By it go bills and their ends, reminders, the times of callbacks, settlement days, and
// the phones. By the wall clock still go the carrier (validity of messages, times of
// receipts, USSD sessions), what is signed (requests and callbacks, whose receivers
// compare it with their own clock), and the pauses that an endpoint gets which fails.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
	keep  func(ahead time.Duration) error // before it is moved; nil: it is forgotten
	moved []func()                        // called afterwards
}

// newClock makes a clock that is ahead by so much.
func newClock(ahead time.Duration, keep func(time.Duration) error) *Clock {
	return &Clock{ahead: ahead, keep: keep}
}

// Now is the network's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead).Round(0)
}

// Advance moves the clock ahead, and has everybody look at it.
func (c *Clock) Advance(_ context.Context, by time.Duration) error {
	looks, err := c.move(by)
	if err != nil {
		return fmt.Errorf("move the clock: %w", err)
	}
	for _, look := range looks {
		look()
	}
	return nil
}

func (c *Clock) move(by time.Duration) ([]func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keep != nil {
		if err := c.keep(c.ahead + by); err != nil {
			return nil, err
		}
	}
	c.ahead += by
	return c.moved, nil
}

// tell has somebody look at the clock whenever it was moved.
func (c *Clock) tell(look func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved = append(c.moved, look)
}

// ahead is how far the clock of an earlier run was ahead.
func (l *Life) ahead() time.Duration {
	if l == nil {
		return 0
	}
	return l.Ahead
}

// keepAhead keeps how far the clock is ahead: a network that goes on does not go back in time.
func (l *Life) keepAhead() func(time.Duration) error {
	if l == nil {
		return nil
	}
	return func(ahead time.Duration) error {
		l.Ahead = ahead
		return l.save()
	}
}
