package load

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally counts and times bills. It is not safe for many goroutines.
type tally struct {
	totals Totals // but InFlight
	causes map[Cause]int64
	steps  map[Step]*track
	lag    *hdrhistogram.Histogram
	heat   [HeatBuckets]int64
}

// track is one step.
type track struct {
	latency *hdrhistogram.Histogram
	failed  int64
	untimed int64 // of those that failed
}

func newTally() *tally {
	return &tally{causes: make(map[Cause]int64), steps: make(map[Step]*track)}
}

func (t *tally) begun(lag time.Duration) {
	t.totals.Begun++
	record(&t.lag, lag)
}

func (t *tally) step(step Step, took time.Duration, ok bool) {
	s := t.track(step)
	if !ok {
		s.failed++
		if took <= 0 {
			s.untimed++
			return
		}
	}
	record(&s.latency, took)
}

func (t *tally) track(step Step) *track {
	s := t.steps[step]
	if s == nil {
		s = new(track)
		t.steps[step] = s
	}
	return s
}

func (t *tally) ended(o Outcome) {
	if o.Cause == "" {
		t.totals.OK++
	} else {
		t.totals.Failed++
		t.causes[o.Cause]++
	}
	if o.E2E > 0 {
		t.heat[heatBucket(o.E2E)]++
	}
	if o.E2E > 0 || o.Cause != "" {
		t.step(E2E, o.E2E, o.Cause == "")
	}
	if o.Pay > 0 {
		t.step(Pay, o.Pay, true)
	}
}

// add adds what another has. The other stays as it is.
func (t *tally) add(o *tally) {
	t.totals = t.totals.plus(o.totals)
	for cause, n := range o.causes {
		t.causes[cause] += n
	}
	for step, from := range o.steps {
		s := t.track(step)
		s.failed += from.failed
		s.untimed += from.untimed
		addHistogram(&s.latency, from.latency)
	}
	addHistogram(&t.lag, o.lag)
	for i, n := range o.heat {
		t.heat[i] += n
	}
}

func (t Totals) plus(o Totals) Totals {
	return Totals{
		Due: t.Due + o.Due, Dropped: t.Dropped + o.Dropped, Begun: t.Begun + o.Begun,
		OK: t.OK + o.OK, Failed: t.Failed + o.Failed, InFlight: t.InFlight + o.InFlight,
	}
}

// reset forgets everything and keeps the memory.
func (t *tally) reset() {
	t.totals, t.heat = Totals{}, [HeatBuckets]int64{}
	clear(t.causes)
	for _, s := range t.steps {
		s.failed, s.untimed = 0, 0
		reset(s.latency)
	}
	reset(t.lag)
}

// counts is the totals, with what is in flight of these bills.
func (t *tally) counts() Totals {
	c := t.totals
	c.InFlight = max(0, c.Begun-c.OK-c.Failed)
	return c
}

// latency is a step's histogram, or nil.
func (t *tally) latency(step Step) *hdrhistogram.Histogram {
	if s := t.steps[step]; s != nil {
		return s.latency
	}
	return nil
}

// count is how often a step was come to, and how often it failed.
func (t *tally) count(step Step) (count, failed int64) {
	s := t.steps[step]
	if s == nil {
		return 0, 0
	}
	return total(s.latency) + s.untimed, s.failed
}

// results are the steps in their order, as a file has them.
func (t *tally) results() []StepResult {
	var all []StepResult
	for _, step := range Steps() {
		count, failed := t.count(step)
		h := t.latency(step)
		all = append(all, StepResult{Step: step, Count: count, Failed: failed, Ladder: ladder(h), Histogram: encode(h)})
	}
	return all
}

// shard is a part of what is being recorded. Bills spread over the shards, so that they
// seldom meet at a lock.
type shard struct {
	mu    sync.Mutex
	now   [2]*tally // of the judged bills, and of those of the warm-up
	spare [2]*tally // taken and counted; empty
}

func newShard() *shard {
	return &shard{now: [2]*tally{newTally(), newTally()}, spare: [2]*tally{newTally(), newTally()}}
}

// with records something of a bill.
func (s *shard) with(warmup bool, do func(*tally)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.now[class(warmup)])
}

func class(warmup bool) int {
	if warmup {
		return 1
	}
	return 0
}

// drain moves what was recorded into two tallies. One goroutine drains at a time.
func (s *shard) drain(into [2]*tally) {
	s.mu.Lock()
	s.now, s.spare = s.spare, s.now
	s.mu.Unlock()
	for i, t := range s.spare {
		into[i].add(t)
		t.reset()
	}
}

// copyCauses is a copy that is not nil.
func copyCauses(causes map[Cause]int64) map[Cause]int64 {
	if causes == nil {
		return make(map[Cause]int64)
	}
	return maps.Clone(causes)
}
