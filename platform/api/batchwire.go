package api

// Bounds of a batch of enrolments.
const (
	MaxBatch     = 256     // people
	MaxBatchBody = 4 << 20 // octets of the body
)

// EnrolmentBatch is the body of POST /v1/office/enrolments/batch: up to [MaxBatch]
// people, no phone twice. Each is enrolled or refused for itself.
type EnrolmentBatch struct {
	Enrolments []Enrolment `json:"enrolments"`
	By         string      `json:"by,omitempty"` // who does it, for the office's log
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
