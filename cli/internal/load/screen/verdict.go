package screen

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/terminal"
)

// ClosedLabel is what is said of every figure of a closed model.
const ClosedLabel = "closed model: tail latency is optimistic"

// meaning is what a verdict says, and what one does then.
type meaning struct {
	says  string
	style lipgloss.Style
	next  []string
}

var verdicts = map[string]meaning{
	load.Passed: {says: "all went as it should", style: good},
	load.Failed: {says: "a threshold was not kept", style: bad, next: []string{
		"steps and causes, in the full report, say where the time and the bills went",
		"airtill load diff BASE.json NEW.json compares this run with one that passed",
	}},
	load.Inconclusive: {says: "this was not the load that was asked for, so it shows neither that it is carried nor that it is not", style: warn, next: []string{
		"ask for a lower --rate, or let more be in flight with --max-in-flight",
		"spread the load: --segment 1/2 and --segment 2/2 in two processes, then airtill load merge",
	}},
	load.Inconsistent: {says: "bills were lost, or the books are wrong: no figure of the run counts until it is known why", style: bad, next: []string{
		"leave the store as it is: airtill audit recomputes every balance from the journal",
		"airtill bill events BILL tells the life of one bill",
	}},
	load.Interrupted: {says: "the figures are of what was run", style: warn, next: []string{
		"run it again to its end",
	}},
}

// verdictBlock says what came of the run: the verdict, each threshold with what it got, why
// it is no better, and what to do next.
func (l Look) verdictBlock(r *load.Result) string {
	m := verdicts[r.Verdict]
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s: %s\n", l.paint(m.style)(l.mark(r.Verdict == load.Passed)+" "+strings.ToUpper(r.Verdict)), l.runName(r), verdictSays(r, m))
	if r.Model == load.Closed {
		b.WriteString(indent + l.paint(warn)(ClosedLabel) + "\n")
	}
	if len(r.Thresholds) > 0 {
		b.WriteString("\n" + l.thresholds(r.Thresholds))
	}
	notes := l.notes(r, m)
	if notes != "" {
		b.WriteString("\n" + notes)
	}
	return b.String()
}

func (l Look) runName(r *load.Result) string {
	name := l.clean(r.Name)
	if name == "" {
		name = "the run"
	}
	if r.Segment != "" {
		name += ", segment " + l.clean(r.Segment)
	}
	return name
}

// verdictSays is the verdict in words.
func verdictSays(r *load.Result, m meaning) string {
	broken := 0
	for _, j := range r.Thresholds {
		if !j.Kept {
			broken++
		}
	}
	switch {
	case r.Verdict == load.Failed && broken > 0:
		return fmt.Sprintf("%d of %d thresholds not kept", broken, len(r.Thresholds))
	case r.Verdict == load.Passed:
		return passedSays(r)
	}
	return m.says
}

// passedSays claims no more than was looked at.
func passedSays(r *load.Result) string {
	says := "the generator kept its schedule"
	if r.Audit.Done {
		says = "no bill was lost, and " + says
	}
	if len(r.Thresholds) == 0 {
		return says + "; there was no threshold to keep"
	}
	return "every threshold was kept; " + says
}

// mark is a tick or a cross.
func (l Look) mark(ok bool) string {
	if ok {
		return l.or("✓", "ok")
	}
	return l.or("✗", "x ")
}

func (l Look) thresholds(judged []load.Judged) string {
	var rows [][]string
	for _, j := range judged {
		style := good
		if !j.Kept {
			style = bad
		}
		rows = append(rows, []string{l.paint(style)(l.mark(j.Kept)), l.clean(j.Threshold), got(j)})
	}
	return tabulate([]terminal.Column{left(""), left("threshold"), right("got")}, rows)
}

// got is a threshold's figure with its unit, which the threshold says.
func got(j load.Judged) string {
	t, err := load.ParseThreshold(j.Threshold)
	if err != nil { // of another version's file
		return fmt.Sprint(j.Got)
	}
	return figure(j.Got, t.Unit())
}

// notes are why the run did not pass, what was found of a climb, and what to do next.
func (l Look) notes(r *load.Result, m meaning) string {
	var pairs [][2]string
	for _, why := range r.Why {
		if !strings.HasPrefix(why, "threshold ") { // the table has it
			pairs = append(pairs, [2]string{"why", l.clean(why)})
		}
	}
	if r.Best > 0 {
		pairs = append(pairs, [2]string{"best", fmt.Sprintf("%s/s is the highest rate that held", rate(r.Best))})
	}
	if !r.Audit.Done {
		pairs = append(pairs, [2]string{"books", "they were not looked at" + after(": ", l.clean(r.Audit.Why)) + "; whether bills were lost is not known"})
	}
	if r.Verdict == load.Inconclusive && r.Generator.Stalls > 0 {
		pairs = append(pairs, [2]string{"next", "this process stood still at times: let nothing else work beside it, and nobody stop it"})
	}
	for _, next := range m.next {
		pairs = append(pairs, [2]string{"next", next})
	}
	return fields(pairs...)
}

// after puts something before a text that is there.
func after(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}
