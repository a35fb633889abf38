package load

import (
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Histograms are large, and with -race slow: properties are tried on fewer runs than
// elsewhere, if -rapid.checks does not say otherwise.
func init() { flag.Set("rapid.checks", "10") }

// TestWarmup: bills due in the warm-up are shown meanwhile, and are not in the result.
func TestWarmup(t *testing.T) {
	r := NewRecorder(Recording{Name: "n", Seed: 7, Model: Open, Handsets: 5, Warmup: 2 * time.Second, Length: 4 * time.Second})
	bill := func(at time.Duration, o Outcome) {
		b := r.Due(at)
		b.Begun(time.Millisecond)
		b.Ended(o)
	}
	bill(time.Second, Outcome{E2E: 40 * time.Millisecond})
	warm := r.Tick(Moment{At: time.Second, Asked: 1, Phase: "warm-up", Stage: "warm-up", Active: 3})
	if warm.Totals.OK != 1 || stepNow(t, warm, E2E).Ladder.Max < 40 || !warm.Last.Warmup || warm.Last.Begun != 1 || warm.Active != 3 || warm.Handsets != 5 || warm.Warmup != 2*time.Second {
		t.Errorf("%+v", warm)
	}
	late := r.Due(1900 * time.Millisecond) // ends after the warm-up, and is of it all the same
	late.Begun(0)
	bill(3*time.Second, Outcome{E2E: 5 * time.Millisecond, Pay: 2 * time.Millisecond})
	late.Ended(Outcome{E2E: 2 * time.Second, Cause: Expired})
	s := r.Tick(Moment{At: 3 * time.Second, Phase: "run", Length: 9 * time.Second})
	if s.Totals != (Totals{Due: 1, Begun: 1, OK: 1}) || len(s.Causes) != 0 || s.Last.Warmup || s.Last.Causes[Expired] != 1 || s.Last.Done != 1 || s.Length != 9*time.Second {
		t.Errorf("%+v", s)
	}
	if recent := stepNow(t, s, E2E).Recent; len(recent) != 2 || recent[0] > 41 || recent[1] < 1999 {
		t.Errorf("recent %v", recent)
	}
	got := r.Result(4 * time.Second)
	if got.Totals != (Totals{Due: 1, Begun: 1, OK: 1}) || got.Seconds != 2 || got.Rate != 0.5 || len(got.Intervals) != 2 || got.step(E2E).Ladder.Max > 6 || got.step(Pay).Count != 1 {
		t.Errorf("%+v", got)
	}
}

func stepNow(t *testing.T, s Snapshot, step Step) StepNow {
	t.Helper()
	i := slices.IndexFunc(s.Steps, func(now StepNow) bool { return now.Step == step })
	if i < 0 {
		t.Fatalf("no step %s in %v", step, s.Steps)
	}
	return s.Steps[i]
}

// TestCounts: what is dropped, fails or does not end is counted as that.
func TestCounts(t *testing.T) {
	r := NewRecorder(Recording{})
	r.Due(0).Dropped()
	a, b, c := r.Due(0), r.Due(0), r.Due(0)
	a.Begun(0)
	b.Begun(0)
	c.Begun(0)
	a.Step(Create, 10*time.Second, false) // timed out
	a.Ended(Outcome{Cause: OrderTimeout})
	b.Step(Create, 3*time.Millisecond, true)
	b.Step(Push, 0, false)
	b.Ended(Outcome{}) // nobody was there, as is their habit
	if r.InFlight() != 1 {
		t.Errorf("%d in flight", r.InFlight())
	}
	got := r.Result(time.Second)
	if got.Totals != (Totals{Due: 4, Dropped: 1, Begun: 3, OK: 1, Failed: 1, InFlight: 1}) || got.Causes[OrderTimeout] != 1 {
		t.Errorf("%+v, %v", got.Totals, got.Causes)
	}
	for step, want := range map[Step][2]int64{Create: {2, 1}, Push: {1, 1}, E2E: {1, 1}, Pay: {0, 0}} {
		if s := got.step(step); s.Count != want[0] || s.Failed != want[1] {
			t.Errorf("%+v, want %v", s, want)
		}
	}
	if got.step(Create).Ladder.Max < 9999 || got.step(E2E).Ladder != (Ladder{}) || got.step(E2E).Histogram != "" {
		t.Errorf("%+v", got.Steps)
	}
	snapshot := r.Tick(Moment{At: time.Second})
	if heat := snapshot.Last.Heat; len(heat) != HeatBuckets || slices.Max(heat) != 0 {
		t.Errorf("heat of bills that were not timed: %v", heat)
	}
}

func TestHeat(t *testing.T) {
	for took, want := range map[time.Duration]int{
		0: 0, time.Microsecond: 0, 125 * time.Microsecond: 0, 249 * time.Microsecond: 0, 250 * time.Microsecond: 1, time.Millisecond: 3,
		1999 * time.Microsecond: 3, 2 * time.Millisecond: 4, time.Minute: 18, time.Hour: HeatBuckets - 1, 100 * time.Hour: HeatBuckets - 1,
	} {
		if got := heatBucket(took); got != want {
			t.Errorf("%v is in bucket %d, not %d", took, got, want)
		}
	}
}

// TestLongest: what takes longer than a histogram goes is not lost.
func TestLongest(t *testing.T) {
	r := NewRecorder(Recording{})
	b := r.Due(0)
	b.Begun(-time.Second) // a clock that was set back
	b.Ended(Outcome{E2E: 48 * time.Hour})
	got := r.Result(time.Second)
	if s := got.step(E2E); s.Count != 1 || s.Ladder.Max < milliseconds(longest)*0.99 {
		t.Errorf("%+v", s)
	}
}

// TestCut: a cut has what came since the one before, and takes nothing from the result.
func TestCut(t *testing.T) {
	r := NewRecorder(Recording{Warmup: time.Second})
	one := func(at, took time.Duration) {
		b := r.Due(at)
		b.Begun(0)
		b.Ended(Outcome{E2E: took})
	}
	one(0, time.Second)
	if cut := r.Cut(time.Second, 5); cut.Totals.OK != 1 || cut.Seconds != 1 || cut.RateAsked != 5 || cut.Rate != 1 || cut.step(E2E).Ladder.P99 < 999 {
		t.Errorf("%+v", cut)
	}
	one(2*time.Second, time.Millisecond)
	one(2*time.Second, time.Millisecond)
	r.Tick(Moment{At: 2 * time.Second}) // counts for the next cut all the same
	one(3*time.Second, 3*time.Millisecond)
	if cut := r.Cut(3*time.Second, 5); cut.Totals.OK != 3 || cut.Seconds != 2 || cut.step(E2E).Ladder.Max > 4 {
		t.Errorf("%+v", cut)
	}
	if got := r.Result(3 * time.Second); got.Totals.OK != 3 {
		t.Errorf("%+v", got.Totals)
	}
}

// event is one bill of a generated run.
type event struct {
	Lag, Took time.Duration
	Dropped   bool
	Cause     Cause
}

func events() *rapid.Generator[[]event] {
	took := rapid.Map(rapid.Int64Range(0, int64(2*time.Minute)), func(n int64) time.Duration { return time.Duration(n) })
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event {
		return event{
			Lag: took.Draw(t, "lag") / 100, Took: took.Draw(t, "took"), Dropped: rapid.IntRange(0, 9).Draw(t, "dropped") == 0,
			Cause: rapid.SampledFrom([]Cause{"", "", Expired, OrderTimeout}).Draw(t, "cause"),
		}
	}), 0, 15)
}

