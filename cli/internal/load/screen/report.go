package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/terminal"
)

// Report prints what came of a run: the verdict, and unless quiet all that it rests on.
func Report(w io.Writer, r *load.Result, quiet bool, l Look) error {
	text := l.verdictBlock(r)
	if !quiet {
		text += l.reportRest(r)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

// reportRest is the report below the verdict. Parts without anything in them are left out.
func (l Look) reportRest(r *load.Result) string {
	var b strings.Builder
	for _, part := range []struct{ head, text string }{
		{"Totals", l.totals(r)},
		{"Steps", stepsText(r)},
		{"Causes", l.causesText(r)},
		{"Percentiles", laddersText(r)},
		{"Climb", ClimbText(r.Climb, l)},
		{"Generator", generatorText(r.Generator)},
		{"Environment", l.environmentText(r)},
		{"Files", l.filesText(r.Files)},
		{"Again", after(indent, l.commandText(r.Command))},
	} {
		if part.text != "" {
			fmt.Fprintf(&b, "\n%s\n%s", l.paint(bold)(part.head), part.text)
		}
	}
	return b.String()
}

func (l Look) totals(r *load.Result) string {
	t := r.Totals
	held := "held"
	if !r.HeldRate {
		held = "not held"
	}
	asked := ""
	if r.RateAsked > 0 {
		asked = rate(r.RateAsked) + "/s asked for, "
	}
	return fields(
		[2]string{"run", fmt.Sprintf("%s model, seed %d, %.1f s", r.Model, r.Seed, r.Seconds)},
		[2]string{"rate", fmt.Sprintf("%s%s/s begun: %s", asked, rate(r.Rate), held)},
		[2]string{"bills", fmt.Sprintf("%d due, %d dropped, %d begun, %d ok, %d failed, %d in flight at the end", t.Due, t.Dropped, t.Begun, t.OK, t.Failed, t.InFlight)},
		[2]string{"lost", l.lost(r)},
		[2]string{"books", l.books(r.Audit)},
	)
}

// lost is the number that must be 0, if somebody looked.
func (l Look) lost(r *load.Result) string {
	switch {
	case r.Lost > 0:
		return l.paint(bad)(fmt.Sprint(r.Lost))
	case !r.Audit.Done:
		return "not known"
	}
	return "0"
}

// books is what the auditor found.
func (l Look) books(a load.Audit) string {
	switch {
	case !a.Done:
		return l.paint(warn)("not looked at" + after(": ", l.clean(a.Why)))
	case len(a.Differences) == 0:
		return "they agree"
	}
	const shown = 5
	lines := []string{l.paint(bad)(fmt.Sprintf("%d differences", len(a.Differences)))}
	for _, d := range a.Differences[:min(shown, len(a.Differences))] {
		lines = append(lines, strings.Repeat(" ", 9)+l.clean(d))
	}
	if more := len(a.Differences) - shown; more > 0 {
		lines = append(lines, strings.Repeat(" ", 9)+fmt.Sprintf("and %d more, in the JSON", more))
	}
	return strings.Join(lines, "\n")
}

func stepsText(r *load.Result) string {
	var rows [][]string
	for _, s := range seen(r.Steps) {
		p := s.Ladder
		rows = append(rows, []string{string(s.Step), fmt.Sprint(s.Count), fmt.Sprint(s.Count - s.Failed), fmt.Sprint(s.Failed),
			counted(s.Count, p.P50), counted(s.Count, p.P95), counted(s.Count, p.P99), counted(s.Count, p.Max)})
	}
	if len(rows) == 0 {
		return indent + "nothing was timed\n"
	}
	return tabulate([]terminal.Column{left("step"), right("count"), right("ok"), right("failed"), right("p50"), right("p95"), right("p99"), right("max")}, rows) + unseenText(r.Steps)
}

// seen are the steps that somebody could time.
func seen(steps []load.StepResult) []load.StepResult {
	return slices.DeleteFunc(slices.Clone(steps), func(s load.StepResult) bool { return s.Unseen != "" })
}

// unseenText says which steps nobody could time, and why: "dlr: not seen at a target".
func unseenText(steps []load.StepResult) string {
	var whys []string
	of := make(map[string][]string)
	for _, s := range steps {
		if s.Unseen == "" {
			continue
		}
		if of[s.Unseen] == nil {
			whys = append(whys, s.Unseen)
		}
		of[s.Unseen] = append(of[s.Unseen], string(s.Step))
	}
	var b strings.Builder
	for _, why := range whys {
		fmt.Fprintf(&b, "%s%s: %s\n", indent, strings.Join(of[why], ", "), Look{}.clean(why))
	}
	return b.String()
}

func (l Look) causesText(r *load.Result) string {
	ended := r.Totals.OK + r.Totals.Failed
	var rows [][]string
	for _, t := range tallies(r.Causes) {
		name := string(t.Cause)
		if t.Cause == load.Lost {
			name = l.paint(bad)(name)
		}
		rows = append(rows, []string{name, fmt.Sprint(t.Bills), share(t.Bills, ended), meanings[t.Cause]})
	}
	if len(rows) == 0 {
		return indent + "no bill failed\n"
	}
	return tabulate([]terminal.Column{left("cause"), right("bills"), right("share"), left("what it is")}, rows)
}

func laddersText(r *load.Result) string {
	columns := []terminal.Column{left("step")}
	rungs := slices.DeleteFunc(rungs(), func(r rung) bool { return r.name == "min" || r.name == "mean" })
	for _, r := range rungs {
		columns = append(columns, right(r.name))
	}
	var rows [][]string
	for _, s := range seen(r.Steps) {
		row := []string{string(s.Step)}
		for _, of := range rungs {
			row = append(row, counted(s.Count, of.of(s.Ladder)))
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return ""
	}
	return tabulate(columns, rows)
}

// ClimbText is the table of a climb's rates, or nothing.
func ClimbText(climb []load.Rung, l Look) string {
	var rows [][]string
	for _, r := range climb {
		style := good
		if !r.Held {
			style = bad
		}
		rows = append(rows, []string{rate(r.Rate) + "/s", l.paint(style)(l.mark(r.Held)), orNone(r.P99), l.clean(r.Why)})
	}
	if len(rows) == 0 {
		return ""
	}
	return tabulate([]terminal.Column{right("rate"), left("held"), right("p99"), left("why not")}, rows)
}

func generatorText(g load.Generator) string {
	server := ""
	if g.Server > 0 {
		server = cores(g.Server) + " cores of the system under test beside it"
	}
	return fields(
		[2]string{"lag", fmt.Sprintf("p50 %s, p99 %s, max %s", latency(g.Lag.P50), latency(g.Lag.P99), latency(g.Lag.Max))},
		[2]string{"CPU", fmt.Sprintf("%s cores", cores(g.CPU)) + after(", ", server)},
		[2]string{"memory", fmt.Sprintf("%.0f MB heap, longest GC pause %s", g.HeapMB, latency(g.GCPauseMax))},
		[2]string{"held up", stalls(g)},
		[2]string{"open files", fmt.Sprint(g.Files)},
	)
}

func stalls(g load.Generator) string {
	if g.Stalls == 0 {
		return "never over " + latency(ms(load.StallLimit))
	}
	return fmt.Sprintf("%d times over %s, at most %s, %s in all", g.Stalls, latency(ms(load.StallLimit)), latency(g.StallMax), latency(g.Stalled))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (l Look) environmentText(r *load.Result) string {
	e := r.Environment
	if e == (load.Environment{}) {
		return ""
	}
	return fields(
		[2]string{"target", l.clean(r.Asked.Target)},
		[2]string{"store", l.clean(e.Store)},
		[2]string{"airtill", l.clean(e.Airtill) + after(", ", l.clean(e.Go))},
		[2]string{"machine", fmt.Sprintf("%s, %d cores, load average %.2f", l.clean(e.System), e.Cores, e.Load)},
		[2]string{"started", r.Started.UTC().Format("2006-01-02 15:04:05 MST")},
	)
}

func (l Look) filesText(files []string) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(indent + l.clean(f) + "\n")
	}
	return b.String()
}

func (l Look) commandText(command string) string {
	if command == "" {
		return ""
	}
	return l.clean(command) + "\n"
}
