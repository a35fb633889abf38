package platform

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/airtill/airtill/platform/money"
)

// Accounts is what there is to know and to do about merchants' money.
type Accounts interface {
	// Settle pays a merchant's home balance out to its bank, at most once for an id. The
	// same id for another day is CodeIdempotencyMismatch.
	Settle(ctx context.Context, s Settle) (Settlement, error)
	// Statement tells a merchant's day, which must have begun. CodeNotFound is no such merchant.
	Statement(ctx context.Context, m MerchantID, day string) (*Statement, error)
}

// Statement is a merchant's UTC day: what each of its accounts was owed before, what
// happened, and what it is owed after. Money is the merchant's from the moment that it is
// paid, also while it is on its way to its home account.
type Statement struct {
	Merchant MerchantID
	Name     string
	Day      string
	Complete bool // the day is over
	Accounts []StatementAccount

	// Lines are the movements: payments by the age of their bills, then the others by
	// time. They are read as they are asked for; an error ends them.
	Lines iter.Seq2[StatementLine, error]
}

// Total is so many movements, of so much together.
type Total struct {
	Count  int          `json:"count"`
	Amount money.Amount `json:"amount"`
}

// Add counts one more.
func (t *Total) Add(a money.Amount) {
	t.Count++
	t.Amount += a
}

// StatementAccount is one of the merchant's accounts on the day, as the books have it.
type StatementAccount struct {
	Payee       string         `json:"payee"`
	Currency    money.Currency `json:"currency"`
	Opening     money.Amount   `json:"opening"` // what the merchant was owed as the day began
	Payments    Total          `json:"payments"`
	Refunds     Total          `json:"refunds"`
	Settlements Total          `json:"settlements"`
	Closing     money.Amount   `json:"closing"` // and is, as the day ends, or by now
	// OnItsWay is what of Closing is paid and has not come home yet.
	OnItsWay Total `json:"on_its_way"`
}

// LineKind is what a line of a statement tells of.
type LineKind string

// The kinds.
const (
	LinePayment    LineKind = "payment"
	LineRefund     LineKind = "refund"
	LineSettlement LineKind = "settlement"
)

// StatementLine is one movement. The amount is what it adds to what the merchant is owed.
type StatementLine struct {
	Kind      LineKind       `json:"kind"`
	At        time.Time      `json:"at"`
	Payee     string         `json:"payee"`
	Currency  money.Currency `json:"currency"`
	Amount    money.Amount   `json:"amount"`
	ID        string         `json:"id"`                  // of the bill, the refund or the settlement
	Bill      BillID         `json:"bill,omitempty"`      // of a refund
	Reference string         `json:"reference,omitempty"` // of the bill
	Payer     string         `json:"payer,omitempty"`     // phone, masked
	OnItsWay  bool           `json:"on_its_way,omitempty"`
}

// Tally adds up a statement while its lines go by.
type Tally struct {
	accounts []StatementAccount
	seen     map[account]*sums
	stray    []string
}

type account struct {
	payee    string
	currency money.Currency
}

type sums struct{ payments, refunds, settlements Total }

// NewTally begins to add up.
func NewTally(accounts []StatementAccount) *Tally {
	t := &Tally{accounts: accounts, seen: make(map[account]*sums)}
	for _, a := range accounts {
		t.seen[account{a.Payee, a.Currency}] = new(sums)
	}
	return t
}

// Add counts a line.
func (t *Tally) Add(l StatementLine) {
	s := t.seen[account{l.Payee, l.Currency}]
	if s == nil {
		t.stray = append(t.stray, fmt.Sprintf("%s %s is on %s %s, which is no account of the statement", l.Kind, l.ID, l.Payee, l.Currency))
		return
	}
	switch l.Kind {
	case LinePayment:
		s.payments.Add(l.Amount)
	case LineRefund:
		s.refunds.Add(-l.Amount)
	case LineSettlement:
		s.settlements.Add(-l.Amount)
	}
}

// Differences says what does not add up, once all lines went by; nothing is well.
func (t *Tally) Differences() []string {
	all := append([]string{}, t.stray...)
	for _, a := range t.accounts {
		s := t.seen[account{a.Payee, a.Currency}]
		name := a.Payee + " " + string(a.Currency)
		for _, part := range []struct {
			what        string
			books, told Total
		}{
			{"payments", a.Payments, s.payments}, {"refunds", a.Refunds, s.refunds}, {"settlements", a.Settlements, s.settlements},
		} {
			if part.books != part.told {
				all = append(all, fmt.Sprintf("%s: the books have %d %s of %d together, the lines are %d of %d",
					name, part.books.Count, part.what, part.books.Amount, part.told.Count, part.told.Amount))
			}
		}
		if sum := a.Opening + a.Payments.Amount - a.Refunds.Amount - a.Settlements.Amount; sum != a.Closing {
			all = append(all, fmt.Sprintf("%s: opening %d and the movements come to %d, closing is %d", name, a.Opening, sum, a.Closing))
		}
	}
	return all
}
