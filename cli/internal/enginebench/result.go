package enginebench

import (
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/airtill/airtill/fsm/enginetest/till"
)

// Result is what a run has shown. What was not measured, because the run ended before,
// is zero.
type Result struct {
	Store      string  `json:"store"`      // embedded, a directory, or a URL without its password
	Fsync      string  `json:"fsync"`      // as found: always, everysec, no; off when there is no file; unknown
	Partitions int     `json:"partitions"` // and connections
	InFlight   int     `json:"in_flight"`  // bills, in a closed loop
	Rate       float64 `json:"rate"`       // bills to begin in a second, in an open loop
	Processors int     `json:"processors"` // that this process used at a time

	Seconds   float64 `json:"seconds"`     // in which bills were begun
	Bills     int64   `json:"bills"`       // that came through
	Errors    int64   `json:"errors"`      // bills that did not
	BillsPerS float64 `json:"bills_per_s"` // within Seconds

	ReplayedBills int64   `json:"replayed_bills"` // all, or as many as there was room to record
	ReplayPerS    float64 `json:"replay_per_s"`
	Ratio         float64 `json:"ratio"` // of the two

	P50  float64 `json:"p50_ms"` // of a step, until it was answered
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`

	RedisCPUPer  float64 `json:"redis_cpu_us_per_bill"` // of an embedded store: of the process, in the replay
	GoCPUPer     float64 `json:"go_cpu_us_per_bill"`    // of this process, an embedded store's with it
	ReplayCPUPer float64 `json:"replay_cpu_us_per_bill"`

	BytesPer       float64 `json:"bytes_per_bill"` // to the store
	StepsPerCommit float64 `json:"steps_per_commit"`
	LoadAverage    float64 `json:"load_average"` // of the machine, over the minute before; zero is not known
}

func newResult(c *Config, fsync string) *Result {
	return &Result{
		Store: c.shown(), Fsync: fsync, Partitions: c.Partitions, InFlight: c.InFlight, Rate: c.Rate, Processors: c.processors(), LoadAverage: loadAverage(),
	}
}

// measured notes what the engine did.
func (r *Result) measured(report till.Report, used cost, latency *hdrhistogram.Histogram) {
	r.Bills, r.Errors, r.Seconds = report.Bills, report.Errors, report.Took.Seconds()
	r.BillsPerS = float64(report.Within) / r.Seconds
	ms := func(quantile float64) float64 { return float64(latency.ValueAtQuantile(quantile)) / 1000 }
	r.P50, r.P99, r.P999 = ms(50), ms(99), ms(99.9)
	r.RedisCPUPer, r.GoCPUPer = per(used.server, r.Bills), per(used.process, r.Bills)
}

// recorded notes what the store was sent, and how much of it can be sent again.
func (r *Result) recorded(commits int, sent, kept int64) {
	if r.Bills == 0 || commits == 0 {
		return
	}
	r.BytesPer = float64(sent) / float64(r.Bills)
	r.StepsPerCommit = float64(till.Steps*r.Bills) / float64(commits)
	r.ReplayedBills = int64(math.Round(float64(kept) / r.BytesPer))
}

// replayed notes what the same bytes took.
func (r *Result) replayed(took time.Duration, used cost) {
	if took == 0 || r.ReplayedBills == 0 {
		return
	}
	r.ReplayPerS = float64(r.ReplayedBills) / took.Seconds()
	r.Ratio = r.BillsPerS / r.ReplayPerS
	r.ReplayCPUPer = per(used.server+used.process, r.ReplayedBills)
	if used.server == 0 {
		r.RedisCPUPer = r.ReplayCPUPer
	}
}

// per is microseconds a bill.
func per(d time.Duration, bills int64) float64 {
	return float64(d.Microseconds()) / float64(max(1, bills))
}

// newHistogram is of latencies in microseconds, up to a minute, to one part in a hundred.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 2)
}

// loadAverage is how many processes ran or wanted to, over the last minute.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0 // not Linux
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
