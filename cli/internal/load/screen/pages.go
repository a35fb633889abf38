package screen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/airtill/airtill/cli/internal/load"
)

// stepsByRank are the steps in the order in which they are left out of a low picture, the
// last first. Others are left out before them.
var stepsByRank = []load.Step{load.E2E, load.System, load.Pay, load.Create, load.Push, load.Callback, load.Reply, load.DLR}

// stepsAndCauses is the first page: the steps, and below them what goes wrong.
func (s State) stepsAndCauses(l Look, rows int) []string {
	if s.Phase == "" {
		return []string{"the run has not begun"}
	}
	table := s.stepsTable(l, max(rows-2, 1)) // there are its names, and a row of failures
	if l.Height >= roomy {
		table = append(table, "")
	}
	return append(table, s.causesFlow(l, rows-len(table))...)
}

// stepsTable has a row for each step, or for the most telling ones.
func (s State) stepsTable(l Look, atMost int) []string {
	const others = 68 // columns of the rest, with the blanks between them
	columns := []gridColumn{
		{name: "step", width: 8, left: true},
		{name: "count", width: 8, rank: 4}, {name: "ok", width: 8, rank: 7}, {name: "failed", width: 7, rank: 2},
		{name: "p50", width: 7, rank: 3}, {name: "p95", width: 7, rank: 6}, {name: "p99", width: 7, rank: 1}, {name: "max", width: 7, rank: 5},
	}
	spark := min(max(l.Width-others, 0), 60)
	if spark >= 6 {
		columns = append(columns, gridColumn{name: "p99 lately", width: spark, rank: 8})
	}
	var rows [][]cell
	for _, n := range s.steps(atMost) {
		p := n.Ladder
		row := []cell{
			{string(n.Step), l.paint(bold)}, {count(n.Count), nil}, {count(n.Count - n.Failed), nil}, {count(n.Failed), l.badIf(n.Failed > 0)},
			{counted(n.Count, p.P50), nil}, {counted(n.Count, p.P95), nil}, {counted(n.Count, p.P99), nil}, {counted(n.Count, p.Max), nil},
		}
		if spark >= 6 {
			row = append(row, cell{l.sparkline(n.Recent, spark), l.paint(accent)})
		}
		rows = append(rows, row)
	}
	return l.grid(columns, rows)
}

// steps are the steps in their order, those without a count too: the table does not grow
// while one looks at it.
func (s State) steps(atMost int) []load.StepNow {
	kept := slices.SortedStableFunc(slices.Values(load.Steps()), func(a, b load.Step) int { return cmp.Compare(stepRank(a), stepRank(b)) })
	kept = kept[:min(max(atMost, 0), len(kept))]
	var now []load.StepNow
	for _, step := range load.Steps() {
		if !slices.Contains(kept, step) {
			continue
		}
		n := load.StepNow{Step: step}
		if i := slices.IndexFunc(s.Steps, func(n load.StepNow) bool { return n.Step == step }); i >= 0 {
			n = s.Steps[i]
		}
		now = append(now, n)
	}
	return now
}

func stepRank(s load.Step) int {
	if i := slices.Index(stepsByRank, s); i >= 0 {
		return i
	}
	return len(stepsByRank)
}

func (l Look) badIf(is bool) paint {
	if is {
		return l.paint(bad)
	}
	return nil
}

// Tally is a cause and how many bills have it.
type Tally struct {
	Cause load.Cause
	Bills int64
}

// tallies are the causes that there are: the lost ones first, then the most frequent.
func tallies(causes map[load.Cause]int64) []Tally {
	var all []Tally
	for _, c := range slices.Sorted(maps.Keys(causes)) {
		if causes[c] > 0 {
			all = append(all, Tally{c, causes[c]})
		}
	}
	slices.SortStableFunc(all, func(a, b Tally) int {
		return cmp.Or(-cmp.Compare(lostFirst(a), lostFirst(b)), -cmp.Compare(a.Bills, b.Bills))
	})
	return all
}

func lostFirst(t Tally) int {
	if t.Cause == load.Lost {
		return 1
	}
	return 0
}

