package engine

import (
	"sync/atomic"
	"time"
)

// Observer is told of every commit. It is called from the partitions' committers, many
// at the same time, and must not block.
type Observer interface {
	Committed(p Partition, c Commit)
}

// Commit is one batch that was written, or was not.
type Commit struct {
	Took   time.Duration
	Inputs int // that were answered with it
	Events int
	Err    error
}

// Status is how a partition is at a moment. Ages are zero when there is nothing.
type Status struct {
	Partition   Partition
	Serving     bool
	Elsewhere   bool          // another engine that shares the store serves it
	Why         error         // it does not serve; nil: it has not begun
	Queue       int           // inputs that wait
	Waiting     time.Duration // the oldest of them; measured with an Observer only
	Effects     int           // that are not done
	Outstanding time.Duration // the oldest of them
	Wakes       int           // deadlines that are kept
	Overdue     time.Duration // the first of them
}

// Status tells how every partition is.
func (e *Engine) Status() []Status {
	all := make([]Status, 0, len(e.partitions))
	for _, p := range e.partitions {
		s := p.status()
		if !s.Serving {
			s.Elsewhere = e.Owner(p.number).Live
		}
		all = append(all, s)
	}
	return all
}

func (p *partition) status() Status {
	s := Status{Partition: p.number}
	now := time.Now()
	var oldest time.Time
	s.Queue, oldest = p.queue.length()
	s.Waiting = age(now, oldest)
	if why := p.seen.why.Load(); why != nil {
		s.Why = *why
	}
	session := p.seen.session.Load()
	if session == nil {
		return s
	}
	s.Serving = true
	s.Effects, oldest = session.cursor.outstanding()
	s.Outstanding = age(now, oldest)
	s.Wakes = int(p.seen.wakes.Load())
	if next := p.seen.next.Load(); next != 0 {
		s.Overdue = max(0, now.Sub(time.Unix(0, next)))
	}
	return s
}

func age(now, since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(0, now.Sub(since))
}

// seen is what a partition's loop leaves for others to look at.
type seen struct {
	session atomic.Pointer[session] // that serves
	why     atomic.Pointer[error]   // the last one ended, or did not come to serve
	wakes   atomic.Int64
	next    atomic.Int64 // wake-up, in Unix nanoseconds; 0 is none
}

func (s *seen) serve(by *session) {
	s.why.Store(nil)
	s.session.Store(by)
}

func (s *seen) leave(why error) {
	s.session.Store(nil)
	if why != nil {
		s.why.Store(&why)
	}
}

func (s *seen) lookAt(w *wakes) {
	s.wakes.Store(int64(len(w.heap)))
	if at, ok := w.next(); ok {
		s.next.Store(at.UnixNano())
	} else {
		s.next.Store(0)
	}
}

// observe tells the observer of a commit that began then.
func (s *session) observe(st *stage, began time.Time, err error) {
	if s.config.Observer != nil {
		s.config.Observer.Committed(s.number, Commit{Took: time.Since(began), Inputs: st.inputs, Events: len(st.events), Err: err})
	}
}

// length is how many inputs wait, and since when the oldest.
func (q *queue) length() (n int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.inputs) > 0 {
		oldest = q.inputs[0].at
	}
	return len(q.inputs), oldest
}

// outstanding is how many effects are not done, and since when the oldest.
func (c *cursor) outstanding() (n int, oldest time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entry := range c.open {
		n += entry.left
	}
	if len(c.open) > 0 {
		oldest = c.open[0].at
	}
	return n, oldest
}
