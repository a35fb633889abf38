package engine

import (
	"sync/atomic"
	"time"
)

// Clock is the time of a process that never goes back: the wall clock's, and where that
// is set back, the time that it showed before goes on at its own pace until the wall
// clock has caught up. Where it is set ahead, it is followed. So what is due comes after
// as long a time as was promised, or at the time that was promised, whichever is first.
// Who compares times of one process has them from one clock. It is safe for concurrent use.
type Clock struct {
	wall func() time.Time
	base time.Time    // with its monotonic reading
	lead atomic.Int64 // how far the wall clock has been ahead of base and what went by since, at most
}

// NewClock makes a clock over a wall clock; nil is the process's own.
func NewClock(wall func() time.Time) *Clock {
	c := &Clock{wall: wall, base: time.Now()}
	c.lead.Store(int64(c.ahead(c.base)))
	return c
}

// ahead is how far the wall clock is ahead at a reading.
func (c *Clock) ahead(read time.Time) time.Duration {
	wall := read
	if c.wall != nil {
		wall = c.wall()
	}
	return wall.Round(0).Sub(c.base.Round(0)) - read.Sub(c.base)
}

// Now is the time, in UTC.
func (c *Clock) Now() time.Time {
	read := time.Now()
	ahead := int64(c.ahead(read))
	lead := c.lead.Load()
	for ahead > lead && !c.lead.CompareAndSwap(lead, ahead) {
		lead = c.lead.Load()
	}
	return c.base.Round(0).UTC().Add(read.Sub(c.base) + time.Duration(max(ahead, lead)))
}

// LookAtClock has every partition see what is due by now, and not only when it would have
// looked by itself: the wall clock was set ahead.
func (e *Engine) LookAtClock() {
	for _, p := range e.partitions {
		p.queue.tell()
	}
}
