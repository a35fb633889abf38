package monitor

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway/metrics"
	"github.com/airtill/airtill/platform/billing"
)

// tallyTime bounds the asking of the partitions.
const tallyTime = 2 * time.Second

// ServeHTTP answers with the metrics, in Prometheus' text format.
func (m *Monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Gather(r.Context()).Write(w)
}

// Gather asks the parts for their numbers. What a part cannot tell now is left out.
func (m *Monitor) Gather(ctx context.Context) metrics.Exposition {
	var e metrics.Exposition
	ready := metrics.Series{Value: 1}
	for _, part := range m.Health(ctx) {
		if !part.OK {
			ready.Value = 0
		}
	}
	e.Add("ready", "Whether orders and messages can be taken: 1, or 0 while readyz says why not.", ready)
	e.AddHistogram("commit_seconds", "How long it took to keep a batch.", m.took)
	e.AddHistogram("commit_inputs", "How many inputs were answered with one batch.", m.inputs)
	e.Add("commits_failed_total", "Batches that were not kept, or of which that is not known.", metrics.Series{Value: float64(m.failed.Load())})
	e.Add("journal_events_total", "Events that were kept.", metrics.Series{Value: float64(m.events.Load())})
	if m.parts.Engine != nil {
		addPartitions(&e, m.parts.Engine())
	}
	if m.parts.Carrier != nil {
		s := m.parts.Carrier()
		e.Add("carrier_bound", "Whether the platform is bound at the carrier.", metrics.Series{Value: oneIf(s.Bound)})
		e.Add("carrier_window", "How many requests to the carrier may be unanswered.", metrics.Series{Value: float64(s.Window)})
		e.Add("carrier_window_used", "How many requests to the carrier are unanswered.", metrics.Series{Value: float64(s.InUse)})
	}
	m.addCallbacks(&e)
	if m.parts.Tally != nil {
		m.addTally(ctx, &e)
	}
	if m.parts.Drops != nil {
		addDrops(&e, m.parts.Drops())
	}
	return e
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func addPartitions(e *metrics.Exposition, all []engine.Status) {
	gauge := func(name, help string, of func(engine.Status) float64) {
		series := make([]metrics.Series, 0, len(all))
		for _, s := range all {
			series = append(series, metrics.Series{Labels: metrics.Labels("partition", s.Partition.String()), Value: of(s)})
		}
		e.Add(name, help, series...)
	}
	gauge("partition_serving", "Whether this process serves the partition.", func(s engine.Status) float64 { return oneIf(s.Serving) })
	gauge("partition_queue", "Inputs that wait.", func(s engine.Status) float64 { return float64(s.Queue) })
	gauge("partition_lag_seconds", "How long the oldest input has waited.", func(s engine.Status) float64 { return s.Waiting.Seconds() })
	gauge("partition_effects", "Effects that are not done.", func(s engine.Status) float64 { return float64(s.Effects) })
	gauge("partition_effects_oldest_seconds", "How long the oldest effect has been outstanding.", func(s engine.Status) float64 { return s.Outstanding.Seconds() })
	gauge("partition_deadlines", "Deadlines that are kept.", func(s engine.Status) float64 { return float64(s.Wakes) })
	gauge("partition_overdue_seconds", "How long the first deadline is overdue.", func(s engine.Status) float64 { return s.Overdue.Seconds() })
}

func (m *Monitor) addCallbacks(e *metrics.Exposition) {
	if m.parts.Callbacks == nil {
		return
	}
	s := m.parts.Callbacks()
	outcome := func(what string, n uint64) metrics.Series {
		return metrics.Series{Labels: metrics.Labels("outcome", what), Value: float64(n)}
	}
	e.Add("callback_attempts_total", "Callbacks to merchants by what became of them.",
		outcome("acknowledged", s.Delivered), outcome("failed", s.Failed), outcome("skipped", s.Skipped), outcome("refused", s.Refused))
	e.Add("callback_attempt_seconds_total", "Time spent waiting for merchants.", metrics.Series{Value: s.Took.Seconds()})
	e.Add("callbacks_waiting", "Attempts that wait for their turn.", metrics.Series{Value: float64(s.Waiting)})
	e.Add("callbacks_active", "Attempts that are under way.", metrics.Series{Value: float64(s.Active)})
	e.Add("callback_endpoints_paused", "Endpoints that are left in peace for a while.", metrics.Series{Value: float64(s.Paused)})
}

// addTally asks the partitions that are served here. Of a bill that nothing was about since
// its partition was taken over only its deadline is known: it is asleep.
func (m *Monitor) addTally(ctx context.Context, e *metrics.Exposition) {
	ctx, cancel := context.WithTimeout(ctx, tallyTime)
	defer cancel()
	t, err := m.parts.Tally(ctx)
	e.Add("tally_complete", "Whether all partitions have told the numbers that follow.", metrics.Series{Value: oneIf(err == nil)})
	var states []metrics.Series
	if t.Asleep > 0 {
		states = append(states, metrics.Series{Labels: metrics.Labels("state", "asleep"), Value: float64(t.Asleep)})
	}
	for state, n := range t.States {
		states = append(states, metrics.Series{Labels: metrics.Labels("state", string(state)), Value: float64(n)})
	}
	e.Add("bills", "Live bills by state; those that were not read since a takeover are asleep.", sorted(states)...)
	e.Add("callbacks_pending", "Callbacks that have failed and are made again.", metrics.Series{Value: float64(t.Pending)})
	oldest := 0.0
	if !t.Oldest.IsZero() {
		oldest = max(0, time.Since(t.Oldest).Seconds())
	}
	e.Add("callbacks_pending_oldest_seconds", "How long ago the oldest of their bills ended.", metrics.Series{Value: oldest})
	e.Add("callbacks_exhausted", "Callbacks that are made by hand only.", metrics.Series{Value: float64(t.Exhausted)})
	e.Add("callback_endpoints_failing", "Endpoints that do not take callbacks.", metrics.Series{Value: float64(t.Endpoints)})
	e.Add("callback_endpoints_disabled", "Endpoints that are disabled.", metrics.Series{Value: float64(t.Disabled)})
}

func addDrops(e *metrics.Exposition, drops map[billing.Drop]uint64) {
	var all []metrics.Series
	for why, n := range drops {
		all = append(all, metrics.Series{Labels: metrics.Labels("reason", string(why)), Value: float64(n)})
	}
	e.Add("packets_dropped_total", "Packets from phones that were dropped without an answer.", sorted(all)...)
}

func sorted(all []metrics.Series) []metrics.Series {
	slices.SortFunc(all, func(a, b metrics.Series) int { return strings.Compare(a.Labels, b.Labels) })
	return all
}
