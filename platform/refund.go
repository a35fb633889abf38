package platform

import (
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/platform/money"
)

// MostRefunds is how many refunds a bill can have, the voided ones included.
const MostRefunds = 99

// RefundID names a refund: "refund_", the ULID of its bill, and its number there, from 1
// to [MostRefunds]: refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1. So an id says which bill it is of.
type RefundID string

const refundPrefix = "refund_"

// NewRefundID names a bill's n-th refund.
func NewRefundID(bill BillID, n int) RefundID {
	return RefundID(refundPrefix + strings.TrimPrefix(string(bill), billPrefix) + "_" + strconv.Itoa(n))
}

// ParseRefundID reads an id as a merchant sends it.
func ParseRefundID(s string) (RefundID, error) {
	wrong := &Error{Code: CodeInvalid, Field: "id", Detail: "not a refund id: " + refundPrefix + ", 26 letters and digits, and _1"}
	text, ok := strings.CutPrefix(s, refundPrefix)
	ulid, number, ok2 := strings.Cut(text, "_")
	bill, err := ParseBillID(billPrefix + ulid)
	n, notNumber := strconv.Atoi(number)
	if !ok || !ok2 || err != nil || notNumber != nil || n < 1 || n > MostRefunds || strconv.Itoa(n) != number {
		return "", wrong
	}
	return NewRefundID(bill, n), nil
}

// Bill is the bill that the refund is of.
func (id RefundID) Bill() BillID {
	ulid, _, _ := strings.Cut(strings.TrimPrefix(string(id), refundPrefix), "_")
	return BillID(billPrefix + ulid)
}

// RefundState is how far a refund has come.
type RefundState string

// The states of a refund.
const (
	RefundPending RefundState = "pending" // the money has left the merchant's account
	RefundPosted  RefundState = "posted"  // the payer has it
	RefundVoided  RefundState = "voided"  // the merchant has it back, or never gave it
)

// Ended says whether the state is for good.
func (s RefundState) Ended() bool { return s == RefundPosted || s == RefundVoided }

// RefundOrder is what a merchant asks to be given back of a settled bill. It has a
// reference or an idempotency key, by which a repeat is known.
type RefundOrder struct {
	Amount         money.Amount // 0: all that was not given back yet
	Reason         string       // in the merchant's words
	Reference      string       // the merchant's own, unique among the bill's refunds
	IdempotencyKey string       // of the request
	Fingerprint    string       // of the request's content, to tell a repeat from a conflict
}

// Refund is money given back on a settled bill, to the card that paid it. The refunds of a
// bill that are not voided never come to more than its amount.
type Refund struct {
	ID        RefundID       `json:"id"`
	Bill      BillID         `json:"bill"`
	State     RefundState    `json:"state"`
	Failure   Reason         `json:"failure,omitempty"` // why it was voided
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	Reason    string         `json:"reason,omitempty"`
	Reference string         `json:"reference,omitempty"`
	Created   time.Time      `json:"created_at"`
	Ended     time.Time      `json:"ended_at,omitzero"`
	// Acknowledged is when the merchant took the outcome.
	Acknowledged time.Time `json:"acknowledged_at,omitzero"`

	// Repeated tells, in the answer to a request, that the refund was there already.
	Repeated bool `json:"-"`
}

// Refunded is what refunds come to that are posted.
func Refunded(all []Refund) (sum money.Amount) {
	for _, r := range all {
		if r.State == RefundPosted {
			sum += r.Amount
		}
	}
	return sum
}
