package esme

import (
	"errors"
	"time"
)

// Status is how a client stands with its SMSC at a moment.
type Status struct {
	Bound  bool
	Since  time.Time // when it came to be bound, or is not bound since
	Why    error     // it is not: what ended the last session, or kept it from beginning
	Window int       // how many requests may be unanswered
	InUse  int       // how many are
}

// Status tells how the client stands with its SMSC.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Bound: c.current != nil, Since: c.since, Window: c.config.Window}
	if s.Bound {
		s.InUse = len(c.current.window)
		return s
	}
	if s.Why = c.lost; s.Why == nil {
		s.Why = errors.New("not bound yet")
	}
	return s
}

// lose notes why there is no session.
func (c *Client) lose(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost = err; c.since.IsZero() {
		c.since = time.Now()
	}
}
