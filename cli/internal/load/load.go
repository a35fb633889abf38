// Package load has the nouns of a load test: what is asked of one, how it stands while it
// runs, and what came of it.
//
//	schedule ──▶ driver ──▶ Recorder ──▶ Snapshot, each interval ──▶ screen, prom
//	(when, who)  (bills)    (histograms)      └────▶ Result ──▶ report, page, diff, files
//
// Latency is counted from when a bill was due, not from when it was sent: what the system
// holds up is not left out (an open model). What the generator itself holds up is
// measured beside it, as its lag, and makes a run inconclusive, not fast.
package load

import "time"

// Step is one part of a bill's way that is timed.
type Step string

// The steps. Times are from when the bill was due, unless it says otherwise.
const (
	Create   Step = "create"   // to the platform's answer to the order
	Push     Step = "push"     // to the bill's message at the phone
	DLR      Step = "dlr"      // to the carrier's receipt for it, at the platform
	Reply    Step = "reply"    // to the carrier's answer to the phone's payment, without the time people took
	Pay      Step = "pay"      // to the money's having moved, without the time people took
	Callback Step = "callback" // from the money's having moved to the shop's 2xx for its callback
	E2E      Step = "e2e"      // to the shop's knowing the result, with the time people took
	System   Step = "system"   // the same without the time people took
)

// Steps lists them in the order in which they come.
func Steps() []Step { return []Step{Create, Push, DLR, Reply, Pay, Callback, E2E, System} }

// Cause is why a bill did not end as its phone's holder would have had it end.
type Cause string

// The causes. A bill that was refused, put off or let run out by a person whose habit that
// is has none.
const (
	SubmitThrottled   Cause = "submit_throttled"
	SubmitSysfail     Cause = "submit_sysfail"
	DLRUndelivered    Cause = "dlr_undeliv"
	Expired           Cause = "expired"
	Declined          Cause = "declined"
	BadPIN            Cause = "bad_pin"
	OrderRefused      Cause = "order_refused"
	OrderTimeout      Cause = "order_timeout"
	OrderUnknown      Cause = "order_unknown"
	CallbackTimeout   Cause = "callback_timeout"
	Callback5xx       Cause = "callback_5xx"
	CallbackMissing   Cause = "callback_missing"
	IllegalTransition Cause = "illegal_transition"
	Unfinished        Cause = "unfinished" // not at its end when the run was
	Lost              Cause = "lost"       // must be 0: ledger, bill and callback disagree in the end
)

// Causes lists them.
func Causes() []Cause {
	return []Cause{
		SubmitThrottled, SubmitSysfail, DLRUndelivered, Expired, Declined, BadPIN, OrderRefused, OrderTimeout, OrderUnknown,
		CallbackTimeout, Callback5xx, CallbackMissing, IllegalTransition, Unfinished, Lost,
	}
}

// The models of load.
const (
	Open   = "open"   // bills begin when they are due, however the others do
	Closed = "closed" // a bill begins when another is over: tails come out too good
)

// The verdicts of a run, and the status that each exits with.
const (
	Passed       = "passed"       // 0
	Failed       = "failed"       // 10: a threshold was not kept
	Inconclusive = "inconclusive" // 11: the generator could not keep up
	Inconsistent = "inconsistent" // 12: bills were lost, or the books are wrong
	Interrupted  = "interrupted"  // 130
)

// ExitStatus is what a verdict ends the process with.
func ExitStatus(verdict string) int {
	return map[string]int{Passed: 0, Failed: 10, Inconclusive: 11, Inconsistent: 12, Interrupted: 130}[verdict]
}

// ResultVersion is of Result's shape.
const ResultVersion = 1

// Result is what came of a run, as the file of --out json has it. Results of the segments
// of one run merge into one.
type Result struct {
	Version int               `json:"version"`
	Name    string            `json:"name"`
	Labels  map[string]string `json:"labels,omitempty"`
	Command string            `json:"command"` // that repeats it
	Seed    uint64            `json:"seed"`
	Model   string            `json:"model"`
	Segment string            `json:"segment,omitempty"` // 1/4
	Started time.Time         `json:"started"`
	Seconds float64           `json:"seconds"` // in which bills were begun, the warm-up left out
	Asked   Asked             `json:"asked"`

	Totals     Totals          `json:"totals"`
	Lost       int64           `json:"lost"`                // the one that must be 0
	RateAsked  float64         `json:"rate_asked"`          // bills due in a second, on average
	Rate       float64         `json:"rate_achieved"`       // bills begun in a second
	HeldRate   bool            `json:"held_rate"`           // the generator began what was due, when it was due
	Best       float64         `json:"best_rate,omitempty"` // of --find-max: the highest that held
	Steps      []StepResult    `json:"steps"`
	Causes     map[Cause]int64 `json:"causes"`
	Intervals  []Interval      `json:"intervals"`
	Climb      []Rung          `json:"climb,omitempty"` // of --step and --find-max
	Generator  Generator       `json:"generator"`
	Audit      Audit           `json:"audit"`
	Thresholds []Judged        `json:"thresholds"`
	Verdict    string          `json:"verdict"`
	Why        []string        `json:"why,omitempty"` // it is not passed

	Environment Environment `json:"environment"`
	Files       []string    `json:"files,omitempty"` // that were written
}

// Asked is what a run was told.
type Asked struct {
	Rate        string   `json:"rate,omitempty"`   // 200/s, or the stages
	Stages      []string `json:"stages,omitempty"` // 30s:50
	Users       int      `json:"users,omitempty"`
	Handsets    int      `json:"handsets"`
	Duration    string   `json:"duration,omitempty"`
	Bills       int64    `json:"bills,omitempty"`
	Arrivals    string   `json:"arrivals"`
	Mix         string   `json:"mix"`
	Think       string   `json:"think"`
	Channel     string   `json:"channel"`
	MaxInFlight int      `json:"max_in_flight"`
	Warmup      string   `json:"warmup,omitempty"`
	Target      string   `json:"target"` // "embedded network", or a URL
	Scenario    string   `json:"scenario,omitempty"`
	Profile     string   `json:"profile,omitempty"` // of the merchants
}

