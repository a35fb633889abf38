package screen

import (
	"cmp"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/airtill/airtill/cli/internal/load"
)

// Page is one of the live view's screens.
type Page int

// The pages, by their keys.
const (
	StepsPage Page = iota + 1
	RatesPage
	CausesPage
	LadderPage
)

// State is what there is to see of a run.
type State struct {
	load.Snapshot

	Past   []load.Interval // that ended, the oldest first
	Page   Page            // 0 is StepsPage
	Help   bool            // what the keys do, instead of the page
	Notice string          // what became of the last key, instead of the keys
}

// roomy is the height from which on there are blank rows between the parts.
const roomy = 20

// Frame is a picture of the state: as many rows as the look is high, none of them wider
// than it is. Where not all fits, the rows and columns that say least are left out.
func Frame(s State, l Look) string {
	head, foot := s.head(l), s.foot(l)
	if room := l.Height - 1; len(head) > room {
		head = head[:max(room, 0)]
	}
	rows := make([]string, 0, l.Height)
	rows = append(rows, head...)
	body := s.body(l, l.Height-len(head)-1)
	rows = append(rows, body[:min(len(body), max(l.Height-len(head)-1, 0))]...)
	for len(rows) < l.Height-1 {
		rows = append(rows, "")
	}
	rows = append(rows, foot)
	for i, row := range rows {
		rows[i] = ansi.Truncate(row, l.Width, "")
	}
	return strings.Join(rows, "\n")
}

// head is the same on every page: whose run it is, and how it goes.
func (s State) head(l Look) []string {
	rows := append([]string{s.title(l)}, s.gauges(l)...)
	if s.Model == load.Closed {
		return append(rows, l.paint(warn)(l.cut(ClosedLabel, l.Width)))
	}
	if l.Height >= roomy {
		rows = append(rows, "")
	}
	return rows
}

func (s State) body(l Look, rows int) []string {
	switch {
	case s.Help:
		return helpRows(l)
	case s.Page == RatesPage:
		return s.rates(l, rows)
	case s.Page == CausesPage:
		return s.causesTable(l)
	case s.Page == LadderPage:
		return s.ladders(l)
	}
	return s.stepsAndCauses(l, rows)
}

// titlePart is a piece of the first row. Those with the highest rank go first where it is
// narrow.
type titlePart struct {
	text  string
	paint paint
	rank  int
}

// title is the first row: name, seed, model, how far the run is, and its stage.
func (s State) title(l Look) string {
	name := cmp.Or(l.clean(s.Name), "load")
	if s.Phase == "" {
		return l.paint(bold)(l.cut(name, l.Width))
	}
	parts := []titlePart{
		{name, l.paint(bold), 0},
		{"seed " + uintText(s.Seed), plainly, 4},
		{s.Model + " model", plainly, 5},
		{s.elapsed(), plainly, 1},
		{s.phase(), s.phasePaint(l), 2},
		{l.clean(s.Stage), l.paint(accent), 3},
	}
	return joinTitle(parts, l)
}

// joinTitle leaves parts out until the rest fits, with enough of the name; then the name is
// cut.
func joinTitle(parts []titlePart, l Look) string {
	const gap = 2
	name := ansi.StringWidth(parts[0].text)
	for rank := 5; rank > 1; rank-- {
		least := 8 // of the name, beside what says how the run goes
		if rank >= 4 {
			least = 24 // beside the rest
		}
		if titleWidth(parts)-name+min(name, least) <= l.Width {
			break
		}
		for i := range parts {
			if parts[i].rank == rank {
				parts[i].text = ""
			}
		}
	}
	parts[0].text = l.cut(parts[0].text, l.Width-(titleWidth(parts)-name))
	var shown []string
	for _, p := range parts {
		if p.text != "" {
			shown = append(shown, p.paint(p.text))
		}
	}
	return strings.Join(shown, strings.Repeat(" ", gap))
}

func titleWidth(parts []titlePart) int {
	width := -2
	for _, p := range parts {
		if p.text != "" {
			width += 2 + ansi.StringWidth(p.text)
		}
	}
	return width
}

func (s State) elapsed() string {
	if s.Length > 0 {
		return clock(s.Elapsed) + "/" + clock(s.Length)
	}
	return clock(s.Elapsed)
}

func (s State) phase() string {
	if s.Paused {
		return "paused"
	}
	return s.Phase
}

func (s State) phasePaint(l Look) paint {
	if s.Paused || s.Phase != "run" {
		return l.paint(warn)
	}
	return l.paint(good)
}

// gauge is one number of the second row, under its name.
type gauge struct {
	name, value string
	paint       paint
}

// gauges are the rates and what they do to the two sides, names above values, in as many
// pairs of rows as they need.
func (s State) gauges(l Look) []string {
	const width = 9
	all := s.gaugeList(l)
	each := min(max((l.Width+1)/(width+1), 1), len(all))
	var rows []string
	for len(all) > 0 {
		n := min(each, len(all))
		names, values := make([]string, n), make([]string, n)
		for i, g := range all[:n] {
			w := max(width, len(g.name))
			names[i], values[i] = l.paint(faint)(pad(g.name, w, true)), g.paint(pad(g.value, w, true))
		}
		rows = append(rows, strings.Join(names, " "), strings.Join(values, " "))
		all = all[n:]
	}
	return rows
}

func (s State) gaugeList(l Look) []gauge {
	mark := func(when bool) paint {
		if when {
			return l.paint(warn)
		}
		return l.paint(bold)
	}
	active := gauge{"active", count(int64(s.Active)), l.paint(bold)}
	if s.Phase == "enrol" {
		active = gauge{"enrolled", count(int64(s.Handsets)), l.paint(bold)}
	}
	server := gauge{"CPU server", "-", l.paint(bold)}
	if s.Last.Server > 0 {
		server.value = cores(s.Last.Server)
	}
	return []gauge{
		{"asked/s", rate(s.Last.Asked), l.paint(bold)},
		{"begun/s", rate(s.Last.Begun), mark(s.Phase == "run" && !s.Paused && s.Last.Begun < 0.95*s.Last.Asked)},
		{"dropped", count(s.Totals.Dropped), mark(s.Totals.Dropped > 0)},
		{"in flight", count(s.Last.InFlight), l.paint(bold)},
		active,
		{"lag p99", latency(s.Last.Lag), l.paint(bold)},
		{"CPU load", cores(s.Last.CPU), l.paint(bold)},
		server,
	}
}

// foot is the last row: what became of a key, or which there are.
func (s State) foot(l Look) string {
	if s.Notice != "" {
		return l.paint(warn)(l.cut(l.clean(s.Notice), l.Width))
	}
	for _, keys := range []string{
		"+ - * / rate   p pause   q drain   Q stop now   1-4 screens   ? help",
		"+ - * / p q Q 1-4 ?",
	} {
		if s.Paused {
			keys = strings.Replace(keys, "p pause", "p resume", 1)
		}
		if len(keys) <= l.Width {
			return l.paint(faint)(keys)
		}
	}
	return l.paint(faint)("? help")
}
