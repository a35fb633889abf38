package page

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/cli/internal/load"
)

func plotted(t *testing.T, r *load.Result) map[string]chart {
	t.Helper()
	charts, err := plots(r, r.Intervals)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]chart{}
	for _, c := range charts {
		for _, s := range c.Series {
			if len(s.Values) != len(c.At) {
				t.Errorf("chart %s: series %s has %d values for %d points", c.ID, s.Name, len(s.Values), len(c.At))
			}
		}
		if c.Says == "" {
			t.Errorf("chart %s says nothing", c.ID)
		}
		byID[c.ID] = c
	}
	return byID
}

// asJSON is a chart's series as the page has them.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPlots(t *testing.T) {
	r := &load.Result{RateAsked: 10, Rate: 8, Totals: load.Totals{Dropped: 4}, Intervals: []load.Interval{
		{At: 1, Warmup: true, Asked: 10, Begun: 10, Done: 2, InFlight: 8, Lag: 0.5, CPU: 1.25, Pay: load.Ladder{P50: 3, P95: 4, P99: 1500, Max: 6},
			E2E: load.Ladder{P50: 30, P95: 40, P99: 50, Max: 60}, Heat: []int64{0, 1, 0, 1}},
		{At: 3, Asked: 10, Begun: 6.0004, Dropped: 4, InFlight: 16, Causes: map[load.Cause]int64{load.Expired: 1, load.BadPIN: 2}},
	}}
	got := plotted(t, r)
	tests := []struct{ id, says, series string }{
		{"rate", "On average 10 bills a second were asked for and 8 begun: from 6.00 to 10 in an interval. 4 were dropped, as too many were in flight.",
			`[{"name":"asked","values":[10,10],"dash":true},{"name":"begun","values":[10,6]},{"name":"done","values":[2,0]},{"name":"dropped","values":[0,2]}]`},
		{"in-flight", "At most 16, after 3 s.", `[{"name":"in flight","values":[8,16]}]`},
		{"pay", "The highest p99 of an interval is 1.50 s, after 1 s.",
			`[{"name":"p50","values":[3,null]},{"name":"p95","values":[4,null]},{"name":"p99","values":[1500,null]},{"name":"max","values":[6,null],"dash":true}]`},
		{"heat", "The fastest took 0.25 ms to 0.50 ms, the slowest over 1 ms, most 0.25 ms to 0.50 ms.",
			`[{"name":"0.25 ms to 0.50 ms","values":[1,0]},{"name":"0.50 ms to 1 ms","values":[0,0]},{"name":"over 1 ms","values":[1,0]}]`},
		{"causes", "2 bad_pin and 1 expired.", `[{"name":"bad_pin","values":[0,2]},{"name":"expired","values":[0,1]}]`},
		{"lag", "How long after it was due a bill was begun: at most 0.50 ms, after 1 s.", `[{"name":"lag","values":[0.5,0]}]`},
		{"cpu", "This process used at most 1.25 cores, after 1 s.", `[{"name":"this process","values":[1.25,0]}]`},
	}
	for _, test := range tests {
		t.Run(test.id, func(t *testing.T) {
			c := got[test.id]
			if c.Says != test.says {
				t.Errorf("it says %q, want %q", c.Says, test.says)
			}
			if diff := cmp.Diff(test.series, asJSON(t, c.Series)); diff != "" {
				t.Error(diff)
			}
			if c.Warmup != 1 {
				t.Errorf("the warm-up ends at %v", c.Warmup)
			}
		})
	}
	if got := asJSON(t, got["heat"].Edges); got != "[0.25,0.5,1,2]" {
		t.Errorf("the heat map's rows are at %s", got)
	}
}

func TestNothingToPlot(t *testing.T) {
	if got := plotted(t, &load.Result{}); len(got) != 0 {
		t.Errorf("nothing gave the charts %v", got)
	}
	got := plotted(t, &load.Result{Intervals: []load.Interval{{At: 1}}})
	for _, id := range []string{"pay", "e2e", "heat", "causes", "ladder"} {
		if _, is := got[id]; is {
			t.Errorf("a run in which no bill ended has a chart %s", id)
		}
	}
}

