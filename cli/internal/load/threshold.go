package load

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Threshold is what a run must keep to, as in pay.p99<2s.
type Threshold struct {
	text   string
	metric metric
	op     string
	value  float64 // in the metric's unit
}

// metric is a figure of a run.
type metric struct {
	step Step   // of a latency; "lag" is the generator's
	stat string // of a latency: p99
	name string // of others: failed, dropped, lost, rate or a cause
	unit string
}

// The units of figures.
const (
	unitMS    = "ms"
	unitShare = "%" // as a share of 1
	unitRate  = "/s"
	unitCount = ""
)

// generatorLag takes the place of a step.
const generatorLag Step = "lag"

// String is the threshold as it was asked.
func (t Threshold) String() string { return t.text }

// Unit is of Judged.Got: "ms", "%" (a share: 0.01 is 1 %), "/s", or "" for a count.
func (t Threshold) Unit() string { return t.metric.unit }

var thresholdForm = regexp.MustCompile(`^([a-z0-9_.]+)\s*(<=|>=|==|<|>)\s*(\S+)$`)

// ParseThreshold reads the text of --threshold: a metric, one of < <= > >= ==, and a
// value.
//
//	pay.p99<2s     a step, or lag, and min mean p50 p75 p90 p95 p99 p99.9 or max
//	failed<1%      failed, dropped, lost or a cause: a share, or a count
//	rate>=990/s    bills begun in a second
//
// A share is of the bills begun; of dropped, of those due.
func ParseThreshold(s string) (Threshold, error) {
	t, err := parseThreshold(strings.TrimSpace(s))
	if err != nil {
		return Threshold{}, fmt.Errorf("--threshold %q: %w", s, err)
	}
	return t, nil
}

func parseThreshold(s string) (Threshold, error) {
	parts := thresholdForm.FindStringSubmatch(s)
	if parts == nil {
		return Threshold{}, fmt.Errorf("write it as pay.p99<2s, failed<1%%, dropped==0 or rate>=990/s")
	}
	m, err := parseMetric(parts[1])
	if err != nil {
		return Threshold{}, err
	}
	t := Threshold{text: s, metric: m, op: parts[2]}
	switch {
	case m.stat != "":
		t.value, err = parseLatency(parts[3])
	case m.name == "rate":
		t.value, err = parsePerSecond(parts[3])
	default:
		t.value, t.metric.unit, err = parseCount(parts[3])
	}
	return t, err
}

func parseMetric(s string) (metric, error) {
	step, stat, isLatency := strings.Cut(s, ".")
	switch {
	case !isLatency && s == "rate":
		return metric{name: s, unit: unitRate}, nil
	case !isLatency && (slices.Contains([]string{"failed", "dropped"}, s) || slices.Contains(Causes(), Cause(s))):
		return metric{name: s, unit: unitCount}, nil
	case !isLatency && isStep(Step(s)):
		return metric{}, fmt.Errorf("which figure of %s? write it as %s.p99<2s", s, s)
	case !isLatency:
		return metric{}, fmt.Errorf("no figure %q: choose a step (%s) or lag with a percentile, as in pay.p99, or failed, dropped, lost, rate or a cause", s, stepNames())
	case !isStep(Step(step)):
		return metric{}, fmt.Errorf("no step %q: choose from %s, lag", step, stepNames())
	}
	if _, ok := (Ladder{}).at(stat); !ok {
		return metric{}, fmt.Errorf("no %q of a latency: choose from min, mean, p50, p75, p90, p95, p99, p99.9, max", stat)
	}
	return metric{step: Step(step), stat: stat, unit: unitMS}, nil
}

func isStep(s Step) bool { return s == generatorLag || slices.Contains(Steps(), s) }

func stepNames() string {
	names := make([]string, 0, len(Steps()))
	for _, s := range Steps() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// at is a figure of the ladder, in milliseconds.
func (l Ladder) at(stat string) (ms float64, ok bool) {
	ms, ok = map[string]float64{
		"min": l.Min, "mean": l.Mean, "avg": l.Mean, "p50": l.P50, "med": l.P50, "p75": l.P75, "p90": l.P90, "p95": l.P95,
		"p99": l.P99, "p99.9": l.P999, "p999": l.P999, "max": l.Max,
	}[stat]
	return ms, ok
}

func parseLatency(s string) (float64, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time: write it as 500ms or 2s", s)
	}
	return float64(d) / float64(time.Millisecond), nil
}

