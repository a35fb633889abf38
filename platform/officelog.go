package platform

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// OfficeLog is the append-only log of what the office does: each act is written down
// before it is done, and its outcome after. An act that cannot be written down is not done.
type OfficeLog interface {
	// Begin writes down an act that is about to be done, and answers it with its id.
	Begin(ctx context.Context, a Act) (Act, error)
	// End writes down what became of it.
	End(ctx context.Context, a Act) error
	// Acts lists acts, the oldest first.
	Acts(ctx context.Context, q ActQuery) (ActPage, error)
}

// Act is something that an operator or a branch does. It holds no secret; phones are masked.
type Act struct {
	ID      ActID     `json:"id"`
	At      time.Time `json:"at"` // when it began
	Name    string    `json:"act"`
	On      string    `json:"on,omitempty"`   // to whom or what
	By      string    `json:"by"`             // who does it; empty: whoever has the operator's key
	From    string    `json:"from,omitempty"` // address that it was asked for from
	Note    string    `json:"note,omitempty"` // why
	Outcome Outcome   `json:"outcome"`
	Why     string    `json:"why,omitempty"` // it was refused
}

// Outcome is what became of an act.
type Outcome string

// The outcomes. One that is begun and stays so was cut off: see what it was about.
const (
	OutcomeBegun   Outcome = "begun"
	OutcomeDone    Outcome = "done"
	OutcomeRefused Outcome = "refused"
	OutcomeUnknown Outcome = "unknown" // it may be done
)

// ActQuery chooses from the log. The zero query is its first page.
type ActQuery struct {
	Since time.Time // only acts from then on
	By    string    // only this one's
	After ActID     // only acts after this one: Next of the page before
	Limit int       // 1 to 200; 0 is 50
}

// ActPage is one page of the log.
type ActPage struct {
	Acts []Act `json:"acts"`
	Next ActID `json:"next,omitempty"` // After of the next page; empty on the last
}

// ActID names an act: "act_" and a ULID, so that ids sort by time.
type ActID string

const actPrefix = "act_"

// NewActID makes an id at the time now.
func NewActID(now time.Time, random io.Reader) (ActID, error) {
	u, err := ulid.New(ulid.Timestamp(now), random)
	return ActID(actPrefix + u.String()), err
}

// FirstActID sorts before the ids of all acts from a time on.
func FirstActID(at time.Time) ActID {
	var u ulid.ULID
	if err := u.SetTime(ulid.Timestamp(at)); err != nil {
		return actPrefix // before all
	}
	return ActID(actPrefix + u.String())
}

// ParseActID reads an id.
func ParseActID(s string) (ActID, error) {
	u, err := ulid.ParseStrict(strings.TrimPrefix(s, actPrefix))
	if err != nil || !strings.HasPrefix(s, actPrefix) {
		return "", &Error{Code: CodeInvalid, Field: "id", Detail: "not an act's id: 26 letters and digits follow " + actPrefix}
	}
	return ActID(actPrefix + u.String()), nil
}
