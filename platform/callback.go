package platform

import (
	"context"
	"strings"
	"time"
)

// CallbackState is how far the telling of a merchant has come.
type CallbackState string

// The states of a callback.
const (
	CallbackPending   CallbackState = "pending"   // attempts are still to be made
	CallbackDelivered CallbackState = "delivered" // the merchant has acknowledged the result
	CallbackExhausted CallbackState = "exhausted" // no attempt is made any more, but by hand
)

// CallbackID names a callback, the same for all its attempts: "evt_", the ULID of its
// bill, the number of the refund if it is about one, and the state that the bill or the
// refund ended in. It is the webhook-id that the merchant gets.
type CallbackID string

const callbackPrefix = "evt_"

// CallbackID is the id of the callback of a bill that has ended. It holds no dot
// (Standard Webhooks 1.0.0, "Signature scheme").
func (b Bill) CallbackID() CallbackID {
	return CallbackID(callbackPrefix + strings.TrimPrefix(string(b.ID), billPrefix) + "_" + string(b.State))
}

// CallbackID is the id of the callback of a refund that has ended.
func (r Refund) CallbackID() CallbackID {
	return CallbackID(callbackPrefix + strings.TrimPrefix(string(r.ID), refundPrefix) + "_" + string(r.State))
}

// CallbackSubject is what a callback is about: how a bill ended, or a refund of it.
type CallbackSubject struct {
	Bill   BillID
	Refund RefundID // empty: it is about the bill itself
}

// ParseCallbackID finds what a callback is about, which may be named by the bill or the
// refund too.
func ParseCallbackID(s string) (CallbackSubject, error) {
	if rest, ok := strings.CutPrefix(s, callbackPrefix); ok {
		s = subjectID(rest)
	}
	if refund, err := ParseRefundID(s); err == nil {
		return CallbackSubject{Bill: refund.Bill(), Refund: refund}, nil
	}
	id, err := ParseBillID(s)
	if err != nil {
		return CallbackSubject{}, &Error{
			Code: CodeInvalid, Field: "id", Detail: "a callback id is evt_, 26 letters and digits, the number of a refund if it is about one, and a state; or the id of its bill or refund",
		}
	}
	return CallbackSubject{Bill: id}, nil
}

// subjectID is the id of the bill, or of the refund, in what follows a callback's prefix.
// No state of a bill begins with a digit.
func subjectID(rest string) string {
	ulid, rest, _ := strings.Cut(rest, "_")
	number, _, _ := strings.Cut(rest, "_")
	if number == "" || number[0] < '0' || number[0] > '9' {
		return billPrefix + ulid
	}
	return refundPrefix + ulid + "_" + number
}

// Callback is the telling of a merchant how a bill ended, or a refund of it.
type Callback struct {
	ID           CallbackID    `json:"id"`
	Bill         BillID        `json:"bill"`
	Refund       RefundID      `json:"refund,omitempty"` // of the bill, when it is about that
	Merchant     MerchantID    `json:"merchant"`
	URL          string        `json:"url"`
	State        CallbackState `json:"state"`
	Attempts     int           `json:"attempts"`         // made, or under way
	Status       int           `json:"status,omitempty"` // of the answer to the last one that failed; 0: there was none
	Problem      string        `json:"problem,omitempty"`
	Failed       time.Time     `json:"failed_at,omitzero"` // when the last one failed
	Next         time.Time     `json:"next_at,omitzero"`   // when the next one is made, or the outcome of this one is not awaited any more
	Ended        time.Time     `json:"ended_at"`           // when the bill did, or the refund
	Acknowledged time.Time     `json:"acknowledged_at,omitzero"`

	// Tries are the attempts, oldest first, as far as the journal goes back. Only one
	// callback that is asked for has them.
	Tries []CallbackTry `json:"tries,omitempty"`
}

// CallbackTry is one attempt.
type CallbackTry struct {
	Number  int       `json:"attempt"`
	At      time.Time `json:"at"`
	ByHand  bool      `json:"by_hand,omitempty"` // asked for, and not by the schedule
	Ended   time.Time `json:"ended_at,omitzero"` // zero: its outcome is not known, or not yet
	OK      bool      `json:"ok"`
	Status  int       `json:"status,omitempty"`
	Problem string    `json:"problem,omitempty"`
	Next    time.Time `json:"next_at,omitzero"` // that its failure led to
}

// CallbackQuery chooses from the callbacks. Without a merchant those of all are chosen
// from, and the state must be pending or exhausted.
type CallbackQuery struct {
	Merchant MerchantID
	State    CallbackState // empty: all
	After    string        // Next of the page before
	Limit    int           // 1 to 200; 0 is 50
}

// CallbackPage is one page of a list, by merchant and newest bill first; those about a
// bill's refunds come before its own.
type CallbackPage struct {
	Callbacks []Callback
	Next      string // After of the next page; empty on the last
}

// Resend asks for an attempt by hand, now. Without a merchant an operator asks, and says
// who and why.
type Resend struct {
	Merchant MerchantID
	Bill     BillID
	By, Note string
	Refund   RefundID // of the bill, when the callback is about that
}

// Endpoint is a place that callbacks go to and that does not take them at present: a
// merchant's URL, without its query. One that takes them is not kept.
type Endpoint struct {
	Merchant MerchantID `json:"merchant"`
	URL      string     `json:"url"`
	Since    time.Time  `json:"failing_since"` // nothing was acknowledged since
	Last     time.Time  `json:"last_failure_at"`
	Status   int        `json:"status,omitempty"` // of the answer to the last failure
	Problem  string     `json:"problem"`
	Disabled time.Time  `json:"disabled_at,omitzero"` // no attempt is made but by hand; zero: it is not
	Why      string     `json:"disabled_because,omitempty"`
}

// EnableEndpoint lets callbacks go to an endpoint again that was disabled. Without an
// operator who says who and why it is the merchant's own act.
type EnableEndpoint struct {
	Merchant MerchantID
	URL      string
	By, Note string
}

// Callbacks is what merchants and operators can ask about the telling. A refusal is an [*Error].
type Callbacks interface {
	// Callbacks lists callbacks, about bills and refunds. One that was not acknowledged at
	// once is pending, or exhausted, when its first attempt has failed.
	Callbacks(ctx context.Context, q CallbackQuery) (CallbackPage, error)
	// Callback answers one with its attempts; without a merchant one of anybody's.
	Callback(ctx context.Context, m MerchantID, of CallbackSubject) (Callback, error)
	// Resend makes an attempt now, also when the result is acknowledged or its schedule is
	// used up. While one is under way it is answered with that.
	Resend(ctx context.Context, r Resend) (Callback, error)
	// Endpoints lists the endpoints that do not take callbacks; without a merchant all.
	Endpoints(ctx context.Context, m MerchantID) ([]Endpoint, error)
	// EnableEndpoint answers CodeNotFound for an endpoint that is not disabled.
	EnableEndpoint(ctx context.Context, e EnableEndpoint) error
}
