// Package metrics writes metrics in Prometheus' text format 0.0.4.
//
// An [Exposition] is gathered anew for each reader, from numbers that others keep; a
// [Histogram] keeps its own. Names and help texts are the caller's: a name begins with
// airtill_, which is added, and ends in _total when it is a counter. A label's value is
// never a phone's number, a key or anything else of which there is no end.
package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ContentType is of the text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Series is a metric's value, for all or for one set of labels.
type Series struct {
	Labels string // as [Labels] writes them, or none
	Value  float64
}

// metric is a name with all its lines.
type metric struct {
	name, help, kind string
	lines            []line
}

// line is one sample; its name may go on from the metric's.
type line struct {
	suffix, labels string
	value          float64
}

// Exposition is metrics in the order they were added.
type Exposition []metric

// Add adds a metric, or more series to the one that was added last. It is a counter when
// its name ends in _total, and a gauge otherwise.
func (e *Exposition) Add(name, help string, all ...Series) {
	lines := make([]line, 0, len(all))
	for _, s := range all {
		lines = append(lines, line{labels: s.Labels, value: s.Value})
	}
	if last := len(*e) - 1; last >= 0 && (*e)[last].name == "airtill_"+name {
		(*e)[last].lines = append((*e)[last].lines, lines...)
		return
	}
	kind := "gauge"
	if strings.HasSuffix(name, "_total") {
		kind = "counter"
	}
	*e = append(*e, metric{"airtill_" + name, help, kind, lines})
}

// AddHistogram adds a histogram.
func (e *Exposition) AddHistogram(name, help string, h *Histogram) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []line
	var below uint64
	for i, bound := range h.bounds {
		below += h.counts[i]
		lines = append(lines, line{"_bucket", Labels("le", number(bound)), float64(below)})
	}
	lines = append(lines,
		line{"_bucket", Labels("le", "+Inf"), float64(h.count)},
		line{"_sum", "", h.sum}, line{"_count", "", float64(h.count)},
	)
	*e = append(*e, metric{"airtill_" + name, help, "histogram", lines})
}

// String is the text.
func (e Exposition) String() string {
	var b strings.Builder
	for _, m := range e {
		b.WriteString("# HELP " + m.name + " " + m.help + "\n# TYPE " + m.name + " " + m.kind + "\n")
		for _, l := range m.lines {
			b.WriteString(m.name + l.suffix + l.labels + " " + number(l.value) + "\n")
		}
	}
	return b.String()
}

// Write answers a request with the metrics.
func (e Exposition) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(e.String())) // a reader that went away has nothing to be told
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Labels writes pairs of names and values.
func Labels(pairs ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pairs[i]+`="`+escape.Replace(pairs[i+1])+`"`)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// Histogram counts values by how large they are. It is safe for concurrent use.
type Histogram struct {
	bounds []float64 // rising; each includes itself

	mu     sync.Mutex
	counts []uint64
	count  uint64
	sum    float64
}

// NewHistogram makes a histogram of buckets with these upper bounds, which rise.
func NewHistogram(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]uint64, len(bounds))}
}

// Observe counts a value.
func (h *Histogram) Observe(v float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	h.sum += v
	for i, bound := range h.bounds {
		if v <= bound {
			h.counts[i]++
			return
		}
	}
}

// ObserveTime counts a time, in seconds.
func (h *Histogram) ObserveTime(d time.Duration) { h.Observe(d.Seconds()) }
