// Package monitor tells how a platform is: whether it is ready, part by part and with the
// reasons, and in numbers, for a Prometheus.
//
// A [Monitor] keeps only what cannot be asked for afterwards, such as how long commits
// took; all else it asks the parts when somebody wants to know. No label holds a phone's
// number, a merchant's, or a key.
package monitor

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/metrics"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/webhook"
)

// Parts are what a platform consists of. Each may be nil.
type Parts struct {
	Engine    func() []engine.Status
	Carrier   func() esme.Status
	Store     func(ctx context.Context) error // reads a little
	Disk      func() (free uint64, err error) // where the store keeps its files
	Callbacks func() webhook.Stats
	Tally     func(ctx context.Context) (billing.Tallied, error)
	Drops     func() map[billing.Drop]uint64 // packets from phones
}

// Monitor looks after the parts. It is safe for concurrent use.
type Monitor struct {
	parts    Parts
	draining atomic.Pointer[string] // why

	took   *metrics.Histogram // of commits
	inputs *metrics.Histogram
	events atomic.Uint64
	failed atomic.Uint64 // commits
}

var _ engine.Observer = (*Monitor)(nil)

// New makes a monitor; Watch gives it something to look after.
func New() *Monitor {
	return &Monitor{
		took:   metrics.NewHistogram(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10),
		inputs: metrics.NewHistogram(0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
	}
}

// Watch has the monitor look after these parts. It is called before anybody asks.
func (m *Monitor) Watch(p Parts) { m.parts = p }

// Drain has the platform count as not ready from now on, and why.
func (m *Monitor) Drain(why string) { m.draining.Store(&why) }

// Committed implements [engine.Observer].
func (m *Monitor) Committed(_ engine.Partition, c engine.Commit) {
	if c.Err != nil {
		m.failed.Add(1)
		return
	}
	m.took.ObserveTime(c.Took)
	m.inputs.Observe(float64(c.Inputs))
	m.events.Add(uint64(c.Events))
}

// Bounds of what is well.
const (
	lookTime  = time.Second // that the store has to answer
	leastDisk = 64 << 20    // octets free
	mostNames = 4           // partitions that a reason names
)

// Health tells how the parts are, at once. It implements [api.Health].
func (m *Monitor) Health(ctx context.Context) []api.Part {
	parts := []api.Part{}
	if why := m.draining.Load(); why != nil {
		parts = append(parts, api.Part{Name: "draining", Detail: *why})
	}
	if m.parts.Engine != nil {
		parts = append(parts, partitions(m.parts.Engine()))
	}
	if m.parts.Carrier != nil {
		parts = append(parts, carrier(m.parts.Carrier()))
	}
	if m.parts.Store != nil {
		parts = append(parts, m.store(ctx))
	}
	if m.parts.Disk != nil {
		parts = append(parts, m.disk())
	}
	return parts
}

// partitions says which are not served, and why the first of them is not.
func partitions(all []engine.Status) api.Part {
	p := api.Part{Name: "partitions"}
	var names []string
	var why error
	serving, elsewhere := 0, 0
	for _, s := range all {
		switch {
		case s.Serving:
			serving++
			continue
		case s.Elsewhere:
			elsewhere++
			continue
		}
		if why == nil {
			why = s.Why
		}
		if len(names) < mostNames {
			names = append(names, s.Partition.String())
		}
	}
	missing := len(all) - serving - elsewhere
	p.OK, p.Detail = missing == 0, fmt.Sprintf("%d of %d serve", serving, len(all))
	if elsewhere > 0 {
		p.Detail += fmt.Sprintf(", %d elsewhere", elsewhere)
	}
	if missing > 0 {
		p.Detail = fmt.Sprintf("%d of %d are not taken, %v of them", missing, len(all), names)
		if why != nil {
			p.Detail += ": " + why.Error()
		}
	}
	return p
}

func carrier(s esme.Status) api.Part {
	p := api.Part{Name: "carrier", OK: s.Bound, Detail: fmt.Sprintf("bound since %s, %d of %d unanswered", since(s.Since), s.InUse, s.Window)}
	if !s.Bound {
		p.Detail = fmt.Sprintf("not bound since %s: %v", since(s.Since), s.Why)
	}
	return p
}

func since(at time.Time) string {
	if at.IsZero() {
		return "the start"
	}
	return at.UTC().Format(time.RFC3339)
}

func (m *Monitor) store(ctx context.Context) api.Part {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	began := time.Now()
	if err := m.parts.Store(ctx); err != nil {
		return api.Part{Name: "store", Detail: "does not answer: " + err.Error()}
	}
	return api.Part{Name: "store", OK: true, Detail: "answers in " + time.Since(began).Round(time.Microsecond).String()}
}

func (m *Monitor) disk() api.Part {
	free, err := m.parts.Disk()
	if err != nil {
		return api.Part{Name: "disk", Detail: err.Error()}
	}
	return api.Part{Name: "disk", OK: free >= leastDisk, Detail: fmt.Sprintf("%d MiB free", free>>20)}
}
