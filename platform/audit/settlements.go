package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// settlement is what was paid out under an id, by account, as the journal tells it.
type settlement struct {
	merchant, id string
	paid         map[string]int64
	during       bool // the look
}

// payOut follows money out to the merchants' banks.
func (j *journal) payOut(entry string, event engine.Event, data told) {
	paid, other := payoutsOf(data)
	merchant, id, named := strings.Cut(strings.TrimPrefix(event.Subject, "settlement:"), ":")
	switch {
	case event.Name != "pay_out" && len(paid) == 0:
		return
	case event.Name != "pay_out":
		j.wrong(entry, "%s of %s pays out, and is no settlement", event.Name, event.Subject)
		return
	case !strings.HasPrefix(event.Subject, "settlement:") || !named:
		j.wrong(entry, "the settlement %s does not say whose it is", event.Subject)
		return
	}
	if _, again := j.payouts[event.Subject]; again {
		j.wrong(entry, "%s was paid out twice", event.Subject)
	}
	for account, amount := range paid {
		payee, _, _ := strings.Cut(account, ":")
		switch {
		case merchantOf(payee) != merchant:
			j.wrong(entry, "%s pays out %s, another merchant's account", event.Subject, account)
		case amount <= 0 || other["home:"+account] != -amount:
			j.wrong(entry, "%s pays out %d of %s, and takes %d from home", event.Subject, amount, account, -other["home:"+account])
		}
	}
	if len(paid) == 0 || len(other) != len(paid) {
		j.wrong(entry, "%s moves money between other accounts than home and bank", event.Subject)
	}
	j.report.Settlements++
	j.payouts[event.Subject] = settlement{merchant, id, paid, j.looking}
}

// payoutsOf sums up an event's postings: to banks by PAYEE:CUR, and the others by account.
func payoutsOf(data told) (paid, other map[string]int64) {
	paid, other = map[string]int64{}, map[string]int64{}
	for _, p := range data.Postings {
		amount, _ := p.Amount.Int64() // what is no number is told elsewhere
		if account, ok := strings.CutPrefix(p.Account, "payout:"); ok {
			paid[account] += amount
		} else {
			other[p.Account] += amount
		}
	}
	return paid, other
}

// merchantOf is the number in an account's name: acct_NUMBER or acct_NUMBER_NAME.
func merchantOf(payee string) string {
	number, _, _ := strings.Cut(strings.TrimPrefix(payee, "acct_"), "_")
	return number
}

// keptSettlement is what this package reads of a settlement's record.
type keptSettlement struct {
	ID       string `json:"id"`
	Merchant string `json:"merchant"`
	Payouts  []struct {
		Payee    string      `json:"payee"`
		Currency string      `json:"currency"`
		Amount   json.Number `json:"amount"`
	} `json:"payouts"`
}

func (k keptSettlement) paid() map[string]int64 {
	paid := map[string]int64{}
	for _, o := range k.Payouts {
		amount, _ := o.Amount.Int64() // what is no number pays nothing
		paid[o.Payee+":"+o.Currency] += amount
	}
	return paid
}

// compareSettlements holds the records and lists of settlements against the journal: one
// that is gone would be paid out again.
func (b *books) compareSettlements(ctx context.Context) error {
	if b.cut {
		return nil
	}
	keys := slices.Sorted(maps.Keys(b.journal.payouts))
	for chunk := range slices.Chunk(keys, pageSize) {
		texts, err := b.reader.Get(ctx, chunk...)
		if err != nil {
			return err
		}
		for i, text := range texts {
			b.compareSettlement(chunk[i], text)
		}
	}
	return b.compareSettlementLists(ctx, keys)
}

func (b *books) compareSettlement(key, text string) {
	s := b.journal.payouts[key]
	var kept keptSettlement
	switch err := json.Unmarshal([]byte(text), &kept); {
	case text == "" && s.during: // it came after
	case text == "":
		b.differ(key, "settlement %s of %s is gone: it would be paid out again", s.id, s.merchant)
	case err != nil:
		b.differ(key, "settlement %s of %s cannot be read", s.id, s.merchant)
	case kept.ID != s.id || kept.Merchant != s.merchant:
		b.differ(key, "settlement %s of %s is said to be %s of %s", s.id, s.merchant, kept.ID, kept.Merchant)
	case !maps.Equal(kept.paid(), s.paid):
		b.differ(key, "settlement %s of %s is said to have paid out %v, the journal says %v", s.id, s.merchant, kept.paid(), s.paid)
	}
}

// compareSettlementLists makes sure that the merchants' lists have all settlements and no other.
func (b *books) compareSettlementLists(ctx context.Context, keys []string) error {
	listed := map[string]string{} // merchants, by their settlements
	for merchant := range b.merchants {
		ids, err := b.reader.Members(ctx, "settlements:"+merchant, engine.Range{})
		if err != nil {
			return err
		}
		for _, id := range ids {
			listed["settlement:"+merchant+":"+id] = merchant
		}
	}
	for _, key := range keys {
		if s := b.journal.payouts[key]; listed[key] == "" && !s.during {
			b.differ("settlements:"+s.merchant, "settlement %s is not in its merchant's list", s.id)
		}
	}
	if err := b.journal.follow(ctx); err != nil { // what is listed has been told by now
		return err
	}
	for key, merchant := range listed {
		if _, ok := b.journal.payouts[key]; !ok {
			b.differ("settlements:"+merchant, "%s is in a merchant's list, but was never paid out", key)
		}
	}
	return nil
}
