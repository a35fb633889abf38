package load

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Recording is what a Recorder is told of the run it records.
type Recording struct {
	Name     string
	Seed     uint64
	Model    string
	Handsets int
	Warmup   time.Duration // bills due in it are shown, and not judged
	Length   time.Duration // with the warm-up; 0: the run ends by count
}

// Recorder counts and times the bills of a run. Bills are recorded by many goroutines at
// once; a histogram of each step is kept for each of a few shards, and they are added up
// when somebody asks.
type Recorder struct {
	told   Recording
	shards []*shard
	next   atomic.Uint64
	flight atomic.Int64 // bills begun and not ended, those of the warm-up with them

	mu        sync.Mutex // over what follows, and of who drains the shards
	fresh     [2]*tally  // judged and warm, as drained; empty
	judged    *tally     // bills due after the warm-up, since the start
	warm      *tally     // the others, since the start
	window    *tally     // all, since the last Cut
	interval  *tally     // all, since the last Tick
	cut       time.Duration
	ticked    time.Duration
	intervals []Interval
	recent    map[Step][]float64
}

// recentIntervals is how many intervals StepNow.Recent goes back.
const recentIntervals = 60

// NewRecorder makes one that has nothing recorded.
func NewRecorder(told Recording) *Recorder {
	r := &Recorder{
		told: told, fresh: [2]*tally{newTally(), newTally()}, recent: make(map[Step][]float64),
		judged: newTally(), warm: newTally(), window: newTally(), interval: newTally(),
	}
	for range min(8, runtime.GOMAXPROCS(0)) {
		r.shards = append(r.shards, newShard())
	}
	return r
}

// Moment is what a Recorder cannot know by itself about the moment of a Tick.
type Moment struct {
	At     time.Duration // since the start
	Asked  float64       // bills a second that are asked for
	Phase  string
	Stage  string
	Paused bool
	Active int     // handsets that have a bill before them
	CPU    float64 // cores, as Watchdog.Look has them
	Server float64
	Length time.Duration // when it ends, if that has changed; 0: as the Recording says
}

// Outcome is how a bill ended.
type Outcome struct {
	E2E   time.Duration // from when it was due to the shop's knowing the result; 0 is not timed
	Pay   time.Duration // from when it was due to the money's having moved, without the time people took; 0 if it was not paid
	Cause Cause         // why it did not end as its phone's holder would have it; "" if it did
}

// Bill is the record of one bill: Due, then Dropped or Begun, then Steps, then Ended, each
// but Step once. It is a small value, to be copied as one likes; its methods are safe for
// many goroutines.
type Bill struct {
	recorder *Recorder
	shard    *shard
	warmup   bool
}

// Due counts a bill that is due now. At is its due time since the start, which says
// whether the bill is of the warm-up.
func (r *Recorder) Due(at time.Duration) Bill {
	b := Bill{recorder: r, shard: r.shards[r.next.Add(1)%uint64(len(r.shards))], warmup: at < r.told.Warmup}
	b.shard.with(b.warmup, func(t *tally) { t.totals.Due++ })
	return b
}

// Dropped says that the bill was not begun, since too many are in flight.
func (b Bill) Dropped() { b.shard.with(b.warmup, func(t *tally) { t.totals.Dropped++ }) }

// Begun says that the bill is being sent to the platform, lag after it was due.
func (b Bill) Begun(lag time.Duration) {
	b.recorder.flight.Add(1)
	b.shard.with(b.warmup, func(t *tally) { t.begun(lag) })
}

// Step says that a step was come to, took after its beginning. A step that failed is
// timed like the others, as what times out takes longest of all; with a took of 0 it is
// only counted.
func (b Bill) Step(step Step, took time.Duration, ok bool) {
	b.shard.with(b.warmup, func(t *tally) { t.step(step, took, ok) })
}

// Ended says how the bill ended. It records the steps Pay and E2E.
func (b Bill) Ended(o Outcome) {
	b.recorder.flight.Add(-1)
	b.shard.with(b.warmup, func(t *tally) { t.ended(o) })
}

// InFlight is how many bills are begun and not ended.
func (r *Recorder) InFlight() int64 { return r.flight.Load() }

