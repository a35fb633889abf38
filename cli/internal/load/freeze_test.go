package load

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/load/schedule"
)

// stop is a time in which something stands still.
type stop struct{ from, until time.Duration }

// hold waits until a stop is over, if there is one now.
func (s stop) hold(start time.Time) {
	if at := time.Since(start); at >= s.from && at < s.until {
		time.Sleep(s.until - at)
	}
}

// freezeRun loads a system that takes 5 ms for a bill: 100 bills a second for 10 s. The
// system stands still for a while, or the generator does.
func freezeRun(t *testing.T, system, generator stop, thresholds ...string) *Result {
	t.Helper()
	plan, err := schedule.New(schedule.Config{Rate: 100, Duration: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	r := NewRecorder(Recording{Name: "freeze", Model: Open, Length: 10 * time.Second})
	dog := NewWatchdog()
	dog.Wait = func(ctx context.Context, d time.Duration) error {
		generator.hold(start)
		return sleep(ctx, d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watching, bills sync.WaitGroup
	watching.Go(func() { dog.Run(ctx) })
	watching.Go(func() { tickUntil(ctx, r, plan, start) })
	for due, ok := plan.Next(); ok; due, ok = plan.Next() {
		time.Sleep(due.At - time.Since(start))
		generator.hold(start)
		b := r.Due(due.At)
		b.Begun(time.Since(start) - due.At)
		bills.Go(func() {
			system.hold(start)
			time.Sleep(5 * time.Millisecond)
			took := time.Since(start) - due.At
			b.Step(Create, took, true)
			b.Ended(Outcome{E2E: took, Pay: took})
		})
	}
	bills.Wait()
	cancel()
	watching.Wait()
	result := r.Result(10 * time.Second)
	lag, histogram := result.Generator.Lag, result.Generator.LagHistogram
	result.Generator = dog.Generator()
	result.Generator.Lag, result.Generator.LagHistogram = lag, histogram
	result.Judge(parsed(t, thresholds...))
	return &result
}

// tickUntil ends an interval each second.
func tickUntil(ctx context.Context, r *Recorder, plan *schedule.Schedule, start time.Time) {
	for sleep(ctx, time.Second) == nil {
		at := time.Since(start)
		r.Tick(Moment{At: at, Asked: plan.Asked(at), Phase: "run"})
	}
}

func parsed(t testing.TB, texts ...string) (all []Threshold) {
	t.Helper()
	for _, text := range texts {
		threshold, err := ParseThreshold(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, threshold)
	}
	return all
}

// TestFreezeOfTheSystem: a system that stands still for 2 s of 10 shows in the
// percentiles as seconds, and it is the system's doing.
func TestFreezeOfTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := freezeRun(t, stop{4 * time.Second, 6 * time.Second}, stop{}, "e2e.p99<500ms", "failed==0")
		if e2e := r.step(E2E).Ladder; e2e.P99 < 1500 || e2e.P99 > 2010 || e2e.P50 > 6 {
			t.Errorf("end to end %+v: p99 must be seconds, p50 milliseconds", e2e)
		}
		if r.Verdict != Failed || ExitStatus(r.Verdict) != 10 || !r.HeldRate || r.Generator.Stalls != 0 || r.Generator.Lag.Max > 1 {
			t.Errorf("%s, held %v, %+v: %v", r.Verdict, r.HeldRate, r.Generator, r.Why)
		}
		if r.Totals != (Totals{Due: 1000, Begun: 1000, OK: 1000}) || r.Rate != 100 || len(r.Intervals) != 10 {
			t.Errorf("%+v, %v/s, %d intervals", r.Totals, r.Rate, len(r.Intervals))
		}
		if frozen := r.Intervals[4]; frozen.Begun != 100 || frozen.Done > 1 || frozen.InFlight < 99 {
			t.Errorf("in the fifth second %+v", frozen)
		}
		if r := freezeRun(t, stop{4 * time.Second, 6 * time.Second}, stop{}); r.Verdict != Passed {
			t.Errorf("without a threshold it is %s: %v", r.Verdict, r.Why)
		}
	})
}

// TestFreezeOfTheGenerator: when the generator stands still, the run says so, and not
// that the system failed.
func TestFreezeOfTheGenerator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := freezeRun(t, stop{}, stop{4 * time.Second, 6 * time.Second}, "e2e.p99<500ms", "failed==0")
		if r.Verdict != Inconclusive || ExitStatus(r.Verdict) != 11 || r.HeldRate {
			t.Errorf("%s, held %v: %v", r.Verdict, r.HeldRate, r.Why)
		}
		if g := r.Generator; g.Stalls != 1 || g.Stalled < 1900 || g.Lag.P99 < 1500 || g.StallMax != g.Stalled {
			t.Errorf("%+v", g)
		}
	})
}

// TestNoFreeze: without a stop the same run passes.
func TestNoFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if r := freezeRun(t, stop{}, stop{}, "e2e.p99<500ms", "failed==0", "rate>=99/s", "lag.p99<1ms"); r.Verdict != Passed || len(r.Why) != 0 {
			t.Errorf("%s: %v", r.Verdict, r.Why)
		}
	})
}
