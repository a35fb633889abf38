package engine

import (
	"sync"
	"time"
)

// Clock is the time of a process that never goes back: the wall clock's, and where that
// is set back, the time that it showed before goes on at its own pace until the wall
// clock has caught up. Where it is set ahead, it is followed. So what is due stays due
// after as long a time as was promised, or at the time that was promised, whichever
// comes first. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	t  timeline
}

// NewClock makes a clock over a wall clock; nil is the process's own.
func NewClock(wall func() time.Time) *Clock { return &Clock{t: timeline{wall: wall}} }

// Now is the time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t.now()
}

// timeline is a clock for one goroutine.
type timeline struct {
	wall func() time.Time
	at   time.Time // what it showed last
	read time.Time // when that was, for its monotonic reading
}

func (t *timeline) now() time.Time {
	read := time.Now()
	wall := read
	if t.wall != nil {
		wall = t.wall()
	}
	wall = wall.UTC().Round(0)
	if gone := t.at.Add(read.Sub(t.read)); !t.read.IsZero() && gone.After(wall) {
		wall = gone
	}
	t.at, t.read = wall, read
	return wall
}
