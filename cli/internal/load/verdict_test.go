package load

import (
	"slices"
	"strings"
	"testing"
)

// good is a run that passes.
func good() *Result {
	return &Result{
		Seconds: 10, Rate: 100, Totals: Totals{Due: 1000, Begun: 1000, OK: 1000},
		Steps:     []StepResult{{Step: Pay, Count: 1000, Ladder: Ladder{P50: 20, P99: 300, Max: 320}}},
		Generator: Generator{Lag: Ladder{P99: 1}}, Audit: Audit{Done: true},
	}
}

func TestJudge(t *testing.T) {
	broken := "pay.p99<100ms"
	for name, c := range map[string]struct {
		change      func(*Result)
		threshold   string
		interrupted bool
		verdict     string
		held        bool
		why         string // the first
		more        int    // whys after it
	}{
		"nothing wrong":                {verdict: Passed, held: true},
		"a threshold kept":             {threshold: "pay.p99<1s", verdict: Passed, held: true},
		"a threshold broken":           {threshold: broken, verdict: Failed, held: true, why: "threshold pay.p99<100ms: it was 300ms"},
		"a threshold of nothing":       {threshold: "dlr.p99<1s", verdict: Failed, held: true, why: "threshold dlr.p99<1s: nothing was measured"},
		"lag over 100 ms":              {change: func(r *Result) { r.Generator.Lag.P99 = 101 }, verdict: Inconclusive, why: "could not keep up: bills began late, by 101ms at p99"},
		"lag of a tenth":               {change: func(r *Result) { r.Generator.Lag.P99 = 31 }, verdict: Inconclusive, why: "by 31ms at p99, over 10% of the latency of 300ms"},
		"lag under a tenth":            {change: func(r *Result) { r.Generator.Lag.P99 = 29 }, verdict: Passed, held: true},
		"little lag of little":         {change: func(r *Result) { r.Generator.Lag.P99 = 19; r.Steps[0].Ladder.P99 = 20 }, verdict: Passed, held: true},
		"a stall of a hundredth":       {change: func(r *Result) { r.Generator.Stalled = 100 }, verdict: Passed, held: true},
		"a stall of more":              {change: func(r *Result) { r.Generator.Stalled = 101 }, verdict: Inconclusive, why: "it was held up for 101ms in all, over 1% of the run"},
		"a stall when all was slow":    {change: func(r *Result) { r.Generator.Stalled = 300; r.Steps[0].Ladder.P99 = 3001 }, verdict: Passed, held: true},
		"a stall, and when":            {change: func(r *Result) { g := &r.Generator; g.Stalled, g.StallMax, g.StallEnd = 2100, 2000, 7.3 }, verdict: Inconclusive, why: "over 1% of the run; for 2s at a time, until 7.3 s after the start"},
		"not begun":                    {change: func(r *Result) { r.Totals.Begun = 980 }, verdict: Inconclusive, why: "20 bills of 1000 due were not begun"},
		"nearly all begun":             {change: func(r *Result) { r.Totals.Begun = 990 }, verdict: Passed, held: true},
		"none begun":                   {change: func(r *Result) { r.Totals = Totals{} }, verdict: Inconclusive, why: "no bill was begun"},
		"dropped":                      {change: drop11, verdict: Inconclusive, why: "11 bills of 1000 due were dropped"},
		"dropped, and failed":          {change: drop11, threshold: broken, verdict: Failed, why: "threshold pay.p99<100ms", more: 1},
		"all dropped":                  {change: func(r *Result) { r.Totals = Totals{Due: 5, Dropped: 5} }, verdict: Inconclusive, why: "5 bills of 5 due were dropped"},
		"lag, and failed":              {change: func(r *Result) { r.Generator.Lag.P99 = 500 }, threshold: broken, verdict: Inconclusive, why: "could not keep up", more: 1},
		"lost":                         {change: func(r *Result) { r.Lost = 1; r.Generator.Lag.P99 = 500 }, threshold: broken, verdict: Inconsistent, why: "1 bill lost", more: 2},
		"lost two":                     {change: func(r *Result) { r.Lost = 2 }, verdict: Inconsistent, held: true, why: "2 bills lost"},
		"the auditor":                  {change: func(r *Result) { r.Audit.Differences = []string{"a is not b"} }, verdict: Inconsistent, held: true, why: "the auditor found 1 difference, first: a is not b"},
		"a climb's end":                {change: func(r *Result) { drop11(r); r.Generator.Lag.P99 = 500; r.Best = 50 }, verdict: Passed},
		"a climb that lost":            {change: func(r *Result) { r.Lost, r.Best = 1, 50 }, verdict: Inconsistent, held: true, why: "1 bill lost"},
		"interrupted":                  {interrupted: true, verdict: Interrupted, held: true, why: "ended before its time"},
		"interrupted, and failed":      {interrupted: true, threshold: broken, verdict: Interrupted, held: true, why: "ended before its time", more: 1},
		"interrupted, and lost":        {interrupted: true, change: func(r *Result) { r.Lost = 1 }, verdict: Inconsistent, held: true, why: "1 bill lost", more: 1},
		"dropped and lag, both are it": {change: func(r *Result) { drop11(r); r.Generator.Lag.P99 = 500 }, verdict: Inconclusive, why: "bills began late", more: 1},
	} {
		r := good()
		if c.change != nil {
			c.change(r)
		}
		var thresholds []Threshold
		if c.threshold != "" {
			thresholds = parsed(t, c.threshold)
		}
		if c.interrupted {
			r.JudgeInterrupted(thresholds)
		} else {
			r.Judge(thresholds)
		}
		reasons := 0
		if c.why != "" {
			reasons = 1 + c.more
		}
		if r.Verdict != c.verdict || r.HeldRate != c.held || len(r.Why) != reasons || reasons > 0 && !strings.Contains(r.Why[0], c.why) || len(r.Thresholds) != len(thresholds) {
			t.Errorf("%s: %s, held %v, %q; want %s, %v, %q and %d more", name, r.Verdict, r.HeldRate, r.Why, c.verdict, c.held, c.why, c.more)
		}
		was := *r
		if again := parsed(t, thresholdTexts(r)...); c.interrupted {
			r.JudgeInterrupted(again)
		} else {
			r.Judge(again)
		}
		if r.Verdict != was.Verdict || !slices.Equal(r.Why, was.Why) {
			t.Errorf("%s: judged again it is %s, %q", name, r.Verdict, r.Why)
		}
	}
}

func drop11(r *Result) { r.Totals.Begun, r.Totals.OK, r.Totals.Dropped = 989, 989, 11 }

func thresholdTexts(r *Result) []string { return texts(r.Thresholds) }

func TestFigureText(t *testing.T) {
	for want, got := range map[string]string{
		"1.23s": FigureText(1234, "ms"), "12.3ms": FigureText(12.34, "ms"), "123ms": FigureText(123.4, "ms"), "0s": FigureText(0, "ms"), "1m2.3s": FigureText(62345, "ms"),
		"456µs": FigureText(0.456, "ms"), "0.8%": FigureText(0.008, "%"), "990/s": FigureText(990, "/s"), "12": FigureText(12, ""),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