// causesFlow lists causes side by side, in so many rows.
func (s State) causesFlow(l Look, rows int) []string {
	const width = 38
	all := tallies(s.Causes)
	if len(all) == 0 || rows < 2 {
		return []string{l.paint(faint)("failures  ") + s.failures(l, all)}
	}
	columns := max(l.Width/(width+2), 1)
	room := (rows - 1) * columns
	out := []string{l.paint(faint)(fmt.Sprintf("failures by cause, of %s bills ended", count(s.ended())))}
	if len(all) > room {
		out[0] = l.paint(faint)(fmt.Sprintf("failures by cause, %d of %d; key 3 has all", room, len(all)))
		all = all[:room]
	}
	for pair := range slices.Chunk(all, columns) {
		var fields []string
		for _, t := range pair {
			fields = append(fields, l.tally(t, s.ended()))
		}
		out = append(out, strings.Join(fields, "    "))
	}
	return out
}

// tally is one cause in 36 columns.
func (l Look) tally(t Tally, ended int64) string {
	name := pad(string(t.Cause), 19, false)
	if t.Cause == load.Lost {
		name = l.paint(bad)(name)
	}
	return name + pad(count(t.Bills), 8, true) + " " + pad(share(t.Bills, ended), 8, true)
}

// failures says in one row what goes wrong.
func (s State) failures(l Look, all []Tally) string {
	if len(all) == 0 {
		return "none"
	}
	var text []string
	for _, t := range all {
		text = append(text, string(t.Cause)+" "+count(t.Bills))
	}
	return l.paint(bad)(l.cut(strings.Join(text, ", "), l.Width-10))
}

func (s State) ended() int64 { return s.Totals.OK + s.Totals.Failed }

// causesTable is the third page: every cause, and what it means.
func (s State) causesTable(l Look) []string {
	all := tallies(s.Causes)
	if len(all) == 0 {
		return []string{"no bill has failed"}
	}
	columns := []gridColumn{
		{name: "cause", width: 18, left: true}, {name: "bills", width: 8, rank: 1}, {name: "share", width: 7, rank: 2},
		{name: "", width: 20, left: true, rank: 4}, {name: "what it is", width: 44, left: true, rank: 3},
	}
	most := slices.MaxFunc(all, func(a, b Tally) int { return cmp.Compare(a.Bills, b.Bills) }).Bills
	var rows [][]cell
	for _, t := range all {
		rows = append(rows, []cell{
			{string(t.Cause), l.badIf(t.Cause == load.Lost)}, {count(t.Bills), nil}, {share(t.Bills, s.ended()), nil},
			{l.bar(t.Bills, most, 20), l.paint(accent)}, {meanings[t.Cause], l.paint(faint)},
		})
	}
	return l.grid(columns, rows)
}

// meanings say what a cause is, in 44 columns.
var meanings = map[load.Cause]string{
	load.SubmitThrottled:   "the carrier throttled the payment",
	load.SubmitSysfail:     "the carrier failed to take the payment",
	load.DLRUndelivered:    "its message was not delivered to the phone",
	load.Expired:           "it ran out of time",
	load.Declined:          "the bank declined the payment",
	load.BadPIN:            "the PIN was wrong, or is locked",
	load.OrderRefused:      "the platform refused the order",
	load.OrderTimeout:      "the platform did not answer the order",
	load.OrderUnknown:      "what became of the order is not known",
	load.CallbackTimeout:   "the shop did not answer the callback",
	load.Callback5xx:       "the shop answered the callback with 5xx",
	load.CallbackMissing:   "no callback came",
	load.IllegalTransition: "it went from one state to a wrong one",
	load.Unfinished:        "it was not at its end when the run was",
	load.Lost:              "ledger, bill and callback disagree",
}

// rung is a percentile of the ladder.
type rung struct {
	name string
	of   func(load.Ladder) float64
	rank int
}

func rungs() []rung {
	return []rung{
		{"min", func(p load.Ladder) float64 { return p.Min }, 8},
		{"mean", func(p load.Ladder) float64 { return p.Mean }, 9},
		{"p50", func(p load.Ladder) float64 { return p.P50 }, 1},
		{"p75", func(p load.Ladder) float64 { return p.P75 }, 6},
		{"p90", func(p load.Ladder) float64 { return p.P90 }, 5},
		{"p95", func(p load.Ladder) float64 { return p.P95 }, 7},
		{"p99", func(p load.Ladder) float64 { return p.P99 }, 2},
		{"p99.9", func(p load.Ladder) float64 { return p.P999 }, 3},
		{"max", func(p load.Ladder) float64 { return p.Max }, 4},
	}
}

