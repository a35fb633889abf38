package billing

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// Takings are what a merchant took in this partition, booked by the UTC day of payment as
// sweeps carry them home: once and for good. A statement is made of them, so they are kept
// twice: as sums of days in takings:M, and as the bills behind the sums in taken:M:DAY,
// where a sweep's bills are one field. A bill is booked on the day it was paid, or on the
// last day that has been booked, if the clock has gone back.

// takings are an account's last day with payments that were swept, and all before it.
type takings struct {
	Day    string       `json:"day"`
	Count  int          `json:"count"`
	Amount money.Amount `json:"amount"`
	Before money.Amount `json:"before"` // the sum of all days before
}

// total is all that was taken and swept ever.
func (t takings) total() money.Amount { return t.Before + t.Amount }

// dayOf is the day that a payment at a time is booked on.
func (t takings) dayOf(paid time.Time) string { return max(paid.UTC().Format(time.DateOnly), t.Day) }

// next is the takings with another payment.
func (t takings) next(day string, amount money.Amount) takings {
	if t.Day != day {
		t = takings{Day: day, Before: t.total()}
	}
	t.Count++
	t.Amount += amount
	return t
}

func takingsHash(m platform.MerchantID) string { return "takings:" + string(m) }

func takenHash(m platform.MerchantID, day string) string { return "taken:" + string(m) + ":" + day }

// accountField names an account in a merchant's hashes.
func accountField(payee string, c money.Currency) string { return payee + ":" + string(c) }

// bookTakings books the payments that a new sweep takes home, in the order in which they
// were made. They are of few days, nearly always of one.
func (p *Partition) bookTakings(tx *engine.Tx, pl *pool, paid []*record) {
	m := payeeMerchant(pl.Payee)
	account := accountField(pl.Payee, pl.Currency)
	for rest := paid; len(rest) > 0; {
		var ids []string
		day := pl.Taken.dayOf(rest[0].Paid)
		for len(rest) > 0 && pl.Taken.dayOf(rest[0].Paid) == day {
			pl.Taken = pl.Taken.next(day, rest[0].Amount)
			ids = append(ids, strings.TrimPrefix(string(rest[0].ID), billPrefix))
			rest = rest[1:]
		}
		tx.SetField(takingsHash(m), day+":"+account, encode(pl.Taken))
		tx.SetField(takenHash(m, day), account+":"+strconv.FormatUint(pl.Number, 10), strings.Join(ids, " "))
	}
}

const billPrefix = "bill_"

// byPayment lists the bills that wait, by when they were paid.
func (pl *pool) byPayment() []*record {
	return slices.SortedFunc(maps.Values(pl.waiting), func(a, b *record) int {
		return cmp.Or(a.Paid.Compare(b.Paid), cmp.Compare(a.ID, b.ID))
	})
}

// FindTakings asks a partition what a merchant took there. It answers a Takings.
type FindTakings struct{ Merchant platform.MerchantID }

// Takings are a merchant's accounts in one partition, at one moment.
type Takings struct {
	Accounts []AccountTakings
	Returns  []AccountReturns // if the partition is the merchant's own
}

// AccountTakings is one of them: what was swept by now, and what waits.
type AccountTakings struct {
	Payee    string
	Currency money.Currency
	Day      string         // the last with payments that were swept
	Swept    platform.Total // of that day
	Before   money.Amount   // swept of all days before
	Number   uint64         // of the last sweep
	Waiting  []Waiting      // paid, and not home yet
}

// Waiting is a paid bill that is not settled yet.
type Waiting struct {
	Bill   platform.BillID
	Day    string // that it is booked on
	Amount money.Amount
	Swept  bool // it left with the last sweep
}

func (p *Partition) findTakings(in FindTakings) Takings {
	all := Takings{Returns: p.findReturns(in.Merchant)}
	for _, sub := range slices.Sorted(maps.Keys(p.pools)) {
		pl := p.pools[sub]
		if payeeMerchant(pl.Payee) != in.Merchant {
			continue
		}
		a := AccountTakings{
			Payee: pl.Payee, Currency: pl.Currency, Day: pl.Taken.Day,
			Swept: platform.Total{Count: pl.Taken.Count, Amount: pl.Taken.Amount}, Before: pl.Taken.Before, Number: pl.Number,
		}
		for _, r := range pl.byPayment() {
			a.Waiting = append(a.Waiting, Waiting{Bill: r.ID, Day: pl.Taken.dayOf(r.Paid), Amount: r.Amount, Swept: r.Sweep != 0})
		}
		all.Accounts = append(all.Accounts, a)
	}
	return all
}
