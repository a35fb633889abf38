package engine

import (
	"context"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/fault"
)

// effects performs what was committed: one goroutine for each busy lane, up to a
// bound; a lane that pauses after a failure needs none.
type effects struct {
	*partition
	cursor *cursor
	most   int

	mu      sync.Mutex
	hire    func() // starts a worker; nil until start
	cancel  context.CancelFunc
	lanes   map[string]*lane // those with something to do, by name
	ready   []*lane          // those that wait for a worker
	idle    []*lane          // to be used again
	pausing map[*lane]*time.Timer
	workers int
	coming  bool // one of them has not begun
	stopped bool
	working sync.WaitGroup
}

// lane is a row of effects that are done in order.
type lane struct {
	name  string // "" is a lane of its own
	tasks []task
	done  int // of the tasks
	pause backoff
}

// next is the first effect that is not done.
func (l *lane) next() task { return l.tasks[l.done] }

// push adds an effect; those that are done make room.
func (l *lane) push(t task) {
	if len(l.tasks) == cap(l.tasks) && 2*l.done >= len(l.tasks) {
		n := copy(l.tasks, l.tasks[l.done:])
		clear(l.tasks[n:])
		l.tasks, l.done = l.tasks[:n], 0
	}
	l.tasks = append(l.tasks, t)
}

type task struct {
	effect Effect
	entry  *openEntry
}

func newEffects(p *partition, c *cursor) *effects {
	return &effects{
		partition: p, cursor: c, most: max(1, p.config.MaxEffects/p.config.Partitions),
		lanes: make(map[string]*lane), pausing: make(map[*lane]*time.Timer),
	}
}

// start lets the work begin, with what was added before.
func (f *effects) start(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, f.cancel = context.WithCancel(ctx)
	f.hire = func() { f.working.Go(func() { f.work(ctx) }) }
	f.staff()
}

// stop ends the work and waits for what is being done. What is left is in the journal.
func (f *effects) stop() {
	f.mu.Lock()
	f.stopped = true
	if f.cancel != nil {
		f.cancel()
	}
	for _, timer := range f.pausing {
		timer.Stop()
	}
	clear(f.pausing)
	f.mu.Unlock()
	f.working.Wait()
}

// add queues the effects of an entry's events in their lanes.
func (f *effects) add(events []Event, entry *openEntry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range events {
		for _, e := range events[i].Effects {
			f.queueUp(task{e, entry})
		}
	}
	f.staff()
}

// queueUp puts an effect at the end of its lane. The lock is held.
func (f *effects) queueUp(t task) {
	name := t.effect.Lane
	if l, ok := f.lanes[name]; ok && name != "" {
		l.push(t)
		return
	}
	l := f.lane(name)
	l.push(t)
	if name != "" {
		f.lanes[name] = l
	}
	f.ready = append(f.ready, l)
}

// How many lanes are kept for others to come, and of how many effects' length.
const (
	mostIdle = 256
	longIdle = 64
)

// lane is one with nothing in it. The lock is held.
func (f *effects) lane(name string) *lane {
	last := len(f.idle) - 1
	if last < 0 {
		return &lane{name: name, pause: backoff{min: f.config.RetryMin, max: f.config.RetryMax}}
	}
	l := f.idle[last]
	f.idle[last], f.idle = nil, f.idle[:last]
	l.name = name
	return l
}

// leave forgets a lane with nothing left in it. The lock is held.
func (f *effects) leave(l *lane) {
	if l.name != "" {
		delete(f.lanes, l.name)
	}
	if len(f.idle) < mostIdle && cap(l.tasks) <= longIdle {
		l.name, l.tasks, l.done = "", l.tasks[:0], 0
		f.idle = append(f.idle, l)
	}
}

// staff starts a worker for the lanes that wait, if there may be one more. It starts the
// next one when it has begun: where effects are done in no time a few workers do them
// all, where they take time there is soon one for each lane. The lock is held.
func (f *effects) staff() {
	if f.hire == nil || f.stopped || f.coming || len(f.ready) == 0 || f.workers == f.most {
		return
	}
	f.coming = true
	f.workers++
	f.hire()
}

// work takes lane after lane and does each one's first effect. When ctx has ended it
// begins no other.
func (f *effects) work(ctx context.Context) {
	for l, t := f.next(nil, nil); l != nil; {
		err := ctx.Err()
		if err == nil {
			fault.Point(fault.BeforeEffect)
			err = f.perform.Perform(ctx, f.number, t.effect)
		}
		if err == nil {
			fault.Point(fault.AfterEffect)
			f.cursor.done(t.entry)
		} else if ctx.Err() == nil {
			f.log.Warn().Err(err).Str("effect", t.effect.ID).Msg("an effect failed; it will be tried again")
		}
		l, t = f.next(l, err)
	}
}

// next puts the lane that was worked on where it belongs, and answers another one with
// its first effect; nil ends the worker.
func (f *effects) next(worked *lane, err error) (*lane, task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case worked == nil:
		f.coming = false
	case err != nil:
		f.retry(worked)
	default:
		f.advance(worked)
	}
	if len(f.ready) == 0 || f.stopped {
		f.workers--
		return nil, task{}
	}
	first := f.ready[0]
	f.ready[0] = nil
	f.ready = f.ready[1:]
	f.staff()
	return first, first.next()
}

// advance takes a lane's first effect away, which is done. The lock is held.
func (f *effects) advance(l *lane) {
	l.tasks[l.done] = task{}
	l.done++
	l.pause.reset()
	if l.done < len(l.tasks) {
		f.ready = append(f.ready, l)
	} else {
		f.leave(l)
	}
}

// retry makes the lane ready again after a pause. The lock is held.
func (f *effects) retry(l *lane) {
	if f.stopped {
		return
	}
	f.pausing[l] = time.AfterFunc(l.pause.next(), func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.stopped {
			return
		}
		delete(f.pausing, l)
		f.ready = append(f.ready, l)
		f.staff()
	})
}
