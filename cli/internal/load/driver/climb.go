package driver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
)

// climb is a climb under way: it sets the rate, holds it, and looks whether it held.
type climb struct {
	config Climb

	mu    sync.Mutex
	rate  float64
	good  float64 // the highest that held
	bad   float64 // the lowest that did not; 0: none yet
	rungs []load.Rung
}

// Bounds of a climb.
const (
	settleShare = 4    // of a rung's time, one part is not judged: what came before ends in it
	closeEnough = 0.05 // between the last good rate and the first bad one, of that
	mostRungs   = 40
	leastRate   = 0.1
)

func newClimb(c Config) *climb {
	return &climb{config: c.Climb, rate: c.Climb.From}
}

// wanted says whether there is a climb.
func (c *climb) wanted() bool { return c.config.From > 0 }

// stage says how far it is, for people; "" without a climb.
func (c *climb) stage() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wanted() {
		return ""
	}
	return fmt.Sprintf("rung %d at %.4g/s", len(c.rungs)+1, c.rate)
}

// climbUp climbs until it is known what holds, or the run ends.
func (d *drive) climbUp(ctx context.Context) {
	c := d.climb
	hold := orDefault(c.config.Every, defaultEvery)
	for c.more() {
		d.change(load.Order{Kind: "rate", Rate: c.asked()})
		if !d.wait(ctx, hold/settleShare) {
			return
		}
		d.recorder.Cut(time.Since(d.start), c.asked())
		if !d.wait(ctx, hold-hold/settleShare) {
			return
		}
		cut := d.recorder.Cut(time.Since(d.start), c.asked())
		held := c.judge(&cut, d.config.Thresholds)
		if !held && c.more() {
			d.recover(ctx)
		}
	}
	d.ending.stopNow()
}

// defaultEvery is how long a rate is held for.
const defaultEvery = 5 * time.Second

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

func (c *climb) asked() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rate
}

// judge notes whether the rate held, and chooses the next.
func (c *climb) judge(cut *load.Result, thresholds []load.Threshold) (held bool) {
	cut.Judge(thresholds)
	c.mu.Lock()
	defer c.mu.Unlock()
	rung := load.Rung{Rate: c.rate, Held: cut.Verdict == load.Passed, P99: p99Of(cut)}
	if len(cut.Why) > 0 {
		rung.Why = cut.Why[0]
	}
	c.rungs = append(c.rungs, rung)
	if rung.Held {
		c.good = max(c.good, c.rate)
	} else if c.bad == 0 || c.rate < c.bad {
		c.bad = c.rate
	}
	c.rate = c.next()
	return rung.Held
}

// next is the rate to try next; 0 is none. The lock is held.
func (c *climb) next() float64 {
	most := c.config.Max
	if most == 0 {
		most = 1e9
	}
	switch {
	case len(c.rungs) >= mostRungs:
		return 0
	case c.config.Step > 0 && c.config.Through && c.rate+c.config.Step <= most:
		return c.rate + c.config.Step
	case c.config.Step > 0 && c.bad == 0 && c.rate+c.config.Step <= most:
		return c.rate + c.config.Step
	case c.config.Step > 0:
		return 0
	case c.bad == 0 && c.rate >= most, c.bad > 0 && c.bad-c.good <= closeEnough*c.bad, c.bad > 0 && c.bad < leastRate:
		return 0
	case c.bad == 0:
		return min(2*c.rate, most)
	}
	return (c.good + c.bad) / 2
}

func (c *climb) more() bool { return c.asked() > 0 }

// p99Of is the p99 of a cut: end to end without the time that people took.
func p99Of(r *load.Result) float64 {
	for _, s := range r.Steps {
		if s.Step == load.System {
			return s.Ladder.P99
		}
	}
	return 0
}
