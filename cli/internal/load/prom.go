package load

import (
	"fmt"
	"io"

	"github.com/airtill/airtill/gateway/metrics"
)

// WriteProm writes a snapshot in Prometheus' text format, of metrics.ContentType. At the
// end of the warm-up the counters begin anew.
func WriteProm(w io.Writer, s *Snapshot) error {
	if _, err := io.WriteString(w, Metrics(s).String()); err != nil {
		return fmt.Errorf("write the metrics: %w", err)
	}
	return nil
}

// Metrics is a snapshot as Prometheus reads it.
func Metrics(s *Snapshot) metrics.Exposition {
	var e metrics.Exposition
	one := func(name, help string, v float64) { e.Add("load_"+name, help, metrics.Series{Value: v}) }
	one("bills_due_total", "Bills that came due.", float64(s.Totals.Due))
	one("bills_dropped_total", "Bills that were due and not begun, since too many were in flight.", float64(s.Totals.Dropped))
	one("bills_begun_total", "Bills that were sent to the platform.", float64(s.Totals.Begun))
	one("bills_ok_total", "Bills that ended as their people would have it.", float64(s.Totals.OK))
	one("bills_failed_total", "Bills that ended otherwise.", float64(s.Totals.Failed))
	one("in_flight", "Bills begun and not ended.", float64(s.Last.InFlight))
	one("handsets", "Handsets that are enrolled.", float64(s.Handsets))
	one("handsets_active", "Handsets that have a bill before them.", float64(s.Active))
	one("rate_asked", "Bills a second that are asked for.", s.Last.Asked)
	one("rate_begun", "Bills a second that were begun in the last interval.", s.Last.Begun)
	one("rate_done", "Bills a second that ended in the last interval.", s.Last.Done)
	one("lag_p99_seconds", "How long after they were due bills began, in the last interval.", s.Last.Lag/1000)
	one("cpu_cores", "Cores that the generator's process uses.", s.Last.CPU)
	one("server_cpu_cores", "Cores that the system under test uses, when it is another process.", s.Last.Server)
	one("elapsed_seconds", "Time since the start.", s.Elapsed.Seconds())
	e.Add("load_failures_total", "Bills that failed, by cause.", causeSeries(s.Causes)...)
	addSteps(&e, s.Steps)
	return e
}

func causeSeries(causes map[Cause]int64) []metrics.Series {
	var all []metrics.Series
	for _, cause := range Causes() {
		all = append(all, metrics.Series{Labels: metrics.Labels("cause", string(cause)), Value: float64(causes[cause])})
	}
	return all
}

func addSteps(e *metrics.Exposition, steps []StepNow) {
	var counts, failed, latency []metrics.Series
	for _, s := range steps {
		step := string(s.Step)
		labels := metrics.Labels("step", step)
		counts = append(counts, metrics.Series{Labels: labels, Value: float64(s.Count)})
		failed = append(failed, metrics.Series{Labels: labels, Value: float64(s.Failed)})
		for _, q := range []struct {
			name string
			ms   float64
		}{{"0.5", s.Ladder.P50}, {"0.95", s.Ladder.P95}, {"0.99", s.Ladder.P99}, {"0.999", s.Ladder.P999}, {"1", s.Ladder.Max}} {
			latency = append(latency, metrics.Series{Labels: metrics.Labels("step", step, "quantile", q.name), Value: q.ms / 1000})
		}
	}
	e.Add("load_steps_total", "Bills that came to a step.", counts...)
	e.Add("load_steps_failed_total", "Bills that failed at a step.", failed...)
	e.Add("load_latency_seconds", "Latency of a step since the start.", latency...)
}
