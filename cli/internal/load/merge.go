package load

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Merge makes one result of the segments of one run. It says why they are not of one run,
// if so. Segments may be missing: Segment of what comes out says which are in it, as in
// 1+2/4, and is empty when all are.
//
// Counts and histograms add up exactly, and the verdict is reached anew from the sums.
// Latencies of an interval are those of the slowest segment, since an interval keeps no
// histogram. Rates that are asked for are of the whole run in every segment.
func Merge(results ...*Result) (*Result, error) {
	if len(results) == 0 {
		return nil, errors.New("merge: no results were given")
	}
	sum := clone(results[0])
	var thresholds []Threshold
	for _, j := range sum.Thresholds {
		t, err := ParseThreshold(j.Threshold)
		if err != nil {
			return nil, fmt.Errorf("merge: result 1: %w", err)
		}
		thresholds = append(thresholds, t)
	}
	for i, r := range results[1:] {
		if err := sum.belongs(r); err != nil {
			return nil, fmt.Errorf("merge: result %d does not belong to the first: %w", i+2, err)
		}
		if err := sum.merge(r); err != nil {
			return nil, fmt.Errorf("merge: result %d: %w", i+2, err)
		}
	}
	if len(results) > 1 {
		sum.Command = segmentFlag.ReplaceAllString(sum.Command, "")
		sum.judge(thresholds, sum.Verdict == Interrupted)
	}
	return sum, nil
}

var segmentFlag = regexp.MustCompile(` --segment[ =]\S+`)

// clone copies what merge changes.
func clone(r *Result) *Result {
	c := *r
	c.Labels, c.Causes = maps.Clone(r.Labels), copyCauses(r.Causes)
	c.Steps, c.Intervals, c.Climb, c.Files = slices.Clone(r.Steps), slices.Clone(r.Intervals), slices.Clone(r.Climb), slices.Clone(r.Files)
	c.Audit.Differences = append([]string{}, r.Audit.Differences...)
	return &c
}

// segments is which parts of a run a result has.
type segments struct {
	in []int // in order
	of int
}

// parseSegments reads Result.Segment: 1/4, or 1+2/4 of a merged one.
func parseSegments(text string) (segments, error) {
	list, of, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(of)
	if !ok || err != nil || n < 1 {
		return segments{}, fmt.Errorf("segment %q is not as in 1/4", text)
	}
	s := segments{of: n}
	for k := range strings.SplitSeq(list, "+") {
		i, err := strconv.Atoi(k)
		if err != nil || i < 1 || i > n {
			return segments{}, fmt.Errorf("segment %q is not as in 1/4", text)
		}
		s.in = append(s.in, i)
	}
	return s, nil
}

// String is "" when all are in it.
func (s segments) String() string {
	if len(s.in) == s.of {
		return ""
	}
	names := make([]string, len(s.in))
	for i, k := range s.in {
		names[i] = strconv.Itoa(k)
	}
	return fmt.Sprintf("%s/%d", strings.Join(names, "+"), s.of)
}

// with joins two sets of segments of one run.
func (s segments) with(o segments) (segments, error) {
	if s.of != o.of {
		return segments{}, fmt.Errorf("it is of %d segments, not %d", o.of, s.of)
	}
	for _, k := range o.in {
		if slices.Contains(s.in, k) {
			return segments{}, fmt.Errorf("segment %d/%d is there already", k, s.of)
		}
	}
	in := slices.Concat(s.in, o.in)
	slices.Sort(in)
	return segments{in: in, of: s.of}, nil
}

// belongs says why another result is not of the same run.
func (r *Result) belongs(o *Result) error {
	for _, c := range []struct {
		what      string
		mine, his any
	}{
		{"version", r.Version, o.Version}, {"seed", r.Seed, o.Seed}, {"model", r.Model, o.Model}, {"thresholds", texts(r.Thresholds), texts(o.Thresholds)},
	} {
		if !reflect.DeepEqual(c.mine, c.his) {
			return fmt.Errorf("its %s is %v, not %v", c.what, c.his, c.mine)
		}
	}
	if different := r.Asked.differ(o.Asked); len(different) > 0 {
		return errors.New("it was asked for something else: " + different[0])
	}
	if r.Segment == "" || o.Segment == "" {
		return errors.New("only segments of one run add up (airtill load --segment 1/4), and one of these is a whole run; to compare runs, see airtill load diff")
	}
	if gap := o.Started.Sub(r.Started).Abs().Seconds(); gap > max(r.Seconds, o.Seconds) {
		return fmt.Errorf("it began %.0f s apart, so the two did not load the system together", gap)
	}
	return nil
}

func texts(judged []Judged) []string {
	all := []string{}
	for _, j := range judged {
		all = append(all, j.Threshold)
	}
	return all
}

// merge adds a result that belongs.
func (r *Result) merge(o *Result) error {
	if err := r.mergeSegments(o); err != nil {
		return err
	}
	if err := r.mergeSteps(o); err != nil {
		return err
	}
	if err := r.Generator.merge(o.Generator); err != nil {
		return err
	}
	if o.Started.Before(r.Started) {
		r.Started = o.Started
	}
	r.Seconds = max(r.Seconds, o.Seconds)
	r.Totals = r.Totals.plus(o.Totals)
	r.Lost += o.Lost
	r.RateAsked += o.RateAsked
	r.Rate += o.Rate
	for cause, n := range o.Causes {
		r.Causes[cause] += n
	}
	r.Intervals = mergeIntervals(r.Intervals, o.Intervals)
	r.mergeClimb(o)
	r.Audit.merge(o.Audit)
	r.Files = slices.Compact(slices.Sorted(slices.Values(slices.Concat(r.Files, o.Files))))
	if o.Verdict == Interrupted {
		r.Verdict = Interrupted
	}
	return nil
}

