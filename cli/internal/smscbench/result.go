package smscbench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run has shown. Rates are of the time in which messages were submitted;
// counts are of all.
type Result struct {
	Binds        int  `json:"binds"`
	Window       int  `json:"window"`
	WithReceipts bool `json:"with_receipts"`

	Submitting      float64 `json:"submitting_s"` // how long messages were submitted
	Seconds         float64 `json:"seconds"`      // and until nothing more was to come
	SubmitsPerSec   float64 `json:"submits_per_s"`
	ReceiptsPerSec  float64 `json:"receipts_per_s"`
	DeliveredPerSec float64 `json:"delivered_per_s"`

	Answered  int64 `json:"answered"`  // submit_sm with ESME_ROK
	Refused   int64 `json:"refused"`   // and with another status
	Open      int64 `json:"open"`      // and not at all
	Delivered int64 `json:"delivered"` // deliver_sm at the receivers
	Matched   int64 `json:"matched"`   // receipts of messages that were answered, the first of each
	Missing   int64 `json:"missing"`   // messages that were answered and have no receipt
	Stray     int64 `json:"stray"`     // receipts of no message that was answered, or second ones

	Latency Latency `json:"latency_us"`

	CPU    time.Duration `json:"-"`          // of this process
	CPUPer float64       `json:"cpu_us_per"` // answered submit_sm
}

// Latency is of submit_sm to submit_sm_resp, in microseconds.
type Latency struct {
	P50  int64 `json:"p50"`
	P90  int64 `json:"p90"`
	P99  int64 `json:"p99"`
	P999 int64 `json:"p999"`
	Max  int64 `json:"max"`
}

// measured notes what came within the time of submitting.
func (r *Result) measured(b *bench, took time.Duration) {
	r.Submitting = took.Seconds()
	r.SubmitsPerSec = float64(b.answered.Load()) / r.Submitting
	r.DeliveredPerSec = float64(b.took.Load()) / r.Submitting
	if b.ledger != nil {
		r.ReceiptsPerSec = float64(b.ledger.matched.Load()) / r.Submitting
	}
}

// total notes all that came. All connections are closed.
func (r *Result) total(b *bench) {
	r.Answered, r.Refused, r.Open, r.Delivered = b.answered.Load(), b.refused.Load(), b.open.Load(), b.took.Load()
	if b.ledger != nil {
		r.Matched = b.ledger.matched.Load()
		r.Missing, r.Stray = b.ledger.rest()
	}
	if r.Answered > 0 {
		r.CPUPer = float64(r.CPU.Microseconds()) / float64(r.Answered)
	}
	all := newHistogram()
	for _, c := range b.all {
		if c.latency != nil {
			all.Merge(c.latency)
		}
	}
	r.Latency = Latency{
		P50: all.ValueAtQuantile(50), P90: all.ValueAtQuantile(90), P99: all.ValueAtQuantile(99),
		P999: all.ValueAtQuantile(99.9), Max: all.Max(),
	}
}

// newHistogram is of latencies in microseconds, up to a minute, to one part in a hundred.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 2)
}
