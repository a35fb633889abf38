// Package platform holds the nouns of the payment platform and the services it offers.
//
// The platform makes a bill of a merchant's order, pushes it to the designated
// phone through the carrier, checks the payment that comes back, moves the money
// in a double-entry ledger and tells the merchant. It knows bills, money and
// keys, and reaches phones only through SMPP.
//
// The packages below it:
//
//	money    amounts in minor units, currencies                      (contract)
//	scp80    secured packets, ETSI TS 102 225                        (contract)
//	applet   what platform and secure element say to each other      (contract)
//	api      what merchants and operators say to it over HTTP        (contract)
//	keys     master keys and what is derived from them
//	ledger   accounts, postings, transfers; every transfer sums to zero
//	billing  the rules: one partition's bills, phones and money, decided purely
//	menu     what holders without a payment client read and type, over USSD
//	push     bills out to phones, messages in from phones, through SMPP
//	webhook  results out to merchants: signed, retried
//	monitor  whether it is ready, and its metrics
//	audit    the books recomputed from the journal, by other code than the ledger's
//	reconcile  what one partition knows and another has lost
//
// This package holds nouns and interfaces only; it does no I/O.
package platform

import (
	"context"

	"github.com/airtill/airtill/platform/applet"
)

// Service is what a merchant can ask for. Every method answers before the phone
// has reacted, and only once what it answers is kept. A refusal is an [*Error].
type Service interface {
	// CreateBill takes an order and makes its bill. Repeating an order with the
	// same reference and content answers the same bill again and changes nothing;
	// with other content it is refused with CodeIdempotencyMismatch or CodeReferenceTaken.
	CreateBill(ctx context.Context, m MerchantID, o Order) (Bill, error)
	// Bill answers one of the merchant's bills, or CodeNotFound.
	Bill(ctx context.Context, m MerchantID, id BillID) (Bill, error)
	// Bills lists the merchant's bills, newest first.
	Bills(ctx context.Context, m MerchantID, q Query) (Page, error)
	// CancelBill withdraws a bill that is not paid yet, else CodeIllegalState.
	// Cancelling a cancelled bill answers it again.
	CancelBill(ctx context.Context, m MerchantID, id BillID) (Bill, error)
	// Refund gives money of a settled bill back to the card that paid it, whole or in part.
	// Repeating a request with the same reference or idempotency key and content answers
	// the same refund again; with other content it is refused as in CreateBill. A bill that
	// is not settled, or has nothing left, is CodeIllegalState.
	Refund(ctx context.Context, m MerchantID, id BillID, o RefundOrder) (Refund, error)
	// Refunds lists a bill's refunds, oldest first.
	Refunds(ctx context.Context, m MerchantID, id BillID) ([]Refund, error)
	// FindRefund answers one refund of a bill of the merchant's, or CodeNotFound.
	FindRefund(ctx context.Context, m MerchantID, id RefundID) (Refund, error)
	// Events tells a bill's story from the journal, oldest first, its refunds included.
	Events(ctx context.Context, m MerchantID, id BillID) ([]Event, error)
}

// Office is what the platform's own staff can ask for: branches and operators.
type Office interface {
	// BranchKey is the public key that enrolment secrets are sealed to.
	BranchKey() []byte
	// Enrol opens mobile payment for a person at a branch (S1): it binds cards to
	// a secure element and answers the element's personalisation, sealed to it. For a
	// phone without one it binds them to the phone and answers nothing.
	Enrol(ctx context.Context, e Enrolment) (applet.Sealed, error)
	// EnrolBatch is Enrol for several people, each for itself: what became of each is in
	// their order. An error is about all of them: nobody was enrolled.
	EnrolBatch(ctx context.Context, b EnrolmentBatch) ([]EnrolmentOutcome, error)
	// Phones lists who is enrolled, with masked cards and balances.
	Phones(ctx context.Context) ([]Phone, error)
	// Unlock lets a card entry take PINs again that wrong ones have locked. A phone or a
	// slot that is not there is CodeNotFound, a card that is not locked CodeIllegalState.
	Unlock(ctx context.Context, u Unlock) error
	// Release ends the hold on a phone whose element seemed to be there twice. A phone
	// that is not there is CodeNotFound, one that is not held CodeIllegalState.
	Release(ctx context.Context, r Release) error
	// Alarms lists what operators should look at, the newest first.
	Alarms(ctx context.Context) ([]Alarm, error)
	// Drops counts the packets from phones that were dropped without an answer since
	// the platform started, by reason.
	Drops(ctx context.Context) (map[string]int, error)
	// AddMerchant opens a merchant and answers its keys, which are shown only here.
	AddMerchant(ctx context.Context, m Merchant) (MerchantKeys, error)
	// Merchants lists the merchants with their balances.
	Merchants(ctx context.Context) ([]Merchant, error)
}

// Authenticator finds the merchant that an API key belongs to. It answers
// CodeUnauthorised without saying what was wrong.
type Authenticator interface {
	Authenticate(ctx context.Context, apiKey string) (Merchant, error)
}
