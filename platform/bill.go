package platform

import (
	"encoding/json"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/money"
)

// Order is what a shop asks the platform to collect (S4).
type Order struct {
	Reference      string // the merchant's own, unique for it
	IdempotencyKey string // of the request; empty: the reference serves
	Fingerprint    string // of the request's content, to tell a repeat from a conflict
	Amount         money.Amount
	Currency       money.Currency
	Payee          string         // account to credit; empty: the merchant's default
	Phone          gateway.MSISDN // that the bill is pushed to: the payer's
	BuyerPhone     gateway.MSISDN // who ordered; empty: the payer
	ExpiresIn      time.Duration
	CallbackURL    string // empty: the merchant's own, or none
	Subject        string // one line for the phone's screen; empty: made from Goods
	Goods          json.RawMessage
}

// Reason says in one word why a bill is where it is; the last decline while it is open.
type Reason string

// The reasons a merchant can read in a bill and in a callback.
const (
	ReasonNone         Reason = ""
	ReasonRefused      Reason = "refused_by_holder"
	ReasonExpired      Reason = "not_paid_in_time"
	ReasonUnreachable  Reason = "phone_unreachable"
	ReasonCancelled    Reason = "cancelled_by_merchant"
	ReasonPINLocked    Reason = "pin_locked"
	ReasonFunds        Reason = "not_enough_funds"
	ReasonWrongPIN     Reason = "wrong_pin"
	ReasonMismatch     Reason = "payment_does_not_match"
	ReasonUnknownCard  Reason = "unknown_card"
	ReasonCardCurrency Reason = "card_currency"
	ReasonElementHeld  Reason = "element_held" // the payer's element seems to be there twice
	ReasonOverLimit    Reason = "over_limit"   // too much at once or in a day, or without a secure element
	ReasonNoAccount    Reason = "account_gone" // of a refund: the card that paid has no account any more
)

// Bill is one bill as its merchant may see it. Times are UTC; a zero time has not come.
type Bill struct {
	ID          BillID          `json:"id"`
	Merchant    MerchantID      `json:"merchant"`
	Reference   string          `json:"reference"`
	State       fsm.State       `json:"state"`
	Reason      Reason          `json:"reason,omitempty"`
	Amount      money.Amount    `json:"amount"`
	Currency    money.Currency  `json:"currency"`
	Payee       string          `json:"payee"`
	Phone       gateway.MSISDN  `json:"phone"`
	BuyerPhone  gateway.MSISDN  `json:"buyer_phone,omitempty"`
	Subject     string          `json:"subject,omitempty"`
	Goods       json.RawMessage `json:"goods,omitempty"`
	CallbackURL string          `json:"callback_url,omitempty"`
	Attempts    int             `json:"attempts"` // payments tried, the good one included
	Card        string          `json:"card,omitempty"`
	Created     time.Time       `json:"created_at"`
	Expires     time.Time       `json:"expires_at"`
	Updated     time.Time       `json:"updated_at"`
	Paid        time.Time       `json:"paid_at,omitzero"`
	Ended       time.Time       `json:"ended_at,omitzero"`
	// Acknowledged is when the merchant took the result; the bill is final then.
	Acknowledged time.Time `json:"acknowledged_at,omitzero"`

	// Refunds are those of a settled bill, and Refunded is what the posted ones come to. They
	// are kept apart from the bill, and are there where the merchant looks at it.
	Refunds  []Refund     `json:"-"`
	Refunded money.Amount `json:"-"`

	// Repeated tells, in the answer to an order, that the bill was there already.
	Repeated bool `json:"-"`
}

// Query chooses from a merchant's bills. The zero Query is the newest page of all.
type Query struct {
	State     fsm.State // only bills in this state
	Reference string    // only the bill with this reference
	Day       string    // only bills made on this UTC day: 2026-11-23
	After     BillID    // only bills older than this one: Next of the page before
	Limit     int       // 1 to 200; 0 is 50
}

// Page is one page of a list, newest first. It may have fewer bills than asked for, or
// none, and yet not be the last: a request looks through so many bills and no more.
type Page struct {
	Bills []Bill
	Next  BillID // After of the next page; empty on the last
}

// Event is one step of a bill's story.
type Event struct {
	At     time.Time `json:"at"`
	Name   fsm.Event `json:"event"`
	From   fsm.State `json:"from,omitempty"`
	To     fsm.State `json:"to"`
	Cause  string    `json:"cause,omitempty"`  // what brought it about: order, receipt, phone, clock, merchant, ledger
	Detail string    `json:"detail,omitempty"` // in words
	Entry  string    `json:"entry"`            // the journal entry that holds it
	// Attempt is the number of a callback, in the steps that are about one; Status is what
	// the merchant answered, and Next when the next one is made.
	Attempt int       `json:"attempt,omitempty"`
	Status  int       `json:"status,omitempty"`
	Next    time.Time `json:"next_at,omitzero"`
	// Effects names what was set going: push, result, callback.
	Effects []string `json:"effects,omitempty"`
	// Postings are the money moved in this step; they sum to zero.
	Postings []Posting `json:"postings,omitempty"`
}

// Posting is one line of a transfer as the journal shows it.
type Posting struct {
	Account string       `json:"account"`
	Amount  money.Amount `json:"amount"` // added to the account; negative: taken from it
}
