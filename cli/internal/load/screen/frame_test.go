package screen

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/airtill/airtill/cli/internal/load"
)

// Every page in every size, as one file each, so that they can be looked at.
func TestFrames(t *testing.T) {
	looks := map[string]Look{
		"80x24":        {Width: 80, Height: 24, Colour: true},
		"120x40":       {Width: 120, Height: 40, Colour: true},
		"40x10":        {Width: 40, Height: 10, Colour: true},
		"80x24-plain":  {Width: 80, Height: 24},
		"80x24-ascii":  {Width: 80, Height: 24, ASCII: true},
		"120x40-plain": {Width: 120, Height: 40},
		"40x10-plain":  {Width: 40, Height: 10},
		"80x10-plain":  {Width: 80, Height: 10},
		"40x24-plain":  {Width: 40, Height: 24},
	}
	for name, l := range looks {
		t.Run(name, func(t *testing.T) {
			var all strings.Builder
			for _, page := range []Page{StepsPage, RatesPage, CausesPage, LadderPage} {
				s := running()
				s.Page = page
				all.WriteString(Frame(s, l) + "\n" + strings.Repeat("=", l.Width) + "\n")
			}
			help := running()
			help.Help = true
			all.WriteString(Frame(help, l) + "\n")
			golden(t, name+".txt", all.String())
		})
	}
}

// The states a run goes through, on the first page.
func TestFrameStates(t *testing.T) {
	l := Look{Width: 80, Height: 24}
	var all strings.Builder
	for _, change := range []func(*State){
		func(s *State) { *s = State{} }, // before the first snapshot
		func(s *State) {
			*s = State{Snapshot: load.Snapshot{Name: "evening peak", Seed: math.MaxUint64, Model: load.Open, Phase: "enrol", Handsets: 6200}}
		},
		func(s *State) { s.Paused = true; s.Notice = "pause: no bill is begun until p" },
		func(s *State) {
			s.Model, s.Length, s.Elapsed, s.Name = load.Closed, 0, 2*time.Hour, "a run whose name is \x1b[31mlong\x07, 名字也很长而且是中文的, and says too much"
		},
		func(s *State) { s.Causes[load.Lost] = 2; s.Phase = "audit"; s.Last.Begun = 12 },
	} {
		s := running()
		change(&s)
		all.WriteString(Frame(s, l) + "\n" + strings.Repeat("=", l.Width) + "\n")
	}
	golden(t, "states.txt", all.String())
}

// A frame fits, whatever is in it and whatever it has to fit in.
func TestFrameFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Look{
			Width: rapid.IntRange(1, 200).Draw(t, "width"), Height: rapid.IntRange(1, 60).Draw(t, "height"),
			Colour: rapid.Bool().Draw(t, "colour"), ASCII: rapid.Bool().Draw(t, "ascii"),
		}
		s := running()
		s.Name, s.Stage, s.Notice = rapid.String().Draw(t, "name"), rapid.String().Draw(t, "stage"), rapid.String().Draw(t, "notice")
		s.Page, s.Help = Page(rapid.IntRange(0, 5).Draw(t, "page")), rapid.Bool().Draw(t, "help")
		s.Past = s.Past[:rapid.IntRange(0, len(s.Past)).Draw(t, "past")]
		s.Totals.Dropped, s.Totals.InFlight = rapid.Int64().Draw(t, "dropped"), rapid.Int64().Draw(t, "in flight")
		s.Last.Asked, s.Last.Lag, s.Last.CPU = rapid.Float64().Draw(t, "asked"), rapid.Float64().Draw(t, "lag"), rapid.Float64().Draw(t, "cpu")
		rows := strings.Split(Frame(s, l), "\n")
		if len(rows) != l.Height {
			t.Fatalf("%d rows, not %d", len(rows), l.Height)
		}
		for _, row := range rows {
			checkRow(t, row, l)
		}
	})
}

func checkRow(t *rapid.T, row string, l Look) {
	if w := ansi.StringWidth(row); w > l.Width {
		t.Fatalf("%d columns, not %d: %q", w, l.Width, row)
	}
	if !l.Colour && strings.ContainsRune(row, '\x1b') {
		t.Fatalf("escape codes without colour: %q", row)
	}
	if l.ASCII {
		for _, r := range ansi.Strip(row) {
			if r < ' ' || r > '~' {
				t.Fatalf("%q is no ASCII: %q", r, row)
			}
		}
	}
}
