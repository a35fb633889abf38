package api

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// Order is the body of POST /v1/bills (S4); the package doc says what its fields may hold.
type Order struct {
	Reference   string          `json:"reference"`
	Amount      money.Amount    `json:"amount"`
	Currency    money.Currency  `json:"currency"`
	Phone       gateway.MSISDN  `json:"phone"`
	BuyerPhone  gateway.MSISDN  `json:"buyer_phone,omitempty"`
	Payee       string          `json:"payee,omitempty"`
	ExpiresIn   Duration        `json:"expires_in,omitempty"`
	CallbackURL string          `json:"callback_url,omitempty"`
	Subject     string          `json:"subject,omitempty"`
	Goods       json.RawMessage `json:"goods,omitempty"`
}

// Duration is a time.Duration that is written as Go writes it: "15m0s".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the duration as [time.ParseDuration] reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Bill is a bill as its merchant sees it: phone numbers are masked.
type Bill struct {
	ID           platform.BillID     `json:"id"`
	Merchant     platform.MerchantID `json:"merchant"`
	Reference    string              `json:"reference"`
	State        fsm.State           `json:"state"`
	Reason       platform.Reason     `json:"reason,omitempty"`
	Amount       money.Amount        `json:"amount"`
	Currency     money.Currency      `json:"currency"`
	Payee        string              `json:"payee"`
	Phone        string              `json:"phone"`
	BuyerPhone   string              `json:"buyer_phone,omitempty"`
	Subject      string              `json:"subject,omitempty"`
	Goods        json.RawMessage     `json:"goods,omitempty"`
	CallbackURL  string              `json:"callback_url,omitempty"`
	Attempts     int                 `json:"attempts"`
	Card         string              `json:"card,omitempty"`
	Created      time.Time           `json:"created_at"`
	Expires      time.Time           `json:"expires_at"`
	Updated      time.Time           `json:"updated_at"`
	Paid         time.Time           `json:"paid_at,omitzero"`
	Ended        time.Time           `json:"ended_at,omitzero"`
	Acknowledged time.Time           `json:"acknowledged_at,omitzero"`
	Refunded     money.Amount        `json:"refunded,omitempty"` // what the refunds come to that are posted
	Refunds      []platform.Refund   `json:"refunds,omitempty"`  // oldest first
}

// BillOf is the platform's bill as its merchant may see it.
func BillOf(b platform.Bill) Bill {
	return Bill{
		ID: b.ID, Merchant: b.Merchant, Reference: b.Reference, State: b.State, Reason: b.Reason,
		Amount: b.Amount, Currency: b.Currency, Payee: b.Payee,
		Phone: masked(b.Phone), BuyerPhone: masked(b.BuyerPhone),
		Subject: b.Subject, Goods: b.Goods, CallbackURL: b.CallbackURL,
		Attempts: b.Attempts, Card: b.Card,
		Created: b.Created, Expires: b.Expires, Updated: b.Updated,
		Paid: b.Paid, Ended: b.Ended, Acknowledged: b.Acknowledged,
		Refunded: b.Refunded, Refunds: b.Refunds,
	}
}

func masked(m gateway.MSISDN) string {
	if m == "" {
		return ""
	}
	return m.Masked()
}

// Query chooses from a merchant's bills. The zero Query is the newest page of all.
type Query struct {
	State     fsm.State       // only bills in this state
	Reference string          // only the bill with this reference
	Day       string          // only bills made on this UTC day: 2026-11-23
	After     platform.BillID // only bills older than this one: Next of the page before
	Limit     int             // 1 to MaxLimit; 0 is 50
}

// Page is one page of a list, newest first. It may have fewer bills than asked for, or
// none, and yet not be the last.
type Page struct {
	Bills []Bill          `json:"bills"`
	Next  platform.BillID `json:"next,omitempty"` // After of the next page; empty on the last
}

// Events is a bill's story, oldest first.
type Events struct {
	Events []platform.Event `json:"events"`
}

// eventsOf hides which secure element paid: it would tell one payer from another
// across all bills. The card's account keeps its currency.
func eventsOf(story []platform.Event) Events {
	events := Events{Events: make([]platform.Event, 0, len(story))}
	for _, e := range story {
		postings := make([]platform.Posting, 0, len(e.Postings))
		for _, p := range e.Postings {
			postings = append(postings, platform.Posting{Account: accountOf(p.Account), Amount: p.Amount})
		}
		e.Postings = postings
		events.Events = append(events.Events, e)
	}
	return events
}

func accountOf(account string) string {
	const card = "card:"
	rest, ok := strings.CutPrefix(account, card)
	if !ok {
		return account
	}
	_, currency, _ := strings.Cut(rest, ":")
	return card + "*:" + currency
}
