package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// segment records a part of a run.
func segment(t rapid.TB, name string, all []event) *Result {
	r := NewRecorder(Recording{Name: "merge", Seed: 1, Model: Open})
	for _, e := range all {
		e.record(r)
	}
	r.Tick(Moment{At: time.Second, Asked: 100, CPU: 0.25})
	result := r.Result(10 * time.Second)
	result.Segment, result.Command = name, "airtill load --segment "+name+" --rate 100/s"
	result.Started = time.Date(2026, 11, 28, 7, 0, 0, len(all), time.UTC)
	result.Audit = Audit{Done: true, Differences: []string{}}
	threshold, err := ParseThreshold("e2e.p99<30s")
	if err != nil {
		t.Fatal(err)
	}
	result.Judge([]Threshold{threshold})
	return &result
}

// nearly compares what is a sum of floats.
var nearly = cmpopts.EquateApprox(1e-9, 1e-9)

// TestMergeIsOneRun: results of segments merge into that of one recorder that saw all,
// in whatever order and grouping.
func TestMergeIsOneRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var parts []*Result
		var all []event
		for k := range 3 {
			some := events().Draw(t, "events")
			all = append(all, some...)
			parts = append(parts, segment(t, fmt.Sprintf("%d/3", k+1), some))
		}
		merged := must(t)(Merge(parts...))
		left := must(t)(Merge(must(t)(Merge(parts[0], parts[1])), parts[2]))
		right := must(t)(Merge(parts[2], must(t)(Merge(parts[1], parts[0]))))
		if diff := cmp.Diff(merged, left, nearly); diff != "" {
			t.Errorf("one by one:\n%s", diff)
		}
		if diff := cmp.Diff(merged, right, nearly); diff != "" {
			t.Errorf("the other way round:\n%s", diff)
		}
		once := segment(t, "1/3", all)
		ignore := cmpopts.IgnoreFields(Result{}, "Segment", "Command", "Started", "Intervals")
		if diff := cmp.Diff(once, merged, nearly, ignore); diff != "" {
			t.Errorf("recorded at once:\n%s", diff)
		}
		a, b := once.Intervals[0], merged.Intervals[0]
		b.CPU, b.E2E, b.Pay, b.Lag = a.CPU, a.E2E, a.Pay, a.Lag // of the slowest, or a sum
		if diff := cmp.Diff(a, b, nearly); diff != "" {
			t.Errorf("intervals:\n%s", diff)
		}
		if merged.Segment != "" || merged.Command != "airtill load --rate 100/s" {
			t.Errorf("%q, %q", merged.Segment, merged.Command)
		}
	})
}

func must(t rapid.TB) func(*Result, error) *Result {
	return func(r *Result, err error) *Result {
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// TestMergeParts: what is missing is told, and a single result stays as it is.
func TestMergeParts(t *testing.T) {
	a, c := segment(t, "1/4", nil), segment(t, "3/4", nil)
	if got := must(t)(Merge(c, a)); got.Segment != "1+3/4" {
		t.Errorf("%q", got.Segment)
	}
	if diff := cmp.Diff(a, must(t)(Merge(a))); diff != "" {
		t.Error(diff)
	}
}

func TestMergeRefuses(t *testing.T) {
	for want, change := range map[string]func(*Result){
		"its seed is 2, not 1":                          func(r *Result) { r.Seed = 2 },
		"its model is closed, not open":                 func(r *Result) { r.Model = Closed },
		"asked for something else: handsets: 0, then 5": func(r *Result) { r.Asked.Handsets = 5 },
		"its thresholds is":                             func(r *Result) { r.Thresholds = nil },
		"is a whole run":                                func(r *Result) { r.Segment = "" },
		"segment 1/2 is there already":                  func(r *Result) { r.Segment = "1/2" },
		"it is of 3 segments, not 2":                    func(r *Result) { r.Segment = "2/3" },
		`segment "2" is not as in 1/4`:                  func(r *Result) { r.Segment = "2" },
		`segment "3/2" is not as in 1/4`:                func(r *Result) { r.Segment = "3/2" },
		"it began 60 s apart":                           func(r *Result) { r.Started = r.Started.Add(time.Minute) },
		"step pay: read a histogram":                    func(r *Result) { r.Steps[4].Histogram = "x" },
		"lag: read a histogram":                         func(r *Result) { r.Generator.LagHistogram = "x" },
	} {
		a, b := segment(t, "1/2", nil), segment(t, "2/2", nil)
		change(b)
		if got, err := Merge(a, b); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "merge: result 2") {
			t.Errorf("%v, %v; want %q", got, err, want)
		}
	}
	if _, err := Merge(); err == nil {
		t.Error("nothing merges")
	}
	odd := segment(t, "1/2", nil)
	odd.Thresholds[0].Threshold = "fast"
	if _, err := Merge(odd, odd); err == nil || !strings.Contains(err.Error(), `--threshold "fast"`) {
		t.Errorf("%v", err)
	}
}

// TestMergeWorst: what one segment found holds for the whole.
func TestMergeWorst(t *testing.T) {
	some := []event{{Took: time.Millisecond}}
	for name, c := range map[string]struct {
		change  func(*Result)
		verdict string
	}{
		"nothing":     {func(*Result) {}, Passed},
		"lost":        {func(r *Result) { r.Lost = 1 }, Inconsistent},
		"audit":       {func(r *Result) { r.Audit.Differences = []string{"a"} }, Inconsistent},
		"interrupted": {func(r *Result) { r.Verdict = Interrupted }, Interrupted},
		"stalled":     {func(r *Result) { r.Generator.Stalled = 5000 }, Inconclusive},
		"slow":        {func(r *Result) { *r = *segment(t, "2/2", slices.Repeat([]event{{Took: time.Minute}}, 5)) }, Failed},
	} {
		a, b := segment(t, "1/2", some), segment(t, "2/2", some)
		c.change(b)
		for _, pair := range [][]*Result{{a, b}, {b, a}} {
			if got := must(t)(Merge(pair...)); got.Verdict != c.verdict {
				t.Errorf("%s: %s, %v", name, got.Verdict, got.Why)
			}
		}
	}
	a, b := segment(t, "1/2", some), segment(t, "2/2", some)
	a.Audit = Audit{Done: true, Differences: []string{"x", "y"}}
	b.Audit = Audit{Why: "no answer", Differences: []string{"y"}}
	if got := must(t)(Merge(a, b)).Audit; got.Done || got.Why != "no answer" || !slices.Equal(got.Differences, []string{"x", "y"}) {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(a.Audit.Differences, []string{"x", "y"}) || a.Segment != "1/2" {
		t.Error("merging changed what was merged")
	}
}

func TestMergeClimb(t *testing.T) {
	a, b := segment(t, "1/2", nil), segment(t, "2/2", nil)
	a.Climb = []Rung{{Rate: 50, Held: true, P99: 1}, {Rate: 100, Held: true, P99: 2}, {Rate: 150, Why: "slow"}}
	b.Climb = []Rung{{Rate: 50, Held: true, P99: 3}, {Rate: 100, Why: "slower", P99: 9}}
	got := must(t)(Merge(a, b))
	if want := []Rung{{Rate: 50, Held: true, P99: 3}, {Rate: 100, Why: "slower", P99: 9}}; !slices.Equal(got.Climb, want) || got.Best != 50 {
		t.Errorf("%+v, best %v", got.Climb, got.Best)
	}
}
