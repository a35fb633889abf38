package page

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"

	"github.com/airtill/airtill/cli/internal/load"
)

// diffPage is what diff.html shows.
type diffPage struct {
	frame
	Base, New *load.Result
	D         *load.Difference
	Verdict   verdict
	Charts    []chart
	Runs      []pair
	ChartData template.JS
}

// pair is something of both runs.
type pair struct{ Name, Base, New string }

// WriteDiff writes how a run compares with one before it: the verdict, every figure of the
// difference, and both runs' rates and percentiles in the same charts, in one HTML file
// under 400 KB. It errs when a histogram cannot be read, or w takes no more.
func WriteDiff(w io.Writer, base, new *load.Result, d *load.Difference) error {
	charts, err := overlays(base, new)
	if err != nil {
		return err
	}
	drawn, err := inline(charts)
	if err != nil {
		return err
	}
	v := comparedOf(d)
	return write(w, "diff.html", &diffPage{
		frame: newFrame(fmt.Sprintf("%s: %s against %s", v.Word, named(d.New), named(d.Base))),
		Base:  base, New: new, D: d, Verdict: v, Charts: charts, Runs: runsOf(base, new), ChartData: drawn,
	})
}

func comparedOf(d *load.Difference) verdict {
	within := fmt.Sprintf("What differs by up to %s is the same.", percent(d.Tolerance))
	switch d.Verdict {
	case load.Better:
		return verdict{"Better", "✓", "good", "A figure that is judged is better, and none is worse. " + within}
	case load.Worse:
		return verdict{"Worse", "✗", "bad", "A figure that is judged is worse. " + within}
	}
	return verdict{"Same", "=", "same", "No figure that is judged is better or worse. " + within}
}

// named is what a run is called that may have no name.
func named(name string) string {
	if name == "" {
		return "a run without a name"
	}
	return name
}

// change writes how much more or less a figure is.
func change(c load.Change) string {
	if c.Base == 0 && c.New != 0 {
		return dash
	}
	sign := "+"
	if c.Change < 0 {
		sign = "−"
	}
	if math.Abs(c.Change) < 0.0005 {
		return "0 %"
	}
	return sign + percent(math.Abs(c.Change))
}

func runsOf(base, new *load.Result) []pair {
	var all []pair
	add := func(name string, of func(*load.Result) string) {
		if p := (pair{name, of(base), of(new)}); p.Base != "" || p.New != "" {
			all = append(all, p)
		}
	}
	add("verdict", func(r *load.Result) string { v := verdictOf(r.Verdict); return v.Mark + " " + v.Word })
	add("started", func(r *load.Result) string { return moment(r.Started) })
	add("seconds", func(r *load.Result) string { return decimal(r.Seconds) })
	add("seed", func(r *load.Result) string { return fmt.Sprint(r.Seed) })
	add("model", modelOf)
	add("target", func(r *load.Result) string { return r.Asked.Target })
	add("airtill", func(r *load.Result) string { return r.Environment.Airtill })
	add("Go", func(r *load.Result) string { return r.Environment.Go })
	add("system", func(r *load.Result) string { return r.Environment.System })
	add("cores", func(r *load.Result) string { return counted(int64(r.Environment.Cores)) })
	add("store", func(r *load.Result) string { return r.Environment.Store })
	add("load average", func(r *load.Result) string { return decimal(r.Environment.Load) })
	return all
}

// most is how many intervals of a run a chart of two has.
const most = 250

// overlays are the charts of two runs, each in the same place.
func overlays(base, new *load.Result) ([]chart, error) {
	group := max(1, (len(base.Intervals)+most-1)/most, (len(new.Intervals)+most-1)/most)
	both := timeline{join(base.Intervals, group), join(new.Intervals, group)}
	all := []chart{
		both.chart(chart{ID: "begun", Title: "Rate achieved", Unit: "bills/s"}, func(i load.Interval) number { return number(i.Begun) }),
		both.chart(chart{ID: "done", Title: "Bills done", Unit: "bills/s"}, func(i load.Interval) number { return number(i.Done) }),
		both.chart(chart{ID: "pay", Title: "p99 without the time people took", Unit: "ms", Log: true}, func(i load.Interval) number { return known(i.Pay.P99) }),
		both.chart(chart{ID: "e2e", Title: "p99 end to end", Unit: "ms", Log: true}, func(i load.Interval) number { return known(i.E2E.P99) }),
		both.chart(chart{ID: "in-flight", Title: "Bills in flight", Unit: "bills"}, func(i load.Interval) number { return number(i.InFlight) }),
		both.chart(chart{ID: "lag", Title: "Lag of the generator, p99", Unit: "ms"}, func(i load.Interval) number { return number(i.Lag) }),
	}
	ladders, err := ladderOverlays(base, new)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append(all, ladders...), func(c chart) bool { return len(c.Series) == 0 }), nil
}

// timeline is the intervals of two runs.
type timeline struct{ base, new []load.Interval }

// chart draws a figure of both over the time of the one that has more intervals. Without an
// interval, or a value, it has no series.
func (t timeline) chart(c chart, value func(load.Interval) number) chart {
	grid := t.base
	if len(t.new) > len(t.base) {
		grid = t.new
	}
	c.Kind, c.X = lines, "s"
	c.At = column(grid, func(i load.Interval) number { return number(i.At) })
	base, new := during(t.base, c.At, value), during(t.new, c.At, value)
	mostBase, atBase := highest(base, c.At)
	mostNew, atNew := highest(new, c.At)
	if mostBase == 0 && mostNew == 0 {
		return c
	}
	c.Series = []series{{Name: "base", Values: base, Dash: true}, {Name: "new", Values: new}}
	write := decimal
	if c.Unit == "ms" {
		write = took
	}
	c.Says = fmt.Sprintf("Base at most %s, after %s s; new at most %s, after %s s.", write(mostBase), decimal(atBase), write(mostNew), decimal(atNew))
	return c
}

// during is a run's value at each time of a chart: that of the interval which ended then, or
// next. Intervals of two runs do not end at quite the same moments.
func during(of []load.Interval, at []number, value func(load.Interval) number) []number {
	values := make([]number, len(at))
	next, before := 0, 0.0
	for i, end := range at {
		slack := (float64(end) - before) / 2
		before = float64(end)
		for next < len(of) && of[next].At < float64(end)-slack {
			next++
		}
		values[i] = unknown
		if next < len(of) {
			values[i] = value(of[next])
		}
	}
	return values
}

// ladderOverlays draws each step that was timed in both runs.
func ladderOverlays(base, new *load.Result) ([]chart, error) {
	before, err := curves(base.Steps)
	if err != nil {
		return nil, fmt.Errorf("the base: %w", err)
	}
	after, err := curves(new.Steps)
	if err != nil {
		return nil, fmt.Errorf("the new run: %w", err)
	}
	var all []chart
	for _, b := range before {
		n := slices.IndexFunc(after, func(c curve) bool { return c.step == b.step })
		if n < 0 {
			continue
		}
		c := newLadder("ladder-"+string(b.step), "Percentiles of "+string(b.step), []series{
			{Name: "base", Values: b.values, Dash: true}, {Name: "new", Values: after[n].values},
		})
		c.Says = fmt.Sprintf("p50 and p99 of base: %s; of new: %s.", halfAndMost(base, b.step), halfAndMost(new, b.step))
		all = append(all, c)
	}
	return all, nil
}

func halfAndMost(r *load.Result, step load.Step) string {
	for _, s := range r.Steps {
		if s.Step == step {
			return took(s.Ladder.P50) + " and " + took(s.Ladder.P99)
		}
	}
	return dash
}
