package page

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/airtill/airtill/cli/internal/load"
)

// sample is a run that never was: 1,000 bills a second, due evenly, and at 10 s a system
// that stands still for two.
type sample struct {
	random  *rand.Rand
	rate    int
	seconds int
	slow    float64 // times as long as each answer takes
}

// sampleBill is one bill: when it was due and over, in seconds, and how long its steps took,
// in milliseconds.
type sampleBill struct {
	due, over float64
	steps     map[load.Step]float64
	cause     load.Cause
}

const (
	freezeFrom = 10.0
	freezeTo   = 12.0
)

func newSample(seed uint64, rate, seconds int) *sample {
	return &sample{random: rand.New(rand.NewPCG(seed, seed)), rate: rate, seconds: seconds, slow: 1}
}

// lognormal is a time around the median, in milliseconds.
func (s *sample) lognormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*s.random.NormFloat64())
}

func (s *sample) bill(due float64) sampleBill {
	held := 0.0
	if due >= freezeFrom && due < freezeTo {
		held = 1000*(freezeTo-due) + 200*(due-freezeFrom) // and what piled up is worked off
	}
	b := sampleBill{due: due, steps: map[load.Step]float64{}}
	took := func(median float64) float64 { return s.slow * s.lognormal(median, 0.35) }
	b.steps[load.Create] = held + took(1.8)
	b.steps[load.Push] = b.steps[load.Create] + took(2.2)
	b.steps[load.DLR] = b.steps[load.Push] + took(1.5)
	think := s.lognormal(1500, 0.6)
	b.steps[load.Pay] = b.steps[load.Push] + took(6)
	b.steps[load.Reply] = b.steps[load.Pay] - took(0.5)
	b.steps[load.Callback] = took(3)
	b.steps[load.E2E] = b.steps[load.Pay] + think + b.steps[load.Callback]
	b.steps[load.System] = b.steps[load.Pay] + b.steps[load.Callback]
	b.over = due + b.steps[load.E2E]/1000
	switch at := s.random.Float64(); {
	case at < 0.004:
		b.cause = load.Expired
	case at < 0.006:
		b.cause = load.DLRUndelivered
	case at < 0.007 || held > 1500 && at < 0.2:
		b.cause = load.SubmitThrottled
	}
	return b
}

func (s *sample) result(t testing.TB) *load.Result {
	t.Helper()
	r := &load.Result{
		Version: load.ResultVersion, Name: "freeze", Labels: map[string]string{"branch": "main", "host": "two-cores"},
		Command: "airtill load --rate 1000/s --duration 30s --handsets 10000 --seed 18446744073709551615 --threshold 'pay.p99<500ms' --name freeze",
		Seed:    18446744073709551615, Model: load.Open, Started: time.Date(2026, 11, 28, 6, 30, 0, 0, time.UTC),
		Seconds: float64(s.seconds), RateAsked: float64(s.rate), Rate: float64(s.rate), HeldRate: true,
		Asked: load.Asked{Rate: "1000/s", Handsets: 10000, Duration: "30s", Arrivals: "uniform", Mix: "pay=85,ignore=8,decline=4,badpin=3",
			Think: "1.5s~lognormal(0.6)", Channel: "sms", MaxInFlight: 10000, Warmup: "3s", Target: "embedded network"},
		Generator: load.Generator{Lag: load.Ladder{P50: 0.06, P99: 1.4, Max: 3.1}, CPU: 0.82, Server: 0.31, GCPauseMax: 0.4, HeapMB: 212, Files: 61},
		Audit:     load.Audit{Done: true},
		Thresholds: []load.Judged{
			{Threshold: "pay.p99<500ms", Got: 1893, Kept: false},
			{Threshold: "failed<2%", Got: 0.0102, Kept: true},
			{Threshold: "rate>950/s", Got: 1000, Kept: true},
		},
		Verdict: load.Failed, Why: []string{"pay.p99<500ms: it was 1.89 s"},
		Environment: load.Environment{Airtill: "0.6.0", Go: "go1.26.8", System: "linux/amd64", Cores: 2, Store: "redis 7.0.15, appendfsync everysec", Load: 1.7},
		Files:       []string{"freeze.json", "freeze.html"}, Causes: map[load.Cause]int64{},
	}
	var bills []sampleBill
	for i := range s.rate * s.seconds {
		bills = append(bills, s.bill(float64(i)/float64(s.rate)))
	}
	s.steps(t, r, bills)
	s.intervals(r, bills)
	r.Totals.Due, r.Totals.Begun = int64(len(bills)), int64(len(bills))
	return r
}

func (s *sample) steps(t testing.TB, r *load.Result, bills []sampleBill) {
	t.Helper()
	for _, step := range load.Steps() {
		h := hdrhistogram.New(1, 60_000_000, 3)
		for _, b := range bills {
			if err := h.RecordValue(int64(b.steps[step] * 1000)); err != nil {
				t.Fatal(err)
			}
		}
		text, err := h.EncodeV2()
		if err != nil {
			t.Fatal(err)
		}
		r.Steps = append(r.Steps, load.StepResult{Step: step, Count: h.TotalCount(), Histogram: string(text), Ladder: ladderOfHistogram(h)})
	}
}