func (r *Result) mergeSegments(o *Result) error {
	mine, err := parseSegments(r.Segment)
	if err != nil {
		return err
	}
	theirs, err := parseSegments(o.Segment)
	if err != nil {
		return err
	}
	both, err := mine.with(theirs)
	r.Segment = both.String()
	return err
}

// mergeSteps adds the steps of both, in their order.
func (r *Result) mergeSteps(o *Result) error {
	var all []StepResult
	for _, step := range Steps() {
		a, b := r.step(step), o.step(step)
		h, text, err := mergeHistograms(a.Histogram, b.Histogram)
		if err != nil {
			return fmt.Errorf("step %s: %w", step, err)
		}
		all = append(all, StepResult{Step: step, Count: a.Count + b.Count, Failed: a.Failed + b.Failed, Ladder: ladder(h), Histogram: text, Unseen: unseenBoth(a, b)})
	}
	r.Steps = all
	return nil
}

// unseenBoth is why a step was timed in neither of two runs.
func unseenBoth(a, b StepResult) string {
	if a.Count+b.Count > 0 || a.Unseen == "" {
		return ""
	}
	return a.Unseen
}

func mergeHistograms(a, b string) (*hdrhistogram.Histogram, string, error) {
	var sum *hdrhistogram.Histogram
	for _, text := range []string{a, b} {
		h, err := decode(text)
		if err != nil {
			return nil, "", err
		}
		addHistogram(&sum, h)
	}
	return sum, encode(sum), nil
}

// merge adds another generator. What each is held up for adds nothing to the other, so
// the one that did worst speaks for both.
func (g *Generator) merge(o Generator) error {
	h, text, err := mergeHistograms(g.LagHistogram, o.LagHistogram)
	if err != nil {
		return fmt.Errorf("lag: %w", err)
	}
	worst := o.StallEnd
	if g.StallMax >= o.StallMax {
		worst = g.StallEnd
	}
	*g = Generator{
		Lag: ladder(h), LagHistogram: text, CPU: g.CPU + o.CPU, Server: max(g.Server, o.Server),
		GCPauseMax: max(g.GCPauseMax, o.GCPauseMax), HeapMB: g.HeapMB + o.HeapMB, Files: g.Files + o.Files,
		Stalls: g.Stalls + o.Stalls, Stalled: max(g.Stalled, o.Stalled), StallMax: max(g.StallMax, o.StallMax), StallEnd: worst,
	}
	return nil
}

func (a *Audit) merge(o Audit) {
	a.Done = a.Done && o.Done
	if a.Why == "" {
		a.Why = o.Why
	}
	for _, d := range o.Differences {
		if !slices.Contains(a.Differences, d) { // books that both looked at
			a.Differences = append(a.Differences, d)
		}
	}
}

// mergeIntervals adds the intervals one by one; a longer run's last ones stay as they are.
func mergeIntervals(a, b []Interval) []Interval {
	if len(a) < len(b) {
		a, b = b, a
	}
	sum := slices.Clone(a)
	for i := range b {
		sum[i] = a[i].plus(b[i])
	}
	return sum
}

func (i Interval) plus(o Interval) Interval {
	sum := Interval{
		At: max(i.At, o.At), Warmup: i.Warmup && o.Warmup, Asked: max(i.Asked, o.Asked), Begun: i.Begun + o.Begun, Done: i.Done + o.Done,
		Dropped: i.Dropped + o.Dropped, InFlight: i.InFlight + o.InFlight, Lag: max(i.Lag, o.Lag), CPU: i.CPU + o.CPU, Server: max(i.Server, o.Server),
		E2E: i.E2E.slower(o.E2E), Pay: i.Pay.slower(o.Pay), Causes: copyCauses(i.Causes), Heat: make([]int64, max(len(i.Heat), len(o.Heat))),
	}
	for cause, n := range o.Causes {
		sum.Causes[cause] += n
	}
	for bucket := range sum.Heat {
		for _, heat := range [][]int64{i.Heat, o.Heat} {
			if bucket < len(heat) {
				sum.Heat[bucket] += heat[bucket]
			}
		}
	}
	return sum
}

// slower takes the worse of two latencies, figure by figure. Of one that has nothing in it,
// the other is.
func (l Ladder) slower(o Ladder) Ladder {
	least := min(l.Min, o.Min)
	if l == (Ladder{}) || o == (Ladder{}) {
		least = max(l.Min, o.Min)
	}
	return Ladder{
		Min: least, Mean: max(l.Mean, o.Mean), P50: max(l.P50, o.P50), P75: max(l.P75, o.P75), P90: max(l.P90, o.P90),
		P95: max(l.P95, o.P95), P99: max(l.P99, o.P99), P999: max(l.P999, o.P999), Max: max(l.Max, o.Max),
	}
}

// mergeClimb keeps the rungs that both were on: a rate held if it did in both, the last
// time that it was tried.
func (r *Result) mergeClimb(o *Result) {
	rungs := r.Climb[:min(len(r.Climb), len(o.Climb))]
	held := make(map[float64]bool)
	for i, their := range o.Climb[:len(rungs)] {
		mine := &rungs[i]
		if mine.Rate != their.Rate { // from here on each went its own way
			rungs = rungs[:i]
			break
		}
		mine.P99 = max(mine.P99, their.P99)
		if mine.Held && !their.Held {
			mine.Held, mine.Why = false, their.Why
		}
		held[mine.Rate] = mine.Held
	}
	r.Best = 0
	for rate, did := range held {
		if did {
			r.Best = max(r.Best, rate)
		}
	}
	r.Climb = rungs
}
