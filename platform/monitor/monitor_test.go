package monitor_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/monitor"
	"github.com/airtill/airtill/platform/webhook"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Each part says by itself what is wrong with it, and one that is not well makes the
// platform unready.
func TestHealth(t *testing.T) {
	well := monitor.Parts{
		Engine:  func() []engine.Status { return []engine.Status{{Serving: true}, {Partition: 1, Serving: true}} },
		Carrier: func() esme.Status { return esme.Status{Bound: true, Since: noon, Window: 100, InUse: 3} },
		Store:   func(context.Context) error { return nil },
		Disk:    func() (uint64, error) { return 1 << 30, nil },
	}
	tests := map[string]struct {
		change func(m *monitor.Monitor, p *monitor.Parts)
		want   api.Part
	}{
		"partitions": {func(_ *monitor.Monitor, p *monitor.Parts) {
			p.Engine = func() []engine.Status {
				return []engine.Status{{Serving: true}, {Partition: 7, Why: errors.New("take: connection refused")}, {Partition: 9}}
			}
		}, api.Part{Name: "partitions", Detail: "2 of 3 are not taken, [p07 p09] of them: take: connection refused"}},
		"carrier": {func(_ *monitor.Monitor, p *monitor.Parts) {
			p.Carrier = func() esme.Status { return esme.Status{Since: noon, Why: errors.New("esme: dial: refused")} }
		}, api.Part{Name: "carrier", Detail: "not bound since 2026-11-23T12:00:00Z: esme: dial: refused"}},
		"store away": {func(_ *monitor.Monitor, p *monitor.Parts) {
			p.Store = func(context.Context) error { return errors.New("connection reset") }
		}, api.Part{Name: "store", Detail: "does not answer: connection reset"}},
		"store silent": {func(_ *monitor.Monitor, p *monitor.Parts) {
			p.Store = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		}, api.Part{Name: "store", Detail: "does not answer: context deadline exceeded"}},
		"disk full": {func(_ *monitor.Monitor, p *monitor.Parts) { p.Disk = func() (uint64, error) { return 63 << 20, nil } },
			api.Part{Name: "disk", Detail: "63 MiB free"}},
		"disk gone": {func(_ *monitor.Monitor, p *monitor.Parts) {
			p.Disk = func() (uint64, error) { return 0, errors.New("no such directory") }
		},
			api.Part{Name: "disk", Detail: "no such directory"}},
		"draining": {func(m *monitor.Monitor, _ *monitor.Parts) { m.Drain("the platform is stopping") },
			api.Part{Name: "draining", Detail: "the platform is stopping"}},
		"all is well": {func(*monitor.Monitor, *monitor.Parts) {}, api.Part{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, parts := monitor.New(), well
				tt.change(m, &parts)
				m.Watch(parts)
				var wrong []api.Part
				for _, part := range m.Health(t.Context()) {
					if !part.OK {
						wrong = append(wrong, part)
					}
				}
				want := []api.Part{tt.want}
				if tt.want.Name == "" {
					want = nil
				}
				if diff := cmp.Diff(want, wrong); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
	if all := monitor.New().Health(t.Context()); len(all) != 0 {
		t.Errorf("of nothing: %+v", all)
	}
}

// sample is a line of the text format: name, labels, value.
var sample = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? (\S+)$`)

// Read reads the text format 0.0.4 strictly: each metric has HELP and TYPE once, in front
// of all its samples, counters alone end in _total, and no sample is there twice.
func read(t *testing.T, text string) map[string]float64 {
	t.Helper()
	all, kinds, current := make(map[string]float64), make(map[string]string), ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.SplitN(line, " ", 4)
		switch {
		case words[0] == "#" && words[1] == "HELP":
			if current = words[2]; kinds[current] != "" || len(words) < 4 || words[3] == "" {
				t.Errorf("%q", line)
			}
		case words[0] == "#" && words[1] == "TYPE":
			kinds[words[2]] = words[3]
			if words[2] != current || (words[3] == "counter") != strings.HasSuffix(current, "_total") {
				t.Errorf("%q", line)
			}
		default:
			m := sample.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%q", line)
			}
			name := m[1]
			if kinds[current] == "histogram" {
				name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			}
			value, err := strconv.ParseFloat(m[3], 64)
			if _, twice := all[m[1]+m[2]]; twice || name != current || err != nil {
				t.Errorf("%q after %s", line, current)
			}
			all[m[1]+m[2]] = value
		}
	}
	return all
}

// The numbers are those of the parts.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := monitor.New()
		m.Watch(monitor.Parts{
			Engine: func() []engine.Status {
				return []engine.Status{
					{Serving: true, Queue: 7, Waiting: 2 * time.Second, Effects: 3, Outstanding: time.Minute, Wakes: 11, Overdue: 4 * time.Second},
					{Partition: 1},
				}
			},
			Carrier: func() esme.Status { return esme.Status{Bound: true, Window: 100, InUse: 42} },
			Callbacks: func() webhook.Stats {
				return webhook.Stats{Delivered: 5, Failed: 2, Skipped: 1, Refused: 9, Took: 3 * time.Second, Waiting: 6, Active: 8, Paused: 1}
			},
			Tally: func(context.Context) (billing.Tallied, error) {
				return billing.Tallied{
					States: map[fsm.State]int{"paid": 4, "opened": 2}, Pending: 3, Oldest: time.Now().Add(-time.Hour), Exhausted: 2, Endpoints: 2, Disabled: 1,
				}, errors.New("partition p01: not available")
			},
			Drops: func() map[billing.Drop]uint64 { return map[billing.Drop]uint64{billing.DropForged: 13} },
		})
		m.Committed(0, engine.Commit{Took: 2 * time.Millisecond, Inputs: 3, Events: 5})
		m.Committed(1, engine.Commit{Took: 30 * time.Second, Inputs: 600, Events: 1})
		m.Committed(1, engine.Commit{Err: engine.ErrDoubt})
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		got := read(t, w.Body.String())
		for name, want := range map[string]float64{
			"airtill_ready": 0, "airtill_commits_failed_total": 1, "airtill_journal_events_total": 6,
			`airtill_commit_seconds_bucket{le="0.001"}`: 0, `airtill_commit_seconds_bucket{le="0.0025"}`: 1, `airtill_commit_seconds_bucket{le="10"}`: 1,
			`airtill_commit_seconds_bucket{le="+Inf"}`: 2, "airtill_commit_seconds_sum": 30.002, "airtill_commit_seconds_count": 2,
			`airtill_commit_inputs_bucket{le="4"}`: 1, "airtill_commit_inputs_sum": 603,
			`airtill_partition_serving{partition="p00"}`: 1, `airtill_partition_serving{partition="p01"}`: 0, `airtill_partition_queue{partition="p00"}`: 7,
			`airtill_partition_lag_seconds{partition="p00"}`: 2, `airtill_partition_effects{partition="p00"}`: 3,
			`airtill_partition_effects_oldest_seconds{partition="p00"}`: 60, `airtill_partition_deadlines{partition="p00"}`: 11, `airtill_partition_overdue_seconds{partition="p00"}`: 4,
			"airtill_carrier_bound": 1, "airtill_carrier_window": 100, "airtill_carrier_window_used": 42,
			`airtill_callback_attempts_total{outcome="acknowledged"}`: 5, `airtill_callback_attempts_total{outcome="failed"}`: 2,
			`airtill_callback_attempts_total{outcome="skipped"}`: 1, `airtill_callback_attempts_total{outcome="refused"}`: 9,
			"airtill_callback_attempt_seconds_total": 3, "airtill_callbacks_waiting": 6, "airtill_callbacks_active": 8, "airtill_callback_endpoints_paused": 1,
			"airtill_tally_complete": 0, `airtill_bills{state="paid"}`: 4, `airtill_bills{state="opened"}`: 2, "airtill_callbacks_pending": 3,
			"airtill_callbacks_pending_oldest_seconds": 3600, "airtill_callbacks_exhausted": 2, "airtill_callback_endpoints_failing": 2, "airtill_callback_endpoints_disabled": 1,
			`airtill_packets_dropped_total{reason="not authentic"}`: 13,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v (there: %t), want %v", name, value, ok, want)
			}
		}
	})
}
