package screen

import (
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/airtill/airtill/cli/internal/load"
)

// finished is what came of the run that running is halfway through.
func finished() *load.Result {
	s := running()
	r := &load.Result{
		Version: load.ResultVersion, Name: "evening peak", Command: "airtill load --rate 200/s --duration 2m30s --seed 42", Seed: 42, Model: load.Open,
		Started: time.Date(2026, 11, 28, 6, 30, 0, 0, time.UTC), Seconds: 150, Asked: load.Asked{Rate: "200/s", Handsets: 10_000, Target: "embedded network"},
		Totals: load.Totals{Due: 30_000, Dropped: 12, Begun: 29_988, OK: 29_517, Failed: 471}, RateAsked: 200, Rate: 199.92, HeldRate: true,
		Causes: maps.Clone(s.Causes), Audit: load.Audit{Done: true},
		Generator:   load.Generator{Lag: ladder(0.3), CPU: 0.71, Server: 0.44, GCPauseMax: 0.9, HeapMB: 84, Files: 31},
		Environment: load.Environment{Airtill: "v0.5.0", Go: "go1.26.8", System: "linux/amd64", Cores: 2, Store: "redis 7.0.15, appendfsync everysec", Load: 1.25},
		Files:       []string{"run.json", "run.html"},
		Thresholds:  []load.Judged{{Threshold: "pay.p99<2s", Got: 249, Kept: true}, {Threshold: "failed<5%", Got: 0.0157, Kept: true}, {Threshold: "rate>=199/s", Got: 199.92, Kept: true}},
		Verdict:     load.Passed,
	}
	for _, n := range s.Steps {
		r.Steps = append(r.Steps, load.StepResult{Step: n.Step, Count: n.Count, Failed: n.Failed, Ladder: n.Ladder})
	}
	return r
}

// results are runs that ended in every way.
func results() map[string]*load.Result {
	all := map[string]*load.Result{"passed": finished()}
	change := func(name string, do func(*load.Result)) {
		r := finished()
		do(r)
		all[name] = r
	}
	change("failed", func(r *load.Result) {
		r.Verdict, r.Thresholds[1].Threshold, r.Thresholds[1].Kept = load.Failed, "failed<1%", false
		r.Why = []string{"threshold failed<1%: it was 1.57%"}
	})
	change("inconclusive", func(r *load.Result) {
		r.Verdict, r.HeldRate, r.Generator.Lag = load.Inconclusive, false, ladder(55)
		r.Generator.Stalls, r.Generator.Stalled, r.Generator.StallMax = 3, 812, 420
		r.Why = []string{"the generator could not keep up: bills began late, by 330ms at p99"}
	})
	change("inconsistent", func(r *load.Result) {
		r.Verdict, r.Lost, r.Causes[load.Lost] = load.Inconsistent, 2, 2
		r.Audit.Differences = []string{"a: 1", "b: 2", "c: 3", "d: 4", "e: 5", "f: 6"}
		r.Why = []string{"2 bills lost", "the auditor found 6 differences, first: a: 1"}
	})
	change("interrupted", func(r *load.Result) {
		r.Verdict, r.Audit, r.Segment = load.Interrupted, load.Audit{Why: "the run was stopped"}, "1/4"
		r.Why = []string{"the run was ended before its time"}
	})
	change("closed", func(r *load.Result) {
		r.Model, r.RateAsked, r.Thresholds, r.Causes, r.Files = load.Closed, 0, nil, nil, nil
	})
	change("climb", func(r *load.Result) {
		r.Best, r.Climb = 150, []load.Rung{{Rate: 50, Held: true, P99: 45.1}, {Rate: 100, Held: true, P99: 61.2}, {Rate: 150, Held: true, P99: 88.7}, {Rate: 200, Why: "pay.p99<2s: it was 3.21s", P99: 3210}}
	})
	change("unaudited", func(r *load.Result) { r.Audit = load.Audit{Why: "--target has no office"} })
	all["empty"] = &load.Result{Model: load.Open, Verdict: load.Inconclusive, Why: []string{"the generator could not keep up: no bill was begun"}}
	return all
}

