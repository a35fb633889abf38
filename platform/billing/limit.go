package billing

import (
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/money"
)

// Limits are the most that may be paid, in minor units, by currency; a currency that is
// not there has no limit. A day is a UTC day of the platform's clock. What was paid counts
// for its day whatever becomes of it: a refund does not give the day's limit back, since a
// limit bounds what a thief could take out, and money that comes back could be taken again.
type Limits struct {
	Payment map[money.Currency]money.Amount // in one payment
	Day     map[money.Currency]money.Amount // in a day, with all cards of a phone
	Card    map[money.Currency]money.Amount // in a day, with one card
}

// Validate says what cannot be.
func (l Limits) Validate() error {
	for name, most := range map[string]map[money.Currency]money.Amount{"payment": l.Payment, "day": l.Day, "card": l.Card} {
		for currency, a := range most {
			if _, err := money.ParseCurrency(string(currency)); err != nil {
				return fmt.Errorf("billing: limit of a %s: %w", name, err)
			}
			if !a.Payable() {
				return errors.New("billing: limit of a " + name + ": not an amount that can be paid")
			}
		}
	}
	return nil
}

// spent is what a phone has paid on the day of its last payment, by the slot of the card.
// It is kept with the counters that the payment moves, so that the next day's takes its place.
type spent struct {
	Day   string               `json:"day,omitempty"` // 2026-11-28
	Cards map[int]money.Amount `json:"cards,omitempty"`
}

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// on is what was paid with a card on a day.
func (s spent) on(day string, slot int) money.Amount {
	if s.Day != day {
		return 0
	}
	return s.Cards[slot]
}

// spend counts a payment.
func (p *Partition) spend(tx *engine.Tx, ph *phone, card *CardEntry, a money.Amount) {
	s := &ph.counters.Spent
	if day := dayOf(tx.Now()); s.Day != day {
		*s = spent{Day: day, Cards: make(map[int]money.Amount)}
	}
	s.Cards[card.Slot] += a
	p.keepCounters(ph)
}

// overLimit says whether a payment of so much with a card would be over a limit.
func (l Limits) overLimit(ph *phone, card *CardEntry, a money.Amount, day string) bool {
	c, all := card.Currency, a
	for _, other := range ph.Cards {
		if other.Currency == c {
			all += ph.counters.Spent.on(day, other.Slot)
		}
	}
	return over(l.Payment, c, a) || over(l.Day, c, all) || over(l.Card, c, a+ph.counters.Spent.on(day, card.Slot))
}

func over(most map[money.Currency]money.Amount, c money.Currency, a money.Amount) bool {
	limit, on := most[c]
	return on && a > limit
}
