package load

import "time"

// Threshold is what a run must keep to, as in pay.p99<2s.
type Threshold struct {
	text   string
	metric metric
	op     string
	value  float64 // ms, a share, bills a second, or a count
}

// String is the threshold as it was asked.
func (t Threshold) String() string { return t.text }

// ParseThreshold reads the text of --threshold: a metric, one of < <= > >= ==, and a
// value.
//
//	pay.p99<2s     a step, or lag, and min mean p50 p75 p90 p95 p99 p99.9 or max
//	failed<1%      failed, dropped, lost or a cause: a share, or a count
//	rate>=990/s    bills begun in a second
func ParseThreshold(s string) (Threshold, error) { return parseThreshold(s) }

// Unit is of Judged.Got: "ms", "%" (a share: 0.01 is 1 %), "/s", or "" for a count.
func (t Threshold) Unit() string { return t.metric.unit }

// Over judges a whole run. A latency of which nothing was measured is not kept.
func (t Threshold) Over(r *Result) Judged { return t.over(r) }

// Now judges a run under way, by what was due after the warm-up. Of what nothing was
// measured yet is kept.
func (t Threshold) Now(s *Snapshot) Judged { return t.now(s) }

// Broken lists the thresholds that a run under way does not keep; before it has run for
// after, the warm-up not counted, none. It serves --abort-on-fail and --abort-after.
func Broken(thresholds []Threshold, s *Snapshot, after time.Duration) []Judged {
	return broken(thresholds, s, after)
}
