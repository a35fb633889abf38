package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/airtill/airtill/cli/internal/load"
)

// overTime makes a chart of the intervals.
func overTime(c chart, intervals []load.Interval) chart {
	c.X = "s"
	c.At = column(intervals, func(i load.Interval) number { return number(i.At) })
	for _, i := range intervals {
		if i.Warmup {
			c.Warmup = number(i.At)
		}
	}
	return c
}

// plots are the charts of a run over these of its intervals, in the order in which they are
// read. Without intervals and histograms there is none.
func plots(r *load.Result, of []load.Interval) ([]chart, error) {
	all := []chart{}
	if len(of) > 0 {
		all = append(all, rates(r, of), inFlight(of),
			percentiles("pay", "Latency, without the time people took", of, func(i load.Interval) load.Ladder { return i.Pay }),
			percentiles("e2e", "Latency end to end, with the time people took", of, func(i load.Interval) load.Ladder { return i.E2E }),
			heatMap(of), causes(of), lag(of), cpu(of))
	}
	steps, err := curves(r.Steps)
	if err != nil {
		return nil, err
	}
	if len(steps) > 0 {
		all = append(all, ladderOf(r, steps))
	}
	return slices.DeleteFunc(all, func(c chart) bool { return len(c.Series) == 0 }), nil
}

func rates(r *load.Result, of []load.Interval) chart {
	c := overTime(chart{ID: "rate", Title: "Rate asked and achieved", Kind: lines, Unit: "bills/s"}, of)
	begun := column(of, func(i load.Interval) number { return number(i.Begun) })
	c.Series = []series{
		{Name: "asked", Dash: true, Values: column(of, func(i load.Interval) number { return number(i.Asked) })},
		{Name: "begun", Values: begun},
		{Name: "done", Values: column(of, func(i load.Interval) number { return number(i.Done) })},
	}
	c.Says = fmt.Sprintf("On average %s bills a second were asked for and %s begun: from %s to %s in an interval.",
		decimal(r.RateAsked), decimal(r.Rate), decimal(float64(slices.Min(begun))), decimal(float64(slices.Max(begun))))
	if r.Totals.Dropped > 0 {
		c.Series = append(c.Series, series{Name: "dropped", Values: dropped(of)})
		c.Says += fmt.Sprintf(" %s were dropped, as too many were in flight.", count(r.Totals.Dropped))
	}
	return c
}

// dropped is bills a second, as the other rates are.
func dropped(of []load.Interval) []number {
	values := make([]number, len(of))
	before := 0.0
	for i, interval := range of {
		values[i] = unknown
		if long := interval.At - before; long > 0 {
			values[i] = number(float64(interval.Dropped) / long)
		}
		before = interval.At
	}
	return values
}

func inFlight(of []load.Interval) chart {
	c := overTime(chart{ID: "in-flight", Title: "Bills in flight", Kind: lines, Unit: "bills"}, of)
	values := column(of, func(i load.Interval) number { return number(i.InFlight) })
	c.Series = []series{{Name: "in flight", Values: values}}
	most, at := highest(values, c.At)
	c.Says = fmt.Sprintf("At most %s, after %s s.", decimal(most), decimal(at))
	return c
}

// percentiles draws a latency over time. An interval in which no bill ended has none.
func percentiles(id, title string, of []load.Interval, ladder func(load.Interval) load.Ladder) chart {
	c := overTime(chart{ID: id, Title: title, Kind: lines, Unit: "ms", Log: true}, of)
	of99 := func(i load.Interval) number { return known(ladder(i).P99) }
	c.Series = []series{
		{Name: "p50", Values: column(of, func(i load.Interval) number { return known(ladder(i).P50) })},
		{Name: "p95", Values: column(of, func(i load.Interval) number { return known(ladder(i).P95) })},
		{Name: "p99", Values: column(of, of99)},
		{Name: "max", Dash: true, Values: column(of, func(i load.Interval) number { return known(ladder(i).Max) })},
	}
	most, at := highest(column(of, of99), c.At)
	if most == 0 {
		c.Series = nil
		return c
	}
	c.Says = fmt.Sprintf("The highest p99 of an interval is %s, after %s s.", took(most), decimal(at))
	return c
}

// causes draws why bills failed, the most frequent cause lowest.
func causes(of []load.Interval) chart {
	c := overTime(chart{ID: "causes", Title: "Bills that failed, by cause", Kind: stack, Unit: "bills"}, of)
	sum := map[load.Cause]int64{}
	for _, i := range of {
		sum = addCauses(sum, i.Causes)
	}
	var parts []string
	for _, cause := range byCount(sum) {
		c.Series = append(c.Series, series{Name: string(cause), Values: column(of, func(i load.Interval) number { return number(i.Causes[cause]) })})
		parts = append(parts, count(sum[cause])+" "+string(cause))
	}
	c.Says = list(parts) + "."
	return c
}

// byCount lists the causes that there were, the most frequent first.
func byCount(of map[load.Cause]int64) []load.Cause {
	found := slices.DeleteFunc(slices.Sorted(maps.Keys(of)), func(c load.Cause) bool { return of[c] == 0 })
	slices.SortStableFunc(found, func(a, b load.Cause) int { return cmp.Compare(of[b], of[a]) })
	return found
}

func lag(of []load.Interval) chart {
	c := overTime(chart{ID: "lag", Title: "Lag of the generator, p99", Kind: lines, Unit: "ms"}, of)
	values := column(of, func(i load.Interval) number { return number(i.Lag) })
	c.Series = []series{{Name: "lag", Values: values}}
	most, at := highest(values, c.At)
	c.Says = fmt.Sprintf("How long after it was due a bill was begun: at most %s, after %s s.", took(most), decimal(at))
	return c
}

func cpu(of []load.Interval) chart {
	c := overTime(chart{ID: "cpu", Title: "CPU", Kind: lines, Unit: "cores"}, of)
	own := column(of, func(i load.Interval) number { return number(i.CPU) })
	server := column(of, func(i load.Interval) number { return number(i.Server) })
	most, at := highest(own, c.At)
	c.Series = []series{{Name: "this process", Values: own}}
	c.Says = fmt.Sprintf("This process used at most %s cores, after %s s.", decimal(most), decimal(at))
	if others, at := highest(server, c.At); others > 0 {
		c.Series = append(c.Series, series{Name: "other processes", Values: server})
		c.Says += fmt.Sprintf(" The other processes of the system used at most %s, after %s s.", decimal(others), decimal(at))
	}
	return c
}

// ladderOf draws all the steps of a run.
func ladderOf(r *load.Result, of []curve) chart {
	var all []series
	for _, s := range of {
		all = append(all, series{Name: string(s.step), Values: s.values})
	}
	c := newLadder("ladder", "Percentiles of each step", all)
	c.Wide = true
	c.Says = ladderSays(r.Steps)
	return c
}

// ladderSays tells of what the system alone took, or if it was not timed, of each step the
// highest latency.
func ladderSays(steps []load.StepResult) string {
	var parts []string
	for _, s := range steps {
		if s.Step == load.System && s.Ladder.Max > 0 {
			return fmt.Sprintf("Without the time people took, half were over in %s, 99 %% in %s and all in %s.", took(s.Ladder.P50), took(s.Ladder.P99), took(s.Ladder.Max))
		}
		if s.Ladder.Max > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", s.Step, took(s.Ladder.Max)))
		}
	}
	return "At most: " + list(parts) + "."
}
