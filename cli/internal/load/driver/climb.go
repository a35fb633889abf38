package driver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
)

// climb is a climb under way: it sets the rate, holds it, and looks whether it held.
type climb struct {
	config Climb

	mu     sync.Mutex
	search *schedule.Search // nil: nothing is climbed
	rungs  []load.Rung
}

const (
	settleShare  = 4 // of a rung's time, one part is not judged: what came before ends in it
	longerFactor = 2 // as long is a rate held that is to be confirmed
)

func newClimb(c Config) *climb {
	k := &climb{config: c.Climb}
	if k.wanted() {
		k.search = schedule.NewSearch(schedule.SearchConfig{From: c.Climb.From, Step: c.Climb.Step, Max: c.Climb.Max, Through: c.Climb.Through})
	}
	return k
}

// wanted says whether there is a climb.
func (c *climb) wanted() bool { return c.config.From > 0 }

// stage says how far it is, for people; "" without a climb.
func (c *climb) stage() string {
	if !c.wanted() {
		return ""
	}
	rate, _ := c.next()
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("rung %d at %.4g/s", len(c.rungs)+1, rate)
}

// next is the rate to hold, and for how long; 0: what holds is known.
func (c *climb) next() (rate float64, hold time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rate, longer := c.search.Rate()
	hold = orDefault(c.config.Every, defaultEvery)
	if longer {
		hold *= longerFactor
	}
	return rate, hold
}

// best is the highest rate that held; 0 is none.
func (c *climb) best() float64 {
	if c.search == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.search.Best()
}

// defaultEvery is how long a rate is held for.
const defaultEvery = 5 * time.Second

// climbUp climbs until it is known what holds, or the run ends.
func (d *drive) climbUp(ctx context.Context) {
	if !d.wait(ctx, d.config.Plan.Warmup) {
		return
	}
	for {
		rate, hold := d.climb.next()
		if rate == 0 {
			break
		}
		cut, ok := d.rung(ctx, rate, hold)
		if !ok {
			return
		}
		held := d.climb.judge(cut, rate, d.config.Thresholds)
		if more, _ := d.climb.next(); !held && more > 0 {
			d.recover(ctx)
		}
	}
	d.ending.stopNow()
}

// rung holds a rate, and answers what came of it once it had settled; false: the run has ended.
func (d *drive) rung(ctx context.Context, rate float64, hold time.Duration) (*load.Result, bool) {
	d.change(load.Order{Kind: "rate", Rate: rate})
	if !d.wait(ctx, hold/settleShare) {
		return nil, false
	}
	d.recorder.Cut(time.Since(d.start), rate)
	stalled := d.watchdog.Stalled()
	if !d.wait(ctx, hold-hold/settleShare) {
		return nil, false
	}
	cut := d.recorder.Cut(time.Since(d.start), rate)
	cut.Generator.Stalled = float64(d.watchdog.Stalled()-stalled) / float64(time.Millisecond)
	return &cut, true
}

// wait lets time pass, and says false when the run ends first.
func (d *drive) wait(ctx context.Context, t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ending.stop.Done():
	case <-ctx.Done():
	}
	return false
}

// recover begins nothing until what a bad rate has left behind is over.
func (d *drive) recover(ctx context.Context) {
	d.change(load.Order{Kind: "rate", Rate: 0})
	until := time.Now().Add(d.config.DrainTimeout)
	for d.book.waiting() > 0 && time.Now().Before(until) {
		if !d.wait(ctx, drainTick) {
			return
		}
	}
}

// judge notes whether a rate held, for the search to choose the next.
func (c *climb) judge(cut *load.Result, rate float64, thresholds []load.Threshold) (held bool) {
	cut.Judge(thresholds)
	rung := load.Rung{Rate: rate, Held: cut.Verdict == load.Passed, P99: p99Of(cut)}
	if len(cut.Why) > 0 {
		rung.Why = cut.Why[0]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rungs = append(c.rungs, rung)
	c.search.Tried(trialOf(cut))
	return rung.Held
}

// trialOf is what a rung says of its rate: nothing, if this process was held up in it.
func trialOf(cut *load.Result) schedule.Trial {
	switch {
	case cut.Verdict == load.Passed:
		return schedule.Held
	case cut.Verdict == load.Inconclusive && cut.Generator.Stalled > 0:
		return schedule.Disturbed
	}
	return schedule.Broke
}

// p99Of is the p99 of a cut: end to end without the time that people took.
func p99Of(r *load.Result) float64 {
	for _, s := range r.Steps {
		if s.Step == load.System {
			return s.Ladder.P99
		}
	}
	return 0
}
