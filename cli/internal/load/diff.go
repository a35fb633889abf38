package load

// Difference compares two runs.
type Difference struct {
	Base      string   `json:"base"` // its name
	New       string   `json:"new"`
	Tolerance float64  `json:"tolerance"` // 0.1: what differs by up to 10 % is the same
	Rows      []Change `json:"rows"`
	Notes     []string `json:"notes,omitempty"` // what else differs, so that the runs do not quite compare
	Verdict   string   `json:"verdict"`         // Better, Worse or Same
}

// Change is one figure in two runs.
type Change struct {
	Name   string  `json:"name"` // pay.p99
	Unit   string  `json:"unit"` // "ms", "%" (a share: 0.01 is 1 %), "/s", or "" for a count
	Base   float64 `json:"base"`
	New    float64 `json:"new"`
	Change float64 `json:"change"` // of New against Base: 0.25 is a quarter more; 0 when Base is 0
	Judged bool    `json:"judged"` // others are shown only
	Is     string  `json:"is"`     // Better, Worse or Same
}

// How a figure compares.
const (
	Better = "better"
	Worse  = "worse"
	Same   = "same"
)

// Diff compares a run with one before it. Worse in one figure that is judged is worse in
// all; else better in one is better.
func Diff(base, new *Result, tolerance float64) *Difference { return diff(base, new, tolerance) }