// Totals counts bills, those of the warm-up left out.
type Totals struct {
	Due      int64 `json:"due"`
	Dropped  int64 `json:"dropped"`   // due, but too many were in flight
	Begun    int64 `json:"begun"`     // sent to the platform
	OK       int64 `json:"ok"`        // ended as their people would have it
	Failed   int64 `json:"failed"`    // ended otherwise, or not
	InFlight int64 `json:"in_flight"` // at the end
}

// StepResult is the latency of one step.
type StepResult struct {
	Step   Step   `json:"step"`
	Count  int64  `json:"count"`
	Failed int64  `json:"failed"`
	Ladder Ladder `json:"latency_ms"`
	// Histogram has all of it in the compressed form of HdrHistogram (base64), in
	// microseconds; so results can be merged, and looked at more closely.
	Histogram string `json:"histogram"`
	// Unseen is why nobody could time the step in this run, which is not that nothing came
	// to it: "not seen at a target".
	Unseen string `json:"unseen,omitempty"`
}

// Ladder is a latency's percentiles, in milliseconds.
type Ladder struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Interval is one second, or another interval, of a run.
type Interval struct {
	At       float64         `json:"at_s"` // its end, since the start
	Warmup   bool            `json:"warmup,omitempty"`
	Asked    float64         `json:"rate_asked"`
	Begun    float64         `json:"rate_begun"`
	Done     float64         `json:"rate_done"`
	Dropped  int64           `json:"dropped"`
	InFlight int64           `json:"in_flight"`
	Lag      float64         `json:"lag_p99_ms"`       // of the generator
	CPU      float64         `json:"cpu"`              // cores that this process used
	Server   float64         `json:"cpu_server"`       // and the system under test, when it is another
	E2E      Ladder          `json:"e2e_ms"`           // of the bills that ended in it
	Pay      Ladder          `json:"pay_ms"`           // without the time people took
	Causes   map[Cause]int64 `json:"causes,omitempty"` // of the bills that ended in it
	Heat     []int64         `json:"heat,omitempty"`   // bills by latency end to end; bucket i is from 2^i ms / 8, the last is open
}

// Rung is one rate of a climb.
type Rung struct {
	Rate float64 `json:"rate"`
	Held bool    `json:"held"`
	Why  string  `json:"why,omitempty"`
	P99  float64 `json:"p99_ms"` // of what the threshold is about, end to end if of nothing
}

// Generator is how the load generator itself did. Lag is how long after it was due a bill
// was begun.
type Generator struct {
	Lag        Ladder  `json:"lag_ms"`
	CPU        float64 `json:"cpu"`        // cores, on average
	Server     float64 `json:"cpu_server"` // of the other processes of the system under test, when they are known
	GCPauseMax float64 `json:"gc_pause_max_ms"`
	HeapMB     float64 `json:"heap_mb"`
	Files      int     `json:"open_files"`
	Stalls     int64   `json:"stalls"` // times the watchdog, on its own clock, was held up over 100 ms
	// LagHistogram has all of Lag, as StepResult.Histogram has a step's.
	LagHistogram string  `json:"lag_histogram"`
	Stalled      float64 `json:"stalled_ms"`   // how long it was held up, in all
	StallMax     float64 `json:"stall_max_ms"` // and at most
	StallEnd     float64 `json:"stall_end_s"`  // when that longest one ended, since the start; 0: there was none
}

// Audit is what the auditor found in the end.
type Audit struct {
	Done        bool     `json:"done"`
	Why         string   `json:"why,omitempty"` // it was not
	Differences []string `json:"differences"`
}

// Judged is a threshold, and what became of it.
type Judged struct {
	Threshold string  `json:"threshold"` // as it was asked
	Got       float64 `json:"got"`       // in the threshold's unit: ms, a share, or bills/s
	Kept      bool    `json:"kept"`
}

// Environment is where a run was made.
type Environment struct {
	Airtill string  `json:"airtill"`
	Go      string  `json:"go"`
	System  string  `json:"system"` // linux/amd64
	Cores   int     `json:"cores"`
	Store   string  `json:"store"` // redis 7.0.15, appendfsync everysec
	Load    float64 `json:"load_average"`
}

// Snapshot is how a run stands, for those who watch it.
type Snapshot struct {
	Name     string
	Seed     uint64
	Model    string
	Phase    string // "enrol", "warm-up", "run", "drain", "audit", "done"
	Stage    string // of the rates, or the rung of a climb
	Elapsed  time.Duration
	Length   time.Duration // 0: it ends by count
	Paused   bool
	Handsets int // that are enrolled
	Active   int // that have a bill before them
	Totals   Totals
	Last     Interval // the one that just ended
	Steps    []StepNow
	Causes   map[Cause]int64
	Warmup   time.Duration // the first part of Elapsed, which Totals, Steps and Causes leave out once it is over
	Lag      Ladder        // of the generator, like Steps
}

// StepNow is a step since the start.
type StepNow struct {
	Step   Step
	Count  int64
	Failed int64
	Ladder Ladder
	Recent []float64 // p99 of the last intervals, in ms; 0 is none
}

// Order changes a run that is under way: a key of the live view, or airtill load ctl.
type Order struct {
	Kind string  // "rate", "rate+", "pause", "resume", "stop", "kill"
	Rate float64 // of "rate" the new one, of "rate+" what is added
}
