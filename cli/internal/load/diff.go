package load

import (
	"fmt"
	"math"
)

// Difference compares two runs.
type Difference struct {
	Base      string   `json:"base"` // its name
	New       string   `json:"new"`
	Tolerance float64  `json:"tolerance"` // 0.1: what differs by up to 10 % is the same
	Rows      []Change `json:"rows"`
	Notes     []string `json:"notes"`   // what else differs, so that the runs do not quite compare
	Verdict   string   `json:"verdict"` // Better, Worse or Same
}

// Change is one figure in two runs.
type Change struct {
	Name   string  `json:"name"` // pay.p99
	Unit   string  `json:"unit"` // "ms", "%" (a share: 0.01 is 1 %), "/s", or "" for a count
	Base   float64 `json:"base"`
	New    float64 `json:"new"`
	Change float64 `json:"change"` // of New against Base: 0.25 is a quarter more; 0 when Base is 0
	Judged bool    `json:"judged"` // others are shown only
	Is     string  `json:"is"`     // Better, Worse or Same
}

// How a figure compares.
const (
	Better = "better"
	Worse  = "worse"
	Same   = "same"
)

// What differs by less is the same, whatever the tolerance: a tenth of nothing is noise.
const (
	slackMS    = 1.0
	slackShare = 0.001
)

// Diff compares a run with one before it. Worse in one figure that is judged is worse in
// all; else better in one is better. Highest latencies, the lag and the CPU are shown and
// not judged.
func Diff(base, new *Result, tolerance float64) *Difference {
	d := &Difference{Base: base.Name, New: new.Name, Tolerance: tolerance, Verdict: Same, Notes: base.differ(new)}
	d.row(Change{Name: "rate", Unit: unitRate, Base: base.Rate, New: new.Rate, Judged: true})
	d.row(Change{Name: "failed", Unit: unitShare, Base: share(base.Totals.Failed, base.Totals.Begun), New: share(new.Totals.Failed, new.Totals.Begun), Judged: true})
	d.row(Change{Name: "dropped", Unit: unitShare, Base: share(base.Totals.Dropped, base.Totals.Due), New: share(new.Totals.Dropped, new.Totals.Due), Judged: true})
	d.row(Change{Name: "lost", Base: float64(base.Lost), New: float64(new.Lost), Judged: true})
	if base.Best > 0 && new.Best > 0 {
		d.row(Change{Name: "best_rate", Unit: unitRate, Base: base.Best, New: new.Best, Judged: true})
	}
	for _, step := range Steps() {
		d.step(base.step(step), new.step(step))
	}
	d.row(Change{Name: "lag.p99", Unit: unitMS, Base: base.Generator.Lag.P99, New: new.Generator.Lag.P99})
	d.row(Change{Name: "cpu", Base: base.Generator.CPU, New: new.Generator.CPU})
	d.row(Change{Name: "cpu_server", Base: base.Generator.Server, New: new.Generator.Server})
	return d
}

// step compares a step that both runs came to.
func (d *Difference) step(base, new StepResult) {
	has := func(s StepResult) bool { return timed(s.Ladder, s.Count, s.Failed) }
	switch {
	case !has(base) && !has(new):
		return
	case !has(base):
		d.Notes = append(d.Notes, fmt.Sprintf("only the new run came to %s", new.Step))
		return
	case !has(new):
		d.Notes = append(d.Notes, fmt.Sprintf("only the base run came to %s", base.Step))
		return
	}
	for _, stat := range []string{"p50", "p95", "p99", "max"} {
		b, _ := base.Ladder.at(stat)
		n, _ := new.Ladder.at(stat)
		d.row(Change{Name: string(base.Step) + "." + stat, Unit: unitMS, Base: b, New: n, Judged: stat != "max"})
	}
}

// row judges a figure, and the whole by it.
func (d *Difference) row(c Change) {
	if c.Base != 0 {
		c.Change = (c.New - c.Base) / c.Base
	}
	c.Is = c.is(d.Tolerance)
	d.Rows = append(d.Rows, c)
	switch {
	case !c.Judged || c.Is == Same:
	case c.Is == Worse:
		d.Verdict = Worse
	case d.Verdict == Same:
		d.Verdict = Better
	}
}

// is compares the two. Of rates more is better, of all else less.
func (c *Change) is(tolerance float64) string {
	slack := map[string]float64{unitMS: slackMS, unitShare: slackShare}[c.Unit]
	room := max(slack, tolerance*c.Base)
	if c.Name == "lost" {
		room = 0
	}
	switch more := c.New - c.Base; {
	case math.Abs(more) <= room+1e-12:
		return Same
	case (more > 0) == (c.Unit == unitRate):
		return Better
	}
	return Worse
}

// differ says what else is not the same in two runs.
func (r *Result) differ(o *Result) []string {
	notes := []string{}
	say := func(what string, base, new any) {
		if base != new {
			notes = append(notes, fmt.Sprintf("%s: %v, then %v", what, base, new))
		}
	}
	say("seed", r.Seed, o.Seed)
	say("model", r.Model, o.Model)
	notes = append(notes, r.Asked.differ(o.Asked)...)
	say("cores", r.Environment.Cores, o.Environment.Cores)
	say("system", r.Environment.System, o.Environment.System)
	say("store", r.Environment.Store, o.Environment.Store)
	say("go", r.Environment.Go, o.Environment.Go)
	say("airtill", r.Environment.Airtill, o.Environment.Airtill)
	for _, run := range []*Result{r, o} {
		if run.Verdict == Inconclusive || run.Verdict == Interrupted {
			notes = append(notes, fmt.Sprintf("run %q is %s, so its figures say little", run.Name, run.Verdict))
		}
	}
	return notes
}

// differ lists what was asked for differently.
func (a Asked) differ(o Asked) []string {
	var notes []string
	for _, c := range []struct {
		what      string
		base, new any
	}{
		{"rate", a.Rate, o.Rate}, {"stages", fmt.Sprint(a.Stages), fmt.Sprint(o.Stages)}, {"users", a.Users, o.Users}, {"handsets", a.Handsets, o.Handsets},
		{"duration", a.Duration, o.Duration}, {"bills", a.Bills, o.Bills}, {"arrivals", a.Arrivals, o.Arrivals}, {"mix", a.Mix, o.Mix},
		{"think", a.Think, o.Think}, {"channel", a.Channel, o.Channel}, {"max in flight", a.MaxInFlight, o.MaxInFlight},
		{"warm-up", a.Warmup, o.Warmup}, {"target", a.Target, o.Target}, {"scenario", a.Scenario, o.Scenario},
	} {
		if c.base != c.new {
			notes = append(notes, fmt.Sprintf("%s: %v, then %v", c.what, c.base, c.new))
		}
	}
	return notes
}
