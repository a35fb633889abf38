package api

import "github.com/airtill/airtill/platform/applet"

// Bounds of a batch of enrolments.
const (
	MaxBatch     = 256     // people
	MaxBatchBody = 4 << 20 // octets of the body
)

// EnrolmentBatch is the body of POST /v1/office/enrolments/batch: up to [MaxBatch]
// people, no phone twice. Each is enrolled or refused for itself. Secrets are in one piece.
type EnrolmentBatch struct {
	Enrolments []Enrolment   `json:"enrolments"`   // each without secrets
	Secrets    applet.Sealed `json:"secrets"`      // of all, in their order, sealed to the branch key together
	By         string        `json:"by,omitempty"` // who does it, for the office's log
}

// EnrolledBatch is the answer: what became of each, in the order of the batch.
type EnrolledBatch struct {
	Enrolled []BatchRow `json:"enrolled"`
}

// BatchRow is what became of one of a batch: enrolled, or a problem with it, that names
// the field of the row. A problem that is [Problem.Unknown] may be done all the same.
type BatchRow struct {
	Enrolled
	Problem *Problem `json:"problem,omitempty"`
}
