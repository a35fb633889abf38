package metrics_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/metrics"
)

// Prometheus, "Exposition formats": HELP and TYPE before the samples; buckets are cumulative.
func TestExposition(t *testing.T) {
	h := metrics.NewHistogram(0.001, 0.5)
	for _, d := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second} {
		h.ObserveTime(d)
	}
	var e metrics.Exposition
	e.Add("things", "What there is.", metrics.Series{Value: 3})
	e.Add("acts_total", "What was done.", metrics.Series{Labels: metrics.Labels("kind", "a\"b\\c\n"), Value: 1e9})
	e.Add("acts_total", "", metrics.Series{Labels: metrics.Labels("kind", "d", "by", "e"), Value: 0.5})
	e.AddHistogram("took_seconds", "How long it took.", h)
	w := httptest.NewRecorder()
	e.Write(w)
	const want = `# HELP airtill_things What there is.
# TYPE airtill_things gauge
airtill_things 3
# HELP airtill_acts_total What was done.
# TYPE airtill_acts_total counter
airtill_acts_total{kind="a\"b\\c\n"} 1e+09
airtill_acts_total{kind="d",by="e"} 0.5
# HELP airtill_took_seconds How long it took.
# TYPE airtill_took_seconds histogram
airtill_took_seconds_bucket{le="0.001"} 1
airtill_took_seconds_bucket{le="0.5"} 3
airtill_took_seconds_bucket{le="+Inf"} 4
airtill_took_seconds_sum 3.503
airtill_took_seconds_count 4
`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Header().Get("Content-Type") != metrics.ContentType {
		t.Error(diff, w.Header())
	}
}
