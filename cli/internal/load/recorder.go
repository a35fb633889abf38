package load

import (
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

	mu        sync.Mutex // over what follows
	warm      *tally     // bills due in the warm-up, since the start
	judged    *tally     // the others, since the start
	window    *tally     // all, since the last Cut
	interval  *tally     // all, since the last Tick
	last      Moment     // of the last Tick
	cut       time.Duration
	intervals []Interval
	recent    map[Step][]float64
}

// NewRecorder makes one that has nothing recorded.
func NewRecorder(told Recording) *Recorder {
	return newRecorder(told)
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

// Bill is the record of one bill: Due, then Dropped or Begun, then Steps, then Ended. It
// is a small value, to be copied as one likes; its methods are safe for many goroutines.
type Bill struct {
	recorder *Recorder
	shard    *shard
	warmup   bool
}

// Due counts a bill that is due now. At is its due time since the start, which says
// whether the bill is of the warm-up.
func (r *Recorder) Due(at time.Duration) Bill {
	b := Bill{recorder: r, shard: r.shards[r.next.Add(1)%uint64(len(r.shards))], warmup: at < r.told.Warmup}
	b.shard.due(b.warmup)
	return b
}

// Dropped says that the bill was not begun, since too many are in flight.
func (b Bill) Dropped() { b.shard.dropped(b.warmup) }

// Begun says that the bill is being sent to the platform, lag after it was due.
func (b Bill) Begun(lag time.Duration) {
	b.recorder.flight.Add(1)
	b.shard.begun(b.warmup, lag)
}

// Step says that a step was come to, took after its beginning. A step that failed is
// timed like the others, as what times out takes longest of all; with a took of 0 it is
// only counted.
func (b Bill) Step(step Step, took time.Duration, ok bool) { b.shard.step(b.warmup, step, took, ok) }

// Ended says how the bill ended. It records the steps Pay and E2E.
func (b Bill) Ended(o Outcome) {
	b.recorder.flight.Add(-1)
	b.shard.ended(b.warmup, o)
}

// InFlight is how many bills are begun and not ended.
func (r *Recorder) InFlight() int64 { return r.flight.Load() }

// Tick ends an interval and says how the run stands.
func (r *Recorder) Tick(m Moment) Snapshot { return r.tick(m) }

// Cut says what was recorded since the last Cut, or the start: totals, rates, steps and
// the lag. A climb judges its rungs by it. It counts what happened in that time, so bills
// of one rung that end in the next are the next's; cut once more when a rung has settled.
func (r *Recorder) Cut(at time.Duration, asked float64) Result { return r.cutAt(at, asked) }

// Result says what was recorded of the bills that were due after the warm-up. Begun is
// how long bills were begun, the warm-up with it. Who runs the load adds the rest: what
// was asked, the generator, the audit, and the verdict by [Result.Judge].
func (r *Recorder) Result(begun time.Duration) Result { return r.result(begun) }