func (e event) record(r *Recorder) {
	b := r.Due(time.Second)
	if e.Dropped {
		b.Dropped()
		return
	}
	b.Begun(e.Lag)
	b.Step(Create, e.Took/2, e.Cause != OrderTimeout)
	b.Ended(Outcome{E2E: e.Took, Pay: e.Took / 3, Cause: e.Cause})
}

// TestCollecting: however often and by whomever it is asked in between, and on however
// many shards bills lie, the result is that of recording in one place.
func TestCollecting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := events().Draw(t, "events")
		once, often := NewRecorder(Recording{}), NewRecorder(Recording{})
		once.shards = once.shards[:1]
		often.shards = append(often.shards, newShard(), newShard())
		for i, e := range all {
			e.record(once)
			e.record(often)
			switch rapid.IntRange(0, 3).Draw(t, "ask") {
			case 0:
				often.Tick(Moment{At: time.Duration(i) * time.Second})
			case 1:
				often.Cut(time.Duration(i)*time.Second, 1)
			}
		}
		a, b := once.Result(10*time.Second), often.Result(10*time.Second)
		a.Intervals, b.Intervals = nil, nil
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s", diff)
		}
	})
}

// TestManyGoroutines: nothing is lost between goroutines that record and one that asks.
func TestManyGoroutines(t *testing.T) {
	const workers, each = 8, 500
	r := NewRecorder(Recording{})
	done := make(chan struct{})
	var asking, recording sync.WaitGroup
	asking.Go(func() {
		for at := time.Second; ; at += time.Second {
			select {
			case <-done:
				return
			default:
				r.Tick(Moment{At: at})
			}
		}
	})
	for w := range workers {
		recording.Go(func() {
			draw := rand.New(rand.NewPCG(1, uint64(w)))
			for range each {
				b := r.Due(0)
				b.Begun(time.Duration(draw.Int64N(1e6)))
				b.Step(Create, time.Duration(draw.Int64N(1e9)), true)
				b.Ended(Outcome{E2E: time.Duration(1 + draw.Int64N(1e9))})
			}
		})
	}
	recording.Wait()
	close(done)
	asking.Wait()
	got := r.Result(time.Second)
	if want := (Totals{Due: workers * each, Begun: workers * each, OK: workers * each}); got.Totals != want || got.step(Create).Count != want.OK || got.step(E2E).Count != want.OK {
		t.Errorf("%+v, %+v", got.Totals, got.Steps)
	}
	r.Tick(Moment{At: r.ticked + time.Second})
	var sum float64
	for _, i := range r.intervals { // of a second each
		sum += i.Begun
	}
	if sum != workers*each {
		t.Errorf("the intervals have %v bills", sum)
	}
}

// BenchmarkRecord: what recording a bill costs.
func BenchmarkRecord(b *testing.B) {
	r := NewRecorder(Recording{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			bill := r.Due(0)
			bill.Begun(time.Millisecond)
			bill.Step(Create, 3*time.Millisecond, true)
			bill.Step(Push, 5*time.Millisecond, true)
			bill.Step(Reply, 8*time.Millisecond, true)
			bill.Ended(Outcome{E2E: 20 * time.Millisecond, Pay: 9 * time.Millisecond})
		}
	})
}

// BenchmarkTick: what an interval costs.
func BenchmarkTick(b *testing.B) {
	r := NewRecorder(Recording{})
	draw := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for at := time.Second; b.Loop(); at += time.Second {
		for range 3000 {
			event{Took: time.Duration(draw.Int64N(1e9))}.record(r)
		}
		r.Tick(Moment{At: at})
	}
}
