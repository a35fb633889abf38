package screen

import (
	"fmt"
	"io"
	"math"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/terminal"
)

// Diff prints how a run compares with one before it.
func Diff(w io.Writer, d *load.Difference, l Look) error {
	style := comparison(d.Verdict)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s against %s; up to %s is the same\n", l.paint(style)(strings.ToUpper(d.Verdict)),
		l.nameOr(d.New, "the new run"), l.nameOr(d.Base, "the base"), figure(d.Tolerance, "%"))
	var rows [][]string
	for _, c := range d.Rows {
		rows = append(rows, l.changeRow(c))
	}
	b.WriteString("\n" + tabulate([]terminal.Column{left("figure"), right("base"), right("new"), right("change"), left("")}, rows))
	if len(d.Notes) > 0 {
		fmt.Fprintf(&b, "\n%s\n", l.paint(bold)("They do not quite compare"))
		for _, note := range d.Notes {
			b.WriteString(indent + l.clean(note) + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print the comparison: %w", err)
	}
	return nil
}

func (l Look) nameOr(name, other string) string {
	if name = l.clean(name); name == "" {
		return other
	}
	return name
}

// comparison is the colour of better or worse.
func comparison(is string) lipgloss.Style {
	switch is {
	case load.Better:
		return good
	case load.Worse:
		return bad
	}
	return bold
}

// changeRow is one figure. What is shown and not judged has no verdict.
func (l Look) changeRow(c load.Change) []string {
	change := "-"
	switch {
	case c.Base != 0:
		change = fmt.Sprintf("%+.1f%%", 100*c.Change)
	case c.New == 0:
		change = "+0.0%"
	}
	is := c.Is
	switch {
	case !c.Judged:
		is = "not judged"
	case c.Is != load.Same:
		is = l.paint(comparison(c.Is))(c.Is)
	}
	return []string{c.Name, figure(c.Base, c.Unit), figure(c.New, c.Unit), change, is}
}

// figure writes one with its unit. A count that is not whole is of processors.
func figure(v float64, unit string) string {
	switch {
	case unit == "ms":
		return latency(v)
	case unit == "" && v != math.Trunc(v):
		return cores(v)
	}
	return load.FigureText(v, unit)
}

// Segments prints the parts that one result was merged from.
func Segments(w io.Writer, parts []*load.Result, l Look) error {
	var rows [][]string
	for _, p := range parts {
		rows = append(rows, []string{l.nameOr(p.Segment, "-"), l.nameOr(p.Name, "-"), fmt.Sprint(p.Totals.Begun), fmt.Sprint(p.Totals.OK), fmt.Sprint(p.Totals.Failed),
			fmt.Sprint(p.Lost), rate(p.Rate) + "/s", latency(p.Generator.Lag.P99), cores(p.Generator.CPU), l.paint(verdicts[p.Verdict].style)(p.Verdict)})
	}
	table := tabulate([]terminal.Column{left("segment"), left("name"), right("begun"), right("ok"), right("failed"), right("lost"), right("rate"), right("lag p99"), right("CPU"), left("verdict")}, rows)
	if _, err := fmt.Fprintf(w, "%s\n%s\n", l.paint(bold)(fmt.Sprintf("Merged from %d", len(parts))), table); err != nil {
		return fmt.Errorf("print the segments: %w", err)
	}
	return nil
}