// everything is a histogram of latencies from a microsecond to an hour, so many that its text
// is about as long as one gets.
func (s *sample) everything(t testing.TB) string {
	t.Helper()
	h := hdrhistogram.New(1, time.Hour.Microseconds(), 3)
	for range 200_000 {
		if err := h.RecordValues(int64(math.Exp(s.random.Float64()*math.Log(3.6e9))), 1+s.random.Int64N(1000)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := h.EncodeV2()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ladderOfHistogram(h *hdrhistogram.Histogram) load.Ladder {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return load.Ladder{Min: float64(h.Min()) / 1000, Mean: h.Mean() / 1000, P50: at(50), P75: at(75), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1000}
}

// intervals counts bills into seconds by when they were over.
func (s *sample) intervals(r *load.Result, bills []sampleBill) {
	for at := 1; at <= s.seconds; at++ {
		i := load.Interval{At: float64(at), Warmup: at <= 3, Asked: float64(s.rate), Begun: float64(s.rate), Heat: make([]int64, 20),
			Lag: s.lognormal(0.8, 0.4), CPU: 0.7 + 0.2*s.random.Float64(), Server: 0.3 + 0.1*s.random.Float64(), Causes: map[load.Cause]int64{}}
		var pay, e2e []float64
		for _, b := range bills {
			if b.due < i.At && b.over >= i.At {
				i.InFlight++
			}
			if b.over < i.At-1 || b.over >= i.At {
				continue
			}
			if b.cause != "" {
				i.Causes[b.cause]++
				r.Causes[b.cause]++
				r.Totals.Failed++
				continue
			}
			r.Totals.OK++
			pay, e2e = append(pay, b.steps[load.Pay]), append(e2e, b.steps[load.E2E])
			i.Heat[max(0, min(len(i.Heat)-1, int(math.Log2(b.steps[load.E2E]*8))))]++
		}
		i.Done = float64(len(e2e))
		i.Pay, i.E2E = ladderOfSlice(pay), ladderOfSlice(e2e)
		r.Intervals = append(r.Intervals, i)
	}
	r.Totals.InFlight = int64(len(bills)) - r.Totals.OK - r.Totals.Failed
}

func ladderOfSlice(of []float64) load.Ladder {
	if len(of) == 0 {
		return load.Ladder{}
	}
	slices.SortFunc(of, cmp.Compare)
	at := func(q float64) float64 { return of[min(len(of)-1, int(q*float64(len(of))))] }
	sum := 0.0
	for _, v := range of {
		sum += v
	}
	return load.Ladder{Min: of[0], Mean: sum / float64(len(of)), P50: at(.5), P75: at(.75), P90: at(.9), P95: at(.95), P99: at(.99), P999: at(.999), Max: of[len(of)-1]}
}

func base(t testing.TB) *load.Result {
	t.Helper()
	return newSample(7, 500, 20).result(t)
}

// slower is a run after base, in which all takes longer.
func slower(t testing.TB) *load.Result {
	t.Helper()
	s := newSample(8, 500, 25)
	s.slow = 1.6
	r := s.result(t)
	r.Name, r.Environment.Airtill = "freeze, with a new store", "0.7.0"
	return r
}

// sampleDiff is of no two runs: it has a figure of each kind.
var sampleDiff = &load.Difference{
	Base: "freeze", New: "freeze, with a new store", Tolerance: 0.1, Verdict: load.Worse,
	Rows: []load.Change{
		{Name: "rate", Unit: "/s", Base: 500, New: 500, Judged: true, Is: load.Same},
		{Name: "failed", Unit: "%", Base: 0.012, New: 0.009, Change: -0.25, Judged: true, Is: load.Better},
		{Name: "pay.p50", Unit: "ms", Base: 10.4, New: 16.8, Change: 0.615, Judged: true, Is: load.Worse},
		{Name: "pay.max", Unit: "ms", Base: 2010, New: 2043, Change: 0.016, Is: load.Same},
		{Name: "stalls", Base: 0, New: 2, Is: load.Worse},
	},
	Notes: []string{"airtill was 0.6.0, and is 0.7.0", "the run was 20 s, and is 25 s"},
}

// short is a run of one interval, whose names are out to break the page.
func short(t testing.TB) *load.Result {
	t.Helper()
	r := newSample(9, 400, 4).result(t)
	r.Intervals = r.Intervals[3:]
	r.Name = hostile
	r.Labels = map[string]string{hostile: hostile}
	r.Command = "airtill load --name '" + hostile + "'"
	r.Why = []string{hostile}
	r.Causes[hostile], r.Intervals[0].Causes[hostile] = 3, 3
	r.Audit.Differences = []string{hostile}
	r.Verdict = load.Inconsistent
	r.Climb = []load.Rung{{Rate: 1000, Held: true, P99: 12.5}, {Rate: 1500, Why: "pay.p99<500ms: " + hostile, P99: 3210}}
	r.Best = 1000
	return r
}

const hostile = "</script><script>alert(1)</script>\"><img src=http://example.com/x onerror=alert(1)>\u2028<!--"