func parsePerSecond(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "/s"), 64)
	if err != nil || !sane(v) {
		return 0, fmt.Errorf("%q is not a rate: write it as 990/s", s)
	}
	return v, nil
}

func parseCount(s string) (v float64, unit string, err error) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		if v, err = strconv.ParseFloat(number, 64); err == nil && sane(v) && v <= 100 {
			return v / 100, unitShare, nil
		}
	} else if n, err := strconv.ParseUint(s, 10, 53); err == nil {
		return float64(n), unitCount, nil
	}
	return 0, "", fmt.Errorf("%q is not a share or a count: write it as 1%% or 0", s)
}

func sane(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

// figures is what thresholds are about, of a whole run or of one under way.
type figures struct {
	latency func(Step) (l Ladder, any bool)
	totals  Totals
	causes  map[Cause]int64
	lost    int64
	rate    float64
}

func (r *Result) figures() figures {
	return figures{totals: r.Totals, causes: r.Causes, lost: r.Lost, rate: r.Rate, latency: func(step Step) (Ladder, bool) {
		if step == generatorLag {
			return r.Generator.Lag, r.Totals.Begun > 0
		}
		s := r.step(step)
		return s.Ladder, timed(s.Ladder, s.Count, s.Failed)
	}}
}

// timed says whether a step has any latency: one that did not fail always has.
func timed(l Ladder, count, failed int64) bool { return count > failed || l.Max > 0 }

// step is what came of a step; of one that is not there, nothing.
func (r *Result) step(step Step) StepResult {
	for _, s := range r.Steps {
		if s.Step == step {
			return s
		}
	}
	return StepResult{Step: step}
}

func (s *Snapshot) figures() figures {
	f := figures{totals: s.Totals, causes: s.Causes, lost: s.Causes[Lost], rate: perSecond(s.Totals.Begun, s.Elapsed-s.Warmup)}
	f.latency = func(step Step) (Ladder, bool) {
		if step == generatorLag {
			return s.Lag, s.Totals.Begun > 0
		}
		for _, now := range s.Steps {
			if now.Step == step {
				return now.Ladder, timed(now.Ladder, now.Count, now.Failed)
			}
		}
		return Ladder{}, false
	}
	return f
}

// got is the threshold's figure; any says whether there is something to judge.
func (t Threshold) got(f figures) (got float64, any bool) {
	if t.metric.stat != "" {
		l, any := f.latency(t.metric.step)
		got, _ = l.at(t.metric.stat)
		return got, any
	}
	n, of := f.causes[Cause(t.metric.name)], f.totals.Begun
	switch t.metric.name {
	case "rate":
		return f.rate, true
	case "failed":
		n = f.totals.Failed
	case "lost":
		n = f.lost
	case "dropped":
		n, of = f.totals.Dropped, f.totals.Due
	}
	if t.metric.unit == unitShare {
		return share(n, of), of > 0
	}
	return float64(n), true
}

// share is a part of a whole; of nothing, 0.
func share(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func (t Threshold) kept(got float64) bool {
	switch t.op {
	case "<":
		return got < t.value
	case "<=":
		return got <= t.value
	case ">":
		return got > t.value
	case ">=":
		return got >= t.value
	}
	return got == t.value
}

// Over judges a whole run. Of what nothing was measured, a latency is not kept.
func (t Threshold) Over(r *Result) Judged {
	got, any := t.got(r.figures())
	return Judged{Threshold: t.text, Got: got, Kept: t.kept(got) && (any || t.metric.stat == "")}
}

// Now judges a run under way, by what was due after the warm-up. Of what nothing was
// measured yet is kept.
func (t Threshold) Now(s *Snapshot) Judged {
	got, any := t.got(s.figures())
	return Judged{Threshold: t.text, Got: got, Kept: t.kept(got) || !any}
}

// Broken lists the thresholds that a run under way does not keep; before it has run for
// after, the warm-up not counted, none. It serves --abort-on-fail and --abort-after.
func Broken(thresholds []Threshold, s *Snapshot, after time.Duration) []Judged {
	if s.Elapsed <= s.Warmup || s.Elapsed-s.Warmup < after {
		return nil
	}
	var all []Judged
	for _, t := range thresholds {
		if j := t.Now(s); !j.Kept {
			all = append(all, j)
		}
	}
	return all
}