// TestFreezeShows wants two seconds of standing still in the sample's charts as seconds.
func TestFreezeShows(t *testing.T) {
	got := plotted(t, newSample(7, 1000, 30).result(t))
	if most, at := highest(got["pay"].Series[2].Values, got["pay"].At); most < 1500 || at < freezeTo || at > freezeTo+3 {
		t.Errorf("the highest p99 is %v ms, at %v s", most, at)
	}
	pay := got["ladder"].Series[slices.Index(load.Steps(), load.Pay)]
	top := pay.Values[len(pay.Values)-1]
	if pay.Name != "pay" || top < 1900 || top > 2500 {
		t.Errorf("the top of %s is %v ms", pay.Name, top)
	}
}

func TestLadder(t *testing.T) {
	h := hdrhistogram.New(1, 60_000_000, 3)
	for ms := int64(1); ms <= 1000; ms++ {
		if err := h.RecordValue(ms * 1000); err != nil {
			t.Fatal(err)
		}
	}
	values, at := valuesOf(h), oneIn()
	for i, v := range values {
		if at[i] > 1001 {
			if !math.IsNaN(float64(v)) {
				t.Errorf("one in %v of 1,000 is %v", at[i], v)
			}
			continue
		}
		want := max(1, 1000*(1-1/float64(at[i])))
		if math.Abs(float64(v)-want) > 2 {
			t.Errorf("one in %v is over %v ms, want about %v", at[i], v, want)
		}
	}
	c := newLadder("x", "x", []series{{Name: "pay", Values: values}})
	if last := c.At[len(c.At)-1]; math.Round(float64(last)) != 1000 {
		t.Errorf("the ladder ends at one in %v", last)
	}
}

func TestJoin(t *testing.T) {
	of := []load.Interval{
		{At: 1, Warmup: true, Asked: 10, Begun: 8, Done: 4, Dropped: 1, InFlight: 5, Lag: 2, CPU: 1, Server: 0.5, E2E: load.Ladder{P99: 20}, Causes: map[load.Cause]int64{load.Expired: 1}, Heat: []int64{1}},
		{At: 2, Asked: 20, Begun: 10, Done: 6, Dropped: 2, InFlight: 3, Lag: 1, CPU: 2, Server: 1.5, E2E: load.Ladder{P99: 30}, Causes: map[load.Cause]int64{load.Expired: 2, load.BadPIN: 1}, Heat: []int64{1, 2}},
		{At: 3, Asked: 30},
	}
	want := []load.Interval{
		{At: 2, Asked: 15, Begun: 9, Done: 5, Dropped: 3, InFlight: 5, Lag: 2, CPU: 1.5, Server: 1, E2E: load.Ladder{P99: 30}, Causes: map[load.Cause]int64{load.Expired: 3, load.BadPIN: 1}, Heat: []int64{2, 2}},
		{At: 3, Asked: 30},
	}
	if diff := cmp.Diff(want, join(of, 2)); diff != "" {
		t.Error(diff)
	}
	if of[0].Causes[load.Expired] != 1 || of[0].Heat[0] != 1 {
		t.Error("joining has changed the intervals it was given")
	}
}

// TestDuring wants runs whose intervals end at other moments next to each other.
func TestDuring(t *testing.T) {
	at := []number{1, 2, 3, 4}
	begun := func(i load.Interval) number { return number(i.Begun) }
	tests := map[string]struct {
		of   []load.Interval
		want string
	}{
		"the same":     {[]load.Interval{{At: 1, Begun: 1}, {At: 2, Begun: 2}, {At: 3, Begun: 3}, {At: 4, Begun: 4}}, "[1,2,3,4]"},
		"early":        {[]load.Interval{{At: 0.97, Begun: 1}, {At: 1.98, Begun: 2}, {At: 2.96, Begun: 3}, {At: 3.99, Begun: 4}}, "[1,2,3,4]"},
		"late":         {[]load.Interval{{At: 1.02, Begun: 1}, {At: 2.04, Begun: 2}, {At: 3.01, Begun: 3}, {At: 4.03, Begun: 4}}, "[1,2,3,4]"},
		"shorter":      {[]load.Interval{{At: 1, Begun: 1}, {At: 2, Begun: 2}}, "[1,2,null,null]"},
		"twice a long": {[]load.Interval{{At: 2, Begun: 2}, {At: 4, Begun: 4}}, "[2,2,4,4]"},
		"none":         {nil, "[null,null,null,null]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := asJSON(t, during(test.of, at, begun)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
