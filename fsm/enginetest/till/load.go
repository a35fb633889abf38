package till

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// Load is a run of bills. Bills or Time is needed, and InFlight or Rate.
type Load struct {
	Engine     *engine.Engine // which runs, over an empty store
	Partitions int
	Bills      int64         // to begin; 0 is as many as Time allows
	Time       time.Duration // to begin them for; 0 is until Bills are begun
	InFlight   int           // in a closed loop, where a bill begins when one is over
	Rate       float64       // bills to begin in a second, in an open loop, however long they take; 0 is a closed one

	// Observe hears how long each step took to be answered; the first step of an open loop
	// counts from when it was due. It is called from many goroutines; nil is nobody.
	Observe func(p engine.Partition, took time.Duration)
}

// Report is what came of a load.
type Report struct {
	Bills  int64         // that came through all steps
	Errors int64         // bills that did not
	First  error         // of them
	Within int64         // bills that came through within Took
	Took   time.Duration // from the first beginning until Time was over or all bills were
}

// run is a load under way.
type run struct {
	Load
	begun, finished, errors atomic.Int64
	over                    atomic.Bool // no more bills begin
	bills                   sync.WaitGroup
	first                   chan error
}

// Run begins bills until there have been enough, or ctx ends, and waits until all that
// were begun are over.
func (l Load) Run(ctx context.Context) Report {
	r := &run{Load: l, first: make(chan error, 1)}
	if r.Observe == nil {
		r.Observe = func(engine.Partition, time.Duration) {}
	}
	if l.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Time)
		defer cancel()
	}
	start := time.Now()
	all := make(chan struct{})
	go func() {
		defer close(all)
		r.begin(ctx, start)
		r.bills.Wait()
	}()
	select {
	case <-ctx.Done():
	case <-all:
	}
	r.over.Store(true)
	report := Report{Within: r.finished.Load(), Took: time.Since(start)}
	<-all
	report.Bills, report.Errors = r.finished.Load(), r.errors.Load()
	select {
	case report.First = <-r.first:
	default:
	}
	return report
}

// begin begins the bills of an open loop, or the first ones of a closed loop.
func (r *run) begin(ctx context.Context, start time.Time) {
	if r.Rate > 0 {
		r.pace(ctx, start)
		return
	}
	for range r.InFlight {
		r.bills.Add(1)
		newWalk(r).next(time.Now())
	}
}

// pace is how often an open loop looks for bills that are due.
const pace = 500 * time.Microsecond

// pace begins each bill when it is due.
func (r *run) pace(ctx context.Context, start time.Time) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := int64(0); !r.over.Load() && (r.Bills == 0 || n < r.Bills); {
		due := start.Add(time.Duration(float64(n) / r.Rate * float64(time.Second)))
		if time.Since(due) >= 0 {
			r.bills.Add(1)
			newWalk(r).next(due)
			n++
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// walk takes a bill through its life; in a closed loop one bill after the other. All is
// one goroutine's at a time.
type walk struct {
	run    *run
	p      engine.Partition
	step   Step
	n      int // of the step
	since  time.Time
	answer func(any, error)
}

func newWalk(r *run) *walk {
	w := &walk{run: r}
	w.answer = w.answered
	return w
}

// next begins the next bill, if there is to be one.
func (w *walk) next(due time.Time) {
	n := w.run.begun.Add(1)
	if w.run.over.Load() || w.run.Bills > 0 && n > w.run.Bills {
		w.run.bills.Done()
		return
	}
	w.step.Bill = id(n)
	w.p = engine.PartitionOf(w.step.Bill, w.run.Partitions)
	w.n = 0
	w.send(due)
}

// id is a bill's: as long as those of the platform.
func id(n int64) string {
	const digits = "bill_0000000000000000"
	var b [len(digits)]byte
	text := strconv.AppendInt(b[:0:0], n, 10)
	copy(b[:], digits)
	copy(b[len(b)-len(text):], text)
	return string(b[:])
}

func (w *walk) send(since time.Time) {
	w.since, w.step.Event = since, life[w.n]
	if err := w.run.Engine.Post(w.p, &w.step, w.answer); err != nil {
		w.failed(err)
	}
}

// answered takes the bill on.
func (w *walk) answered(_ any, err error) {
	if err != nil {
		w.failed(err)
		return
	}
	now := time.Now()
	w.run.Observe(w.p, now.Sub(w.since))
	if w.n++; w.n < Steps {
		w.send(now)
		return
	}
	w.run.finished.Add(1)
	if w.run.Rate > 0 {
		w.run.bills.Done()
		return
	}
	w.next(now)
}

// failed gives a bill up, and begins no other in its place.
func (w *walk) failed(err error) {
	w.run.errors.Add(1)
	select {
	case w.run.first <- err:
	default:
	}
	if !errors.Is(err, engine.ErrBusy) {
		w.run.over.Store(true)
	}
	w.run.bills.Done()
}