// ladders is the fourth page: every percentile of every step.
func (s State) ladders(l Look) []string {
	columns := []gridColumn{{name: "step", width: 8, left: true}}
	for _, r := range rungs() {
		columns = append(columns, gridColumn{name: r.name, width: 7, rank: r.rank})
	}
	var rows [][]cell
	for _, n := range s.steps(len(load.Steps())) {
		row := []cell{{string(n.Step), l.paint(bold)}}
		for _, r := range rungs() {
			row = append(row, cell{counted(n.Count, r.of(n.Ladder)), nil})
		}
		rows = append(rows, row)
	}
	return l.grid(columns, rows)
}

// series is something that changes over time.
type series struct {
	name string
	of   func(load.Interval) float64
	text func(float64) string
	rank int // of what is left out, the highest first
}

func allSeries() []series {
	whole := func(v float64) string { return count(int64(v)) }
	return []series{
		{"asked/s", func(i load.Interval) float64 { return i.Asked }, rate, 0},
		{"begun/s", func(i load.Interval) float64 { return i.Begun }, rate, 1},
		{"done/s", func(i load.Interval) float64 { return i.Done }, rate, 4},
		{"in flight", func(i load.Interval) float64 { return float64(i.InFlight) }, whole, 2},
		{"dropped", func(i load.Interval) float64 { return float64(i.Dropped) }, whole, 5},
		{"pay p99", func(i load.Interval) float64 { return i.Pay.P99 }, latency, 3},
		{"e2e p99", func(i load.Interval) float64 { return i.E2E.P99 }, latency, 6},
		{"lag p99", func(i load.Interval) float64 { return i.Lag }, latency, 7},
		{"CPU load", func(i load.Interval) float64 { return i.CPU }, cores, 8},
		{"CPU server", func(i load.Interval) float64 { return i.Server }, cores, 9},
	}
}

// rates is the second page: what changes over time, each with its newest and its highest
// value. With room enough the charts have two rows, and a blank one.
func (s State) rates(l Look, rows int) []string {
	const around = 10 + 1 + 8 + 1 + 1 + 8 // name and now before the chart, most after it
	wide := max(l.Width-around, 4)
	shown := slices.DeleteFunc(allSeries(), func(of series) bool { return of.rank >= rows-1 })
	if len(shown) == 0 || len(s.Past) == 0 {
		return []string{"no interval has ended yet"}
	}
	high := 1
	if rows-1 >= 3*len(shown) {
		high = 2
	}
	out := []string{l.paint(faint)(pad("", 10, false) + " " + pad("now", 8, true) + " " + pad("over time", wide, false) + " " + pad("most", 8, true))}
	for _, of := range shown {
		values := make([]float64, len(s.Past))
		for i, interval := range s.Past {
			values[i] = of.of(interval)
		}
		out = append(out, l.seriesRows(of, values, wide, high)...)
		if high > 1 {
			out = append(out, "")
		}
	}
	return out
}

func (l Look) seriesRows(of series, values []float64, wide, high int) []string {
	shown := values[max(len(values)-wide, 0):]
	rows := l.chart(shown, wide, high)
	for i, drawn := range rows {
		drawn = l.paint(accent)(drawn)
		if i < high-1 {
			rows[i] = pad("", 20, false) + drawn
			continue
		}
		rows[i] = l.paint(bold)(pad(of.name, 10, false)) + " " + pad(of.text(shown[len(shown)-1]), 8, true) + " " + drawn + " " + pad(of.text(slices.Max(shown)), 8, true)
	}
	return rows
}

// helpRows say what the keys do.
func helpRows(l Look) []string {
	keys := [][2]string{
		{"+ -", "a step of the rate up or down, a tenth of it as a rule"},
		{"* /", "ten steps up or down"},
		{"p", "pause: no bill is begun; again: go on"},
		{"q", "drain: begin no more, wait for those under way, report"},
		{"Q", "stop now, and report what there is"},
		{"Ctrl-C", "as q; once more, as Q"},
		{"1 2 3 4", "steps, rates over time, causes, ladder of percentiles"},
		{"?", "this; any key takes it away"},
	}
	var rows []string
	for _, k := range keys {
		rows = append(rows, l.paint(bold)(pad(k[0], 9, false))+ansi.Truncate(k[1], max(l.Width-9, 0), l.or("…", "~")))
	}
	return rows
}

func uintText(n uint64) string { return strconv.FormatUint(n, 10) }
