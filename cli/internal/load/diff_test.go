package load

import (
	"slices"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Result)
		verdict string
		row     string
		is      string
	}{
		"the same":             {func(*Result) {}, Same, "pay.p99", Same},
		"within the tolerance": {func(r *Result) { r.Steps[0].Ladder.P99 = 329 }, Same, "pay.p99", Same},
		"slower":               {func(r *Result) { r.Steps[0].Ladder.P99 = 340 }, Worse, "pay.p99", Worse},
		"quicker":              {func(r *Result) { r.Steps[0].Ladder.P99 = 200 }, Better, "pay.p99", Better},
		"a millisecond":        {func(r *Result) { r.Steps[0].Ladder.P50 = 3 }, Same, "pay.p50", Same},
		"the highest alone":    {func(r *Result) { r.Steps[0].Ladder.Max = 9000 }, Same, "pay.max", Worse},
		"a lower rate":         {func(r *Result) { r.Rate = 80 }, Worse, "rate", Worse},
		"a higher rate":        {func(r *Result) { r.Rate = 120 }, Better, "rate", Better},
		"a failure of many":    {func(r *Result) { r.Totals.Failed = 1 }, Same, "failed", Same},
		"failures":             {func(r *Result) { r.Totals.Failed = 2 }, Worse, "failed", Worse},
		"dropped":              {func(r *Result) { r.Totals.Dropped = 50 }, Worse, "dropped", Worse},
		"one lost":             {func(r *Result) { r.Lost = 1 }, Worse, "lost", Worse},
		"quicker, but lost":    {func(r *Result) { r.Steps[0].Ladder.P99 = 200; r.Lost = 1 }, Worse, "pay.p99", Better},
		"a lower best":         {func(r *Result) { r.Best = 500 }, Worse, "best_rate", Worse},
		"more CPU":             {func(r *Result) { r.Generator.CPU = 9 }, Same, "cpu", Worse},
	} {
		base, new := good(), good()
		base.Steps[0].Ladder.P50, new.Steps[0].Ladder.P50 = 2, 2
		base.Best, new.Best = 1000, 1000
		base.Generator.CPU, new.Generator.CPU = 1, 1
		c.change(new)
		d := Diff(base, new, 0.1)
		i := slices.IndexFunc(d.Rows, func(r Change) bool { return r.Name == c.row })
		if i < 0 || d.Rows[i].Is != c.is || d.Verdict != c.verdict || len(d.Notes) != 0 {
			t.Errorf("%s: %s, %+v", name, d.Verdict, d)
		}
		back := Diff(new, base, 0.1)
		opposite := map[string]string{Same: Same, Worse: Better, Better: Worse}
		if !strings.Contains(name, "but lost") && back.Verdict != opposite[c.verdict] {
			t.Errorf("%s, the other way round: %s", name, back.Verdict)
		}
	}
}

func TestDiffRows(t *testing.T) {
	base, new := good(), good()
	new.Steps[0].Ladder.P99 = 375
	d := Diff(base, new, 0.1)
	i := slices.IndexFunc(d.Rows, func(r Change) bool { return r.Name == "pay.p99" })
	if want := (Change{Name: "pay.p99", Unit: "ms", Base: 300, New: 375, Change: 0.25, Judged: true, Is: Worse}); d.Rows[i] != want {
		t.Errorf("%+v", d.Rows[i])
	}
	if d.Tolerance != 0.1 || d.Rows[0].Name != "rate" || slices.ContainsFunc(d.Rows, func(r Change) bool { return r.Name == "dlr.p99" || r.Name == "best_rate" }) {
		t.Errorf("%+v", d)
	}
}

func TestDiffNotes(t *testing.T) {
	base, new := good(), good()
	base.Seed, base.Asked.Handsets, base.Environment.Cores, base.Name = 1, 100, 2, "base"
	new.Verdict, new.Name = Inconclusive, "new"
	new.Steps = []StepResult{{Step: Create, Count: 5, Ladder: Ladder{P99: 1, Max: 1}}}
	d := Diff(base, new, 0.1)
	want := []string{
		"seed: 1, then 0", "handsets: 100, then 0", "cores: 2, then 0", `run "new" is inconclusive, so its figures say little`,
		"only the new run came to create", "only the base run came to pay",
	}
	if !slices.Equal(d.Notes, want) || d.Base != "base" || d.New != "new" {
		t.Errorf("%q", d.Notes)
	}
}
