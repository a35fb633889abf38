package fleet

import (
	"fmt"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// NewPhone is the body of POST /v1/phones.
type NewPhone struct {
	MSISDN  gateway.MSISDN `json:"msisdn"`
	Form    string         `json:"form"`              // standalone, sim, sdtf (S2), or none: a phone without an element
	Persona string         `json:"persona,omitempty"` // manual when left out
}

// MadePhone is the answer: what a branch needs to enrol the phone (S1).
type MadePhone struct {
	MSISDN    gateway.MSISDN   `json:"msisdn"`
	ElementID applet.ElementID `json:"element_id,omitempty"`
	PublicKey []byte           `json:"public_key,omitempty"` // of the blank element, for HPKE
}

// Personalisation is the body of PUT /v1/phones/{msisdn}/personalisation.
type Personalisation struct {
	Sealed applet.Sealed `json:"sealed"`         // as the branch answered it; empty for a phone without an element, or to tell its holder the PIN again
	PIN    Digits        `json:"pin_for_person"` // what the holder remembers; empty: nothing
}

// Digits is a PIN on the control face's wire. It prints as a mask.
type Digits string

const digitsMask = "[PIN]"

// String implements fmt.Stringer with a mask.
func (Digits) String() string { return digitsMask }

// GoString implements fmt.GoStringer with a mask.
func (Digits) GoString() string { return digitsMask }

// Format implements fmt.Formatter with a mask, whatever the verb.
func (Digits) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(digitsMask)) }

// Payment is the body of POST /v1/phones/{msisdn}/pay.
type Payment struct {
	Bill string `json:"bill,omitempty"` // 16 hex digits; the one open bill when left out
	Slot int    `json:"slot"`
	PIN  Digits `json:"pin,omitempty"` // the holder types their own when left out
}

// Refusal is the body of POST /v1/phones/{msisdn}/refuse.
type Refusal struct {
	Bill   string `json:"bill,omitempty"`
	Reason string `json:"reason,omitempty"` // not_mine, amount, no_funds or changed_mind
	Text   string `json:"text,omitempty"`
}

// Choice is the body of POST /v1/phones/{msisdn}/confirm and /defer.
type Choice struct {
	Bill string `json:"bill,omitempty"`
}

// Text is the body of POST /v1/phones/{msisdn}/messages.
type Text struct {
	To   gateway.Address `json:"to"` // a number or a short code
	Text string          `json:"text"`
}

// TextTaken is the answer: the text is on its way.
type TextTaken struct {
	Parts int `json:"parts"` // short messages it takes
}

// USSD is the body of POST /v1/phones/{msisdn}/ussd: one of its fields.
type USSD struct {
	Dial  string  `json:"dial,omitempty"`  // a code: *120#
	Reply *Digits `json:"reply,omitempty"` // to the text on the screen; it may be a PIN
	Abort bool    `json:"abort,omitempty"`
}

// Screen is what a phone shows of a USSD session, of the last one when none is open.
type Screen struct {
	Open  bool            `json:"open"`           // a session is
	Asks  bool            `json:"asks"`           // the text wants a reply
	Code  gateway.Address `json:"code,omitempty"` // the other end
	Text  string          `json:"text"`
	Shown int             `json:"shown"` // texts since the phone was made: another number, another text
}

// Power is the body of PUT /v1/phones/{msisdn}/power.
type Power struct {
	On *bool `json:"on"` // required
}

// Persona is the body of PUT /v1/phones/{msisdn}/persona.
type Persona struct {
	Persona string `json:"persona"`
}

// Phone is a phone as the control face shows it.
type Phone struct {
	MSISDN     gateway.MSISDN   `json:"msisdn"`
	Form       string           `json:"form"`
	ElementID  applet.ElementID `json:"element_id,omitempty"`
	Suite      string           `json:"suite,omitempty"`       // modern or legacy, of a personalised element
	KeyVersion uint8            `json:"key_version,omitempty"` // of the packet keys it uses
	Persona    string           `json:"persona"`
	On         bool             `json:"on"`
	Cards      []Card           `json:"cards"`
	OpenBills  int              `json:"open_bills"`
	Messages   int              `json:"messages"` // in the inbox
	Unsent     int              `json:"unsent"`   // in the outbox
	Dropped    int              `json:"dropped"`  // packets the element did not accept
}

// Card is a card as the element shows it.
type Card struct {
	Slot   int           `json:"slot"`
	Alias  string        `json:"alias"`
	Masked string        `json:"number"` // first 6 and last 4 digits
	Expiry applet.Expiry `json:"expiry"` // MM/YY
}

// Phones is the answer to GET /v1/phones.
type Phones struct {
	Phones []Phone        `json:"phones"`
	Next   gateway.MSISDN `json:"next,omitempty"` // after= of the next page
}

// Message is a text in the inbox.
type Message struct {
	From gateway.Address `json:"from"`
	Text string          `json:"text"`
	At   time.Time       `json:"at"`
}

// Inbox is the answer to GET /v1/phones/{msisdn}/inbox.
type Inbox struct {
	Messages []Message `json:"messages"` // oldest first
}

// Bill is a bill in the client's list.
type Bill struct {
	Bill      string         `json:"bill"` // the reference on the wire, 16 hex digits: the last 8 octets of the bill's id
	State     string         `json:"state"`
	Amount    money.Amount   `json:"amount"`
	Currency  money.Currency `json:"currency"`
	Merchant  string         `json:"merchant"`
	Name      string         `json:"name"`
	Subject   string         `json:"subject,omitempty"`
	ShownAt   time.Time      `json:"shown_at"`
	ExpiresAt time.Time      `json:"expires_at"`
	Slot      int            `json:"slot,omitempty"`       // of the card picked last
	Declined  []int          `json:"declined,omitempty"`   // slots declined for this bill
	WrongPINs int            `json:"wrong_pins,omitempty"` // typed for this bill
	TriesLeft int            `json:"tries_left,omitempty"` // of the PIN, as the last result said
	Code      string         `json:"code,omitempty"`       // of the last result
	Text      string         `json:"text,omitempty"`       // what it said
}

// Bills is the answer to GET /v1/phones/{msisdn}/bills.
type Bills struct {
	Bills []Bill `json:"bills"` // oldest first
}

func billOf(v handsetsim.BillView) Bill {
	b := v.Bill
	return Bill{
		Bill: b.Ref.String(), State: v.State.String(), Amount: b.Amount, Currency: b.Currency,
		Merchant: string(b.Merchant), Name: b.Name, Subject: b.Subject, ShownAt: v.Since.UTC(), ExpiresAt: b.Expires.UTC(),
		Slot: v.Card, Declined: v.Declined, WrongPINs: v.WrongPINs, TriesLeft: v.TriesLeft, Code: string(v.Code), Text: v.Text,
	}
}

// reasons are the words for applet.RefuseReason.
func reasons() map[string]applet.RefuseReason {
	return map[string]applet.RefuseReason{
		"":             applet.RefuseUnspecified,
		"not_mine":     applet.RefuseNotMine,
		"amount":       applet.RefuseAmount,
		"no_funds":     applet.RefuseNoFunds,
		"changed_mind": applet.RefuseChangedMind,
	}
}

// Problem is an error of the control face: application/problem+json, RFC 9457.
type Problem struct {
	Type   string `json:"type"` // urn:airtill:problem:CODE
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // of the request, that is to blame
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Field == "" {
		return p.Title + ": " + p.Detail
	}
	return p.Title + ": " + p.Field + ": " + p.Detail
}
