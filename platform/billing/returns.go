package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// Returns are what a merchant gave back, booked in its own partition by the UTC day on
// which the money left its account, and, of refunds that were voided, came back to it. They
// are kept as takings are: as sums of days in returns:M, and line by line in returned:M:DAY.

// returnsHash has each account's last day with returns.
const returnsHash = "returns"

func returnsOf(m platform.MerchantID) string { return returnsHash + ":" + string(m) }

func returnedHash(m platform.MerchantID, day string) string {
	return "returned:" + string(m) + ":" + day
}

// returned is one line of them.
type returned struct {
	Refund    platform.RefundID `json:"refund"`
	Reference string            `json:"reference,omitempty"`
	At        time.Time         `json:"at"`
	Amount    money.Amount      `json:"amount"` // out of the account; of a refund that is voided below zero
}

// bookReturn books money that leaves a merchant's account for a refund, or comes back to it.
func (p *Partition) bookReturn(tx *engine.Tx, kept *refunds, r *refund, amount money.Amount) {
	account := accountField(kept.Result.Payee, r.Currency)
	day := p.returns[account].dayOf(tx.Now())
	t := p.returns[account].next(day, amount)
	p.returns[account] = t
	tx.SetField(returnsHash, account, encode(t))
	tx.SetField(returnsOf(kept.Merchant), day+":"+account, encode(t))
	line := returned{Refund: r.ID, Reference: r.Reference, At: tx.Now(), Amount: amount}
	tx.SetField(returnedHash(kept.Merchant, day), fmt.Sprintf("%s:%d", account, t.Count), encode(line))
}

func (p *Partition) loadReturns(ctx context.Context, r engine.Reader) error {
	return decodeFields(ctx, r, returnsHash, func(account string, t takings) { p.returns[account] = t })
}

// AccountReturns are what one of a merchant's accounts has given back by now.
type AccountReturns struct {
	Payee    string
	Currency money.Currency
	Day      string         // the last with returns
	Given    platform.Total // of that day
	Before   money.Amount   // of all days before
}

func (p *Partition) findReturns(m platform.MerchantID) (all []AccountReturns) {
	for _, account := range slices.Sorted(maps.Keys(p.returns)) {
		payee, currency, _ := strings.Cut(account, ":")
		if payeeMerchant(payee) != m {
			continue
		}
		t := p.returns[account]
		all = append(all, AccountReturns{
			Payee: payee, Currency: money.Currency(currency), Day: t.Day,
			Given: platform.Total{Count: t.Count, Amount: t.Amount}, Before: t.Before,
		})
	}
	return all
}

// addReturns adds what the merchant gave back, as of the moment when its partition was asked.
func (d *statement) addReturns(ctx context.Context, r engine.Reader, accounts []AccountReturns) error {
	if len(accounts) == 0 {
		return nil
	}
	days, err := daysOf(ctx, r, returnsOf(d.merchant))
	if err != nil {
		return err
	}
	lines, err := r.Fields(ctx, returnedHash(d.merchant, d.day))
	if err != nil {
		return unavailable("read the refunds", err)
	}
	for _, t := range accounts {
		name := accountField(t.Payee, t.Currency)
		h := historyOf(takings{Day: t.Day, Count: t.Given.Count, Amount: t.Given.Amount, Before: t.Before}, days[name])
		a := d.account(t.Payee, t.Currency)
		a.Opening -= h.before(d.day)
		a.Closing -= h.before(d.next)
		a.Refunds = h.on(d.day)
		if err := d.addReturned(t, lines, a.Refunds.Count); err != nil {
			return err
		}
	}
	return nil
}

// addReturned notes an account's lines, of which there were so many at the moment of asking.
func (d *statement) addReturned(t AccountReturns, lines map[string]string, count int) error {
	for field, text := range lines {
		number, ours := strings.CutPrefix(field, accountField(t.Payee, t.Currency)+":")
		n, err := strconv.Atoi(number)
		if !ours || err == nil && n > count {
			continue // another's, or it came meanwhile
		}
		var line returned
		if err == nil {
			err = json.Unmarshal([]byte(text), &line)
		}
		if err != nil {
			return fmt.Errorf("read %s: field %s: %w", returnedHash(d.merchant, d.day), field, err)
		}
		d.returned = append(d.returned, platform.StatementLine{
			Kind: platform.LineRefund, At: line.At, Payee: t.Payee, Currency: t.Currency, Amount: -line.Amount,
			ID: string(line.Refund), Bill: line.Refund.Bill(), Reference: line.Reference,
		})
	}
	return nil
}

// byTime sorts lines by time, and those of one moment by id.
func byTime(a, b platform.StatementLine) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}