// collect adds up what the shards have recorded. The lock is held.
func (r *Recorder) collect() {
	for _, s := range r.shards {
		s.drain(r.fresh)
	}
	r.judged.add(r.fresh[0])
	r.warm.add(r.fresh[1])
	for _, t := range r.fresh {
		r.window.add(t)
		r.interval.add(t)
		t.reset()
	}
}

// Tick ends an interval and says how the run stands.
func (r *Recorder) Tick(m Moment) Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect()
	last := r.endInterval(m)
	shown := r.judged
	if m.At < r.told.Warmup {
		shown = r.warm
	}
	s := Snapshot{
		Name: r.told.Name, Seed: r.told.Seed, Model: r.told.Model, Phase: m.Phase, Stage: m.Stage, Paused: m.Paused,
		Elapsed: m.At, Length: r.told.Length, Warmup: r.told.Warmup, Handsets: r.told.Handsets, Active: m.Active,
		Totals: shown.counts(), Last: last, Causes: copyCauses(shown.causes), Lag: ladder(shown.lag),
	}
	if m.Length > 0 {
		s.Length = m.Length
	}
	for _, step := range Steps() {
		count, failed := shown.count(step)
		s.Steps = append(s.Steps, StepNow{
			Step: step, Count: count, Failed: failed, Ladder: ladder(shown.latency(step)), Recent: slices.Clone(r.recent[step]),
		})
	}
	return s
}

// endInterval notes the interval that ends at a moment. The lock is held.
func (r *Recorder) endInterval(m Moment) Interval {
	t := r.interval
	per := func(n int64) float64 { return perSecond(n, m.At-r.ticked) }
	now := Interval{
		At: m.At.Seconds(), Warmup: m.At <= r.told.Warmup, Asked: m.Asked, Begun: per(t.totals.Begun),
		Done: per(t.totals.OK + t.totals.Failed), Dropped: t.totals.Dropped, InFlight: r.flight.Load(),
		Lag: ladder(t.lag).P99, CPU: m.CPU, Server: m.Server, E2E: ladder(t.latency(E2E)), Pay: ladder(t.latency(Pay)),
		Causes: copyCauses(t.causes), Heat: slices.Clone(t.heat[:]),
	}
	for _, step := range Steps() {
		all := append(r.recent[step], ladder(t.latency(step)).P99)
		r.recent[step] = all[max(0, len(all)-recentIntervals):]
	}
	r.intervals = append(r.intervals, now)
	r.ticked = m.At
	t.reset()
	return now
}

func perSecond(n int64, in time.Duration) float64 {
	if in <= 0 {
		return 0
	}
	return float64(n) / in.Seconds()
}

// Cut says what was recorded since the last Cut, or the start: totals, rates, steps,
// causes and the lag. Asked is the rate that was asked for in that time. A climb judges
// its rungs by it. It counts what happened in that time, so bills of one rung that end in
// the next are the next's; cut once more when a rung has settled.
func (r *Recorder) Cut(at time.Duration, asked float64) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect()
	cut := r.told.result(r.window, at-r.cut)
	cut.RateAsked = asked
	r.window.reset()
	r.cut = at
	return cut
}

// Result says what was recorded of the bills that were due after the warm-up. Begun is
// how long bills were begun, the warm-up with it. Who runs the load adds the rest: what
// was asked, the generator but for its lag, the audit, and the verdict by [Result.Judge].
func (r *Recorder) Result(begun time.Duration) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect()
	all := r.told.result(r.judged, begun-r.told.Warmup)
	all.Intervals = slices.Clone(r.intervals)
	return all
}

// result is what a tally says of a time.
func (told *Recording) result(t *tally, in time.Duration) Result {
	counts := t.counts()
	return Result{
		Version: ResultVersion, Name: told.Name, Seed: told.Seed, Model: told.Model, Seconds: max(0, in).Seconds(),
		Totals: counts, RateAsked: perSecond(counts.Due, in), Rate: perSecond(counts.Begun, in), Lost: t.causes[Lost],
		Steps: t.results(), Causes: copyCauses(t.causes), Generator: Generator{Lag: ladder(t.lag), LagHistogram: encode(t.lag)},
	}
}
