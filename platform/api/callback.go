package api

import (
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// Callback is the body of a callback: what happened to a bill, and when. Its type is
// "bill." and the state the bill ended in; or "refund." and the state that a refund of the
// bill ended in.
type Callback struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Result    `json:"data"`
}

// Result is how a bill ended; phone numbers are masked.
type Result struct {
	ID        platform.BillID `json:"id"`
	Reference string          `json:"reference"`
	State     fsm.State       `json:"state"`
	Reason    platform.Reason `json:"reason,omitempty"`
	Amount    money.Amount    `json:"amount"`
	Currency  money.Currency  `json:"currency"`
	Payee     string          `json:"payee"`
	Attempts  int             `json:"attempts"` // payments tried, the good one included
	Payer     string          `json:"payer"`
	Buyer     string          `json:"buyer,omitempty"`
	Card      string          `json:"card,omitempty"` // first 6 and last 4 digits
	Created   time.Time       `json:"created_at"`
	Paid      time.Time       `json:"paid_at,omitzero"`
	Ended     time.Time       `json:"ended_at"`
	// Refund is what a callback about a refund tells of, and Refunded is what the bill's
	// refunds come to then.
	Refund   *platform.Refund `json:"refund,omitempty"`
	Refunded money.Amount     `json:"refunded,omitempty"`
}

// CallbackOf is the callback for a bill that has ended: the same each time it is made.
func CallbackOf(b platform.Bill) Callback {
	return Callback{
		Type:      "bill." + string(b.State),
		Timestamp: b.Ended,
		Data: Result{
			ID: b.ID, Reference: b.Reference, State: b.State, Reason: b.Reason,
			Amount: b.Amount, Currency: b.Currency, Payee: b.Payee, Attempts: b.Attempts,
			Payer: masked(b.Phone), Buyer: masked(b.BuyerPhone), Card: b.Card,
			Created: b.Created, Paid: b.Paid, Ended: b.Ended,
		},
	}
}

// RefundCallbackOf is the callback for a refund that has ended, of a bill that ended in a
// result: the same each time it is made.
func RefundCallbackOf(b Result, r platform.Refund, refunded money.Amount) Callback {
	b.Refund, b.Refunded = &r, refunded
	return Callback{Type: "refund." + string(r.State), Timestamp: r.Ended, Data: b}
}
