package load

import (
	"fmt"
	"time"
)

// Limits of the generator. Over one of them a run says nothing about the system.
const (
	LagLimit     = 100 * time.Millisecond // of the lag's p99
	LagFloor     = 20 * time.Millisecond  // up to which a lag's p99 is of no account
	LagShare     = 0.10                   // of the latency's p99 that may be lag, over the floor
	StallLimit   = 100 * time.Millisecond // over which the watchdog counts a stall
	StallShare   = 0.01                   // of the run that the generator may be held up in all, unless that is under LagShare of the latency's p99
	MissingShare = 0.01                   // of the bills due that need not be begun
)

// Judge sets what is concluded from the rest of a result: HeldRate, Thresholds, Verdict
// and Why.
//
// The verdict is the first of these that holds:
//
//   - inconsistent: bills were lost, or the auditor found differences.
//   - interrupted: somebody ended the run before its time.
//   - inconclusive, as the generator could not keep up: its lag, which is how long after a
//     bill was due it was begun, had a p99 over LagLimit, or over LagFloor and over
//     LagShare of the p99 of what it measured (end to end without the time people took;
//     else pay, else end to end); or the watchdog was held up for more than StallShare of
//     the run, so that the p99 may be the generator's own (unless all of it is less than
//     LagShare of that p99: no bill can have waited longer for it); or bills over MissingShare of
//     those due were neither begun nor dropped; or none was begun. Bills of a closed model
//     are due when they begin, so of these only the watchdog speaks there.
//   - failed: a threshold was not kept.
//   - inconclusive, as too much was dropped: bills over MissingShare of those due were
//     dropped, since too many were in flight. These were not measured, and the others look
//     better for it. It is the system that did not give bills back in time, so what
//     failed all the same has failed.
//   - passed.
//
// A climb goes on until a rate does not hold: if one did before, what the generator lagged
// or dropped was its end, and not its failure.
//
// A system that stops has no part in the generator's lag: the generator goes on to begin
// what is due, and its waiting shows in the latency, which counts from the due time.
func (r *Result) Judge(thresholds []Threshold) { r.judge(thresholds, false) }

// JudgeInterrupted is Judge for a run that somebody ended before its time.
func (r *Result) JudgeInterrupted(thresholds []Threshold) { r.judge(thresholds, true) }

func (r *Result) judge(thresholds []Threshold, interrupted bool) {
	wrong, behind, dropped := r.inconsistencies(), r.generatorFaults(), r.droppedTooMany()
	r.HeldRate = len(behind) == 0 && len(dropped) == 0
	broken := r.judgeThresholds(thresholds)
	if r.Best > 0 {
		behind, dropped = nil, nil
	}
	var stopped []string
	if interrupted {
		stopped = []string{"the run was ended before its time"}
	}
	r.Verdict, r.Why = Passed, nil
	for _, c := range []struct {
		verdict string
		why     []string
	}{{Inconsistent, wrong}, {Interrupted, stopped}, {Inconclusive, behind}, {Failed, broken}, {Inconclusive, dropped}} {
		if len(c.why) > 0 && r.Verdict == Passed {
			r.Verdict = c.verdict
		}
		r.Why = append(r.Why, c.why...)
	}
}

// judgeThresholds notes what became of each, and says what was not kept.
func (r *Result) judgeThresholds(thresholds []Threshold) (broken []string) {
	r.Thresholds = []Judged{}
	for _, t := range thresholds {
		j := t.Over(r)
		r.Thresholds = append(r.Thresholds, j)
		if !j.Kept {
			broken = append(broken, t.sentence(r, j))
		}
	}
	return broken
}

func (t Threshold) sentence(r *Result, j Judged) string {
	if _, any := t.got(r.figures()); !any {
		return fmt.Sprintf("threshold %s: nothing was measured", t)
	}
	return fmt.Sprintf("threshold %s: it was %s", t, FigureText(j.Got, t.Unit()))
}

// FigureText writes a figure with its unit, which is one of Threshold.Unit: 1.25s, 0.8%,
// 990/s, 12.
func FigureText(v float64, unit string) string {
	switch unit {
	case unitMS:
		return latencyText(v)
	case unitShare:
		return fmt.Sprintf("%.3g%%", v*100)
	case unitRate:
		return fmt.Sprintf("%.4g/s", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// latencyText writes milliseconds to three digits.
func latencyText(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	unit := time.Microsecond
	for _, u := range []time.Duration{100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		if d >= 100*u {
			unit = u
		}
	}
	return d.Round(unit).String()
}

func (r *Result) inconsistencies() (why []string) {
	if r.Lost > 0 {
		why = append(why, fmt.Sprintf("%s lost", bills(r.Lost)))
	}
	if n := len(r.Audit.Differences); n > 0 {
		why = append(why, fmt.Sprintf("the auditor found %s, first: %s", count(int64(n), "difference"), r.Audit.Differences[0]))
	}
	return why
}

func bills(n int64) string { return count(n, "bill") }

// count is 1 bill, or 2 bills.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// generatorFaults says why the generator could not keep up, if so.
func (r *Result) generatorFaults() (why []string) {
	say := func(format string, args ...any) {
		why = append(why, "the generator could not keep up: "+fmt.Sprintf(format, args...))
	}
	lag, measured := r.Generator.Lag.P99, r.measured()
	switch {
	case lag > milliseconds(LagLimit):
		say("bills began late, by %s at p99", latencyText(lag))
	case lag > milliseconds(LagFloor) && lag > LagShare*measured && measured > 0:
		say("bills began late, by %s at p99, over %.0f%% of the latency of %s", latencyText(lag), LagShare*100, latencyText(measured))
	}
	if held := r.Generator.Stalled; held > StallShare*1000*r.Seconds && held > LagShare*measured {
		say("it was held up for %s in all, over %.0f%% of the run%s", latencyText(held), StallShare*100, r.Generator.longest())
	}
	t := r.Totals
	if missing := t.Due - t.Begun - t.Dropped; float64(missing) > MissingShare*float64(t.Due) {
		say("%s of %d due were not begun", bills(missing), t.Due)
	}
	if t.Begun == 0 && t.Dropped == 0 {
		say("no bill was begun")
	}
	return why
}

// longest says when the generator was held up for longest.
func (g *Generator) longest() string {
	if g.StallEnd == 0 {
		return ""
	}
	return fmt.Sprintf("; for %s at a time, until %.1f s after the start", latencyText(g.StallMax), g.StallEnd)
}

// measured is the p99 that lag is held against.
func (r *Result) measured() float64 {
	for _, step := range []Step{System, Pay, E2E} {
		if p := r.step(step).Ladder.P99; p > 0 {
			return p
		}
	}
	return 0
}

func (r *Result) droppedTooMany() []string {
	t := r.Totals
	if float64(t.Dropped) <= MissingShare*float64(t.Due) {
		return nil
	}
	return []string{fmt.Sprintf("%s of %d due were dropped, as too many were in flight: what was measured looks better for it", bills(t.Dropped), t.Due)}
}
