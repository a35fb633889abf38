package driver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
)

// dial is what the run shows of itself while it is under way.
type dial struct {
	phase    atomic.Pointer[string]
	enrolled atomic.Int64
	started  atomic.Bool // there is a recorder
	paused   atomic.Bool

	mu   sync.Mutex // one tick at a time
	last load.Snapshot
	told load.Snapshot // what does not change
}

func (l *dial) init(c Config) {
	begin := "start"
	l.phase.Store(&begin)
	l.told = load.Snapshot{Name: c.Name, Seed: c.Traffic.Seed, Model: c.Model()}
	l.last = l.told
}

// watch has the run shown each interval, the generator watched, and orders taken, until the function
// that it answers is called.
func (d *drive) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { d.watchdog.Run(ctx) })
	work.Go(func() { d.attend(ctx) })
	work.Go(func() {
		tick := time.NewTicker(d.config.Interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				d.tick()
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { cancel(); work.Wait() }
}

// tick ends an interval, shows it, and ends the run if it has to.
func (d *drive) tick() {
	d.dial.mu.Lock()
	defer d.dial.mu.Unlock()
	s := d.snapshot()
	d.dial.last = s
	d.config.Watch(s)
	if !d.config.AbortOnFail || s.Phase != "run" {
		return
	}
	if broken := load.Broken(d.config.Thresholds, &s, d.config.AbortAfter); len(broken) > 0 && !d.ending.aborted.Swap(true) {
		d.config.Talk("%s is broken: ending", broken[0].Threshold)
		d.ending.stopNow()
	}
}

// snapshot is how the run stands. The dial's lock is held.
func (d *drive) snapshot() load.Snapshot {
	phase := *d.dial.phase.Load()
	if !d.dial.started.Load() {
		s := d.dial.told
		s.Phase, s.Handsets = phase, int(d.dial.enrolled.Load())
		return s
	}
	m := load.Moment{At: time.Since(d.start), Phase: phase, Paused: d.dial.paused.Load(), Active: d.book.handsets(), Length: d.length()}
	if phase == "run" {
		m.Asked, m.Stage = d.pacing(m.At)
		if m.At < d.config.Plan.Warmup {
			m.Phase = "warm-up"
		}
	}
	m.CPU, m.Server = d.watchdog.Look()
	return d.recorder.Tick(m)
}

// pacing is the rate that is asked for at a moment, and the stage's name.
func (d *drive) pacing(at time.Duration) (rate float64, stage string) {
	if d.plan == nil || d.dial.paused.Load() {
		return 0, ""
	}
	if text := d.climb.stage(); text != "" {
		return d.plan.Asked(at), text
	}
	return d.plan.Asked(at), d.plan.Stage(at)
}