func report(t *testing.T, r *load.Result, quiet bool, l Look) string {
	t.Helper()
	var out strings.Builder
	if err := Report(&out, r, quiet, l); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReport(t *testing.T) {
	for name, r := range results() {
		t.Run(name, func(t *testing.T) {
			got := report(t, r, false, Look{})
			golden(t, "report-"+name+".txt", got)
			if quiet := report(t, r, true, Look{}); !strings.HasPrefix(got, quiet) || strings.Contains(quiet, "Totals") || quiet == "" {
				t.Errorf("quiet, it does not print the verdict alone:\n%s", quiet)
			}
			if coloured := report(t, r, false, Look{Colour: true}); ansi.Strip(coloured) != got || coloured == got {
				t.Errorf("in colour it does not say the same:\n%s", coloured)
			}
			for _, c := range report(t, r, false, Look{ASCII: true}) {
				if c > '~' {
					t.Errorf("%q is no ASCII", c)
				}
			}
		})
	}
}

// Every part is where the reader looks for it.
func TestReportOrder(t *testing.T) {
	r := results()["climb"]
	got := report(t, r, false, Look{})
	at := 0
	for _, part := range []string{"PASSED", "pay.p99<2s", "Totals", "Steps", "Causes", "Percentiles", "P99.9", "Environment", "redis 7.0.15", "Files", "run.html", "Again", r.Command} {
		i := strings.Index(got[at:], part)
		if i < 0 {
			t.Fatalf("%q is not there, or not after what comes before it:\n%s", part, got)
		}
		at += i
	}
}

// What a verdict means and what to do is there for every one that a run can have.
func TestVerdicts(t *testing.T) {
	for _, v := range []string{load.Passed, load.Failed, load.Inconclusive, load.Inconsistent, load.Interrupted} {
		m, ok := verdicts[v]
		if !ok || m.says == "" || (len(m.next) == 0) != (v == load.Passed) {
			t.Errorf("%s: it says %q, and next %q", v, m.says, m.next)
		}
	}
}

// Every cause has a meaning, which fits its column.
func TestMeanings(t *testing.T) {
	for _, c := range load.Causes() {
		if m := meanings[c]; m == "" || len(m) > 44 || len(c) > 18 {
			t.Errorf("%s: %q", c, m)
		}
	}
}

func TestDiff(t *testing.T) {
	base, slower := finished(), finished()
	base.Name, slower.Name, slower.Rate, slower.Seed = "monday", "tuesday", 180, 43
	slower.Generator.Server = 0
	for i := range slower.Steps {
		slower.Steps[i].Ladder = ladder(slower.Steps[i].Ladder.P50 * (0.7 + float64(i)/5))
	}
	for name, d := range map[string]*load.Difference{"worse": load.Diff(base, slower, 0.1), "same": load.Diff(base, base, 0.1)} {
		var out strings.Builder
		if err := Diff(&out, d, Look{}); err != nil {
			t.Fatal(err)
		}
		golden(t, "diff-"+name+".txt", out.String())
	}
}

func TestSegments(t *testing.T) {
	one, two := results()["passed"], results()["interrupted"]
	one.Segment, two.Segment = "1/2", "2/2"
	var out strings.Builder
	if err := Segments(&out, []*load.Result{one, two}, Look{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "segments.txt", out.String())
}

// What cannot be printed is an error that says what it was.
func TestTextsFail(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	for name, err := range map[string]error{
		"report":   Report(w, finished(), false, Look{}),
		"diff":     Diff(w, load.Diff(finished(), finished(), 0.1), Look{}),
		"segments": Segments(w, []*load.Result{finished()}, Look{}),
	} {
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
