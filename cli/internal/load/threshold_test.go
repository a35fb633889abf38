package load

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseThreshold(t *testing.T) {
	for text, unit := range map[string]string{
		"pay.p99<2s": "ms", "e2e.p95 < 500ms": "ms", "create.max<1s": "ms", "lag.p99<=50ms": "ms", "system.p99.9<1m": "ms", "dlr.mean>=0s": "ms",
		"failed<1%": "%", "failed<=10": "", "dropped==0": "", "lost==0": "", "expired<0.5%": "%", "rate>=990/s": "/s", "rate>990": "/s",
	} {
		got, err := ParseThreshold(text)
		if err != nil || got.Unit() != unit || got.String() != text {
			t.Errorf("%q: %v with unit %q, %v", text, got, got.Unit(), err)
		}
	}
	for text, part := range map[string]string{
		"": "write it as pay.p99<2s", "pay.p99": "write it as", "pay.p99<": "write it as", "<2s": "write it as", "pay.p99=2s": "write it as",
		"pay<2s": "write it as pay.p99<2s", "paid.p99<2s": `no step "paid": choose from create, push, dlr, reply, pay, callback, e2e, system, lag`,
		"pay.p98<2s": `no "p98" of a latency: choose from min`, "pay.p99<2": `"2" is not a time`, "pay.p99<-2s": "is not a time", "speed<2": `no figure "speed"`,
		"failed<x": "is not a share or a count", "failed<101%": "is not a share", "failed<-1": "is not a share", "failed<NaN%": "is not a share", "failed<1.5": "is not a share",
		"rate>fast": "is not a rate", "rate>Inf": "is not a rate", "rate>1/m": "is not a rate",
	} {
		if got, err := ParseThreshold(text); err == nil || !strings.Contains(err.Error(), part) || !strings.HasPrefix(err.Error(), "--threshold ") {
			t.Errorf("%q: %v, %v; want %q", text, got, err, part)
		}
	}
}

// sample is a run with a figure of each kind.
func sample() *Result {
	return &Result{
		Totals: Totals{Due: 1000, Dropped: 20, Begun: 980, OK: 931, Failed: 49}, Lost: 1, Rate: 98, Causes: map[Cause]int64{Expired: 40, OrderTimeout: 9},
		Steps:     []StepResult{{Step: Pay, Count: 931, Ladder: Ladder{Min: 1, Mean: 90, P50: 80, P75: 100, P90: 110, P95: 150, P99: 400, P999: 900, Max: 1200}}},
		Generator: Generator{Lag: Ladder{P99: 2}},
	}
}

// moment is the same of a run under way.
func moment() *Snapshot {
	r := sample()
	return &Snapshot{
		Elapsed: 20 * time.Second, Warmup: 10 * time.Second, Totals: r.Totals, Causes: map[Cause]int64{Expired: 40, OrderTimeout: 9, Lost: 1},
		Steps: []StepNow{{Step: Pay, Count: 931, Ladder: r.Steps[0].Ladder}}, Lag: r.Generator.Lag,
	}
}

func TestThresholds(t *testing.T) {
	for text, want := range map[string]Judged{
		"pay.p99<400ms": {Got: 400}, "pay.p99<=400ms": {Got: 400, Kept: true}, "pay.p99>399ms": {Got: 400, Kept: true}, "pay.p99.9<1s": {Got: 900, Kept: true},
		"pay.min==1ms": {Got: 1, Kept: true}, "pay.max<1s": {Got: 1200}, "pay.p75>=100ms": {Got: 100, Kept: true}, "lag.p99<3ms": {Got: 2, Kept: true},
		"failed<5%": {Got: 0.05}, "failed<=49": {Got: 49, Kept: true}, "dropped<3%": {Got: 0.02, Kept: true}, "dropped==0": {Got: 20}, "lost==0": {Got: 1},
		"expired<41": {Got: 40, Kept: true}, "bad_pin==0": {Kept: true}, "rate>=98/s": {Got: 98, Kept: true}, "rate>98/s": {Got: 98},
	} {
		want.Threshold = text
		threshold := parsed(t, text)[0]
		for what, got := range map[string]Judged{"the result": threshold.Over(sample()), "the snapshot": threshold.Now(moment())} {
			if got.Threshold != want.Threshold || math.Abs(got.Got-want.Got) > 1e-9 || got.Kept != want.Kept {
				t.Errorf("%s of %s: %+v, want %+v", text, what, got, want)
			}
		}
	}
}

// TestNothingMeasured: a latency that was never seen fails a run, and not one under way.
func TestNothingMeasured(t *testing.T) {
	for text, kept := range map[string]bool{"callback.p99<1s": false, "callback.p99>1s": false, "failed<1%": true, "failed==0": true, "rate>=1/s": false} {
		threshold := parsed(t, text)[0]
		if got := threshold.Over(&Result{}); got.Kept != kept {
			t.Errorf("%s of a result: %+v", text, got)
		}
		if got := threshold.Now(&Snapshot{}); got.Kept != (text != "rate>=1/s") {
			t.Errorf("%s of a snapshot: %+v", text, got)
		}
	}
}

func TestBroken(t *testing.T) {
	all := parsed(t, "pay.p99<100ms", "failed<50%", "dropped==0")
	s := moment()
	if got := Broken(all, s, 10*time.Second); len(got) != 2 || got[0].Threshold != "pay.p99<100ms" || got[1].Got != 20 {
		t.Errorf("%+v", got)
	}
	if got := Broken(all, s, 11*time.Second); got != nil {
		t.Errorf("too early: %+v", got)
	}
	s.Elapsed = s.Warmup
	if got := Broken(all, s, 0); got != nil {
		t.Errorf("in the warm-up: %+v", got)
	}
}

// FuzzParseThreshold: no text breaks the parser; what it takes can be judged, and reads
// back the same.
func FuzzParseThreshold(f *testing.F) {
	for _, s := range []string{"pay.p99<2s", "failed<1%", "dropped==0", "rate>=990/s", "lag.max <= 1ms", "lost==0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseThreshold(s)
		if err != nil {
			return
		}
		b, err := ParseThreshold(a.String())
		if err != nil || a != b {
			t.Fatalf("%q is %+v, and read again %+v, %v", s, a, b, err)
		}
		if j := a.Over(sample()); math.IsNaN(j.Got) || j != b.Over(sample()) {
			t.Errorf("%q: %+v", s, j)
		}
		a.Now(moment())
	})
}
