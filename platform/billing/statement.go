package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// A statement is made of two accounts of the same thing. Its sums are those of the books:
// takings by day in the payers' partitions, and totals of payouts in the merchant's. Its
// lines are the bills and settlements themselves, found one by one. So a bill that is lost
// or has another amount shows as a difference; see platform.Tally.

// Statement tells a merchant's day.
func (s *Service) Statement(ctx context.Context, m platform.MerchantID, day string) (*platform.Statement, error) {
	begins, err := platform.ParseDay(day)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if begins.After(now) {
		return nil, invalid("day", "this day has not begun (days are UTC)")
	}
	contract, err := s.contract(ctx, m)
	if err != nil {
		return nil, err
	}
	d := &statement{
		Service: s, merchant: m, day: day, next: begins.AddDate(0, 0, 1).Format(time.DateOnly),
		accounts: make(map[string]*platform.StatementAccount), onItsWay: make(map[platform.BillID]bool),
	}
	for n := range s.config.Partitions {
		if err := d.addTakings(ctx, engine.Partition(n)); err != nil {
			return nil, err
		}
	}
	if err := d.addSettlements(ctx, begins); err != nil {
		return nil, err
	}
	slices.Sort(d.bills)
	return &platform.Statement{
		Merchant: m, Name: contract.Name, Day: day, Complete: !now.Before(begins.AddDate(0, 0, 1)),
		Accounts: d.inOrder(), Lines: d.lines(ctx),
	}, nil
}

// statement is one in the making: it holds the ids of the day's bills, and no bill.
type statement struct {
	*Service
	merchant    platform.MerchantID
	day, next   string
	accounts    map[string]*platform.StatementAccount
	bills       []string
	onItsWay    map[platform.BillID]bool
	returned    []platform.StatementLine // of the day
	settlements []platform.Settlement    // of the day
}

func (d *statement) account(payee string, c money.Currency) *platform.StatementAccount {
	name := accountField(payee, c)
	if d.accounts[name] == nil {
		d.accounts[name] = &platform.StatementAccount{Payee: payee, Currency: c}
	}
	return d.accounts[name]
}

func (d *statement) inOrder() []platform.StatementAccount {
	all := make([]platform.StatementAccount, 0, len(d.accounts))
	for _, name := range slices.Sorted(maps.Keys(d.accounts)) {
		all = append(all, *d.accounts[name])
	}
	return all
}

// addTakings adds what the merchant took in one partition. The partition itself is asked
// first: what it has swept by then is in the store, and does not change any more.
func (d *statement) addTakings(ctx context.Context, n engine.Partition) error {
	reply, err := d.do(ctx, n, FindTakings{Merchant: d.merchant})
	if err != nil {
		return err
	}
	r := d.store.Read(n)
	if err := d.addReturns(ctx, r, reply.(Takings).Returns); err != nil {
		return err
	}
	accounts := reply.(Takings).Accounts
	if len(accounts) == 0 {
		return nil
	}
	days, err := daysOf(ctx, r, takingsHash(d.merchant))
	if err != nil {
		return err
	}
	taken, err := r.Fields(ctx, takenHash(d.merchant, d.day))
	if err != nil {
		return unavailable("read the takings", err)
	}
	for _, t := range accounts {
		last := takings{Day: t.Day, Count: t.Swept.Count, Amount: t.Swept.Amount, Before: t.Before}
		d.addAccount(t, historyOf(last, days[accountField(t.Payee, t.Currency)]))
		if err := d.addBills(t, taken); err != nil {
			return err
		}
	}
	return nil
}

// daysOf reads the sums of days, by account.
func daysOf(ctx context.Context, r engine.Reader, hash string) (map[string][]takings, error) {
	days := make(map[string][]takings)
	err := decodeFields(ctx, r, hash, func(field string, t takings) {
		_, account, _ := strings.Cut(field, ":")
		days[account] = append(days[account], t)
	})
	if err != nil {
		return nil, unavailable("read "+hash, err)
	}
	return days, nil
}

// history is an account's days, in order.
type history []takings

// historyOf is an account's history as of the moment when its partition was asked for the
// last day, since which the days before do not change.
func historyOf(last takings, days []takings) history {
	h := slices.DeleteFunc(days, func(other takings) bool { return other.Day >= last.Day })
	slices.SortFunc(h, func(a, b takings) int { return strings.Compare(a.Day, b.Day) })
	return append(h, last)
}

// before is what was taken on all days before one.
func (h history) before(day string) money.Amount {
	for _, t := range h {
		if t.Day >= day {
			return t.Before
		}
	}
	return h[len(h)-1].total()
}

// on is what was taken on a day.
func (h history) on(day string) platform.Total {
	for _, t := range h {
		if t.Day == day {
			return platform.Total{Count: t.Count, Amount: t.Amount}
		}
	}
	return platform.Total{}
}

// addAccount adds one account's takings: those that were swept, and those that wait.
func (d *statement) addAccount(t AccountTakings, h history) {
	a := d.account(t.Payee, t.Currency)
	a.Opening += h.before(d.day)
	a.Closing += h.before(d.next)
	of := h.on(d.day)
	for _, w := range t.Waiting {
		if w.Day > d.day {
			continue
		}
		a.OnItsWay.Add(w.Amount)
		d.onItsWay[w.Bill] = true
		if w.Swept {
			continue
		}
		a.Closing += w.Amount
		if w.Day < d.day {
			a.Opening += w.Amount
			continue
		}
		of.Add(w.Amount)
		d.bills = append(d.bills, string(w.Bill))
	}
	a.Payments.Count += of.Count
	a.Payments.Amount += of.Amount
}

// addBills notes the bills of the day that were swept by the moment of asking.
func (d *statement) addBills(t AccountTakings, taken map[string]string) error {
	for field, ids := range taken {
		number, ours := strings.CutPrefix(field, accountField(t.Payee, t.Currency)+":")
		if !ours {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return fmt.Errorf("read %s: field %s names no sweep", takenHash(d.merchant, d.day), field)
		}
		if n > t.Number {
			continue // it left meanwhile
		}
		for id := range strings.FieldsSeq(ids) {
			d.bills = append(d.bills, billPrefix+id)
		}
	}
	return nil
}

// addSettlements adds what was paid out. Each payout says what the account was paid out
// ever, by the book of its moment: that is what opening and closing go by.
func (d *statement) addSettlements(ctx context.Context, begins time.Time) error {
	ends := begins.AddDate(0, 0, 1)
	r := d.store.Read(d.merchantPartition(d.merchant))
	ids, err := r.Members(ctx, settlementsSet(d.merchant), engine.Range{ByScore: true, Max: float64(ends.UnixMilli() - 1)})
	if err != nil {
		return unavailable("list settlements", err)
	}
	before, after := make(map[string]money.Amount), make(map[string]money.Amount)
	for chunk := range slices.Chunk(ids, mostOnPage) {
		kept, err := d.readSettlements(ctx, r, chunk)
		if err != nil {
			return err
		}
		for _, s := range kept {
			today := !s.At.Before(begins)
			for _, o := range s.Payouts {
				name := accountField(o.Payee, o.Currency)
				after[name] = o.Total
				if !today {
					before[name] = o.Total
					continue
				}
				d.account(o.Payee, o.Currency).Settlements.Add(o.Amount)
			}
			if today {
				d.settlements = append(d.settlements, s)
			}
		}
	}
	for name, a := range d.accounts {
		a.Opening -= before[name]
		a.Closing -= after[name]
	}
	return nil
}

func (d *statement) readSettlements(ctx context.Context, r engine.Reader, ids []string) ([]platform.Settlement, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = settlementKey(d.merchant, id)
	}
	texts, err := r.Get(ctx, keys...)
	if err != nil {
		return nil, unavailable("read settlements", err)
	}
	all := make([]platform.Settlement, len(ids))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &all[i]); err != nil {
			return nil, fmt.Errorf("read %s: %w", keys[i], err)
		}
	}
	return all, nil
}

// lines reads the movements as they are asked for.
func (d *statement) lines(ctx context.Context) iter.Seq2[platform.StatementLine, error] {
	return func(yield func(platform.StatementLine, error) bool) {
		for chunk := range slices.Chunk(d.bills, mostOnPage) {
			bills, err := d.readBills(ctx, chunk)
			if err != nil {
				yield(platform.StatementLine{}, err)
				return
			}
			for _, b := range bills {
				if b.ID != "" && !yield(d.payment(b), nil) {
					return
				}
			}
		}
		slices.SortFunc(d.returned, byTime)
		for _, line := range d.returned {
			if !yield(line, nil) {
				return
			}
		}
		for _, s := range d.settlements {
			for _, o := range s.Payouts {
				line := platform.StatementLine{
					Kind: platform.LineSettlement, At: s.At, Payee: o.Payee, Currency: o.Currency, Amount: -o.Amount, ID: s.ID,
				}
				if !yield(line, nil) {
					return
				}
			}
		}
	}
}

func (d *statement) payment(b platform.Bill) platform.StatementLine {
	return platform.StatementLine{
		Kind: platform.LinePayment, At: b.Paid, Payee: b.Payee, Currency: b.Currency, Amount: b.Amount, ID: string(b.ID),
		Reference: b.Reference, Payer: b.Phone.Masked(), OnItsWay: d.onItsWay[b.ID],
	}
}

// mostReads is how many bills of a page are read at the same time.
const mostReads = 32

// readBills reads bills, most of which are filed, in the order of their ids. One that is
// nowhere is empty.
func (d *statement) readBills(ctx context.Context, ids []string) ([]platform.Bill, error) {
	bills := make([]platform.Bill, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostReads)
	for i, id := range ids {
		group.Go(func() error {
			kept, err := d.find(ctx, platform.BillID(id))
			if isNotFound(err) {
				return nil
			}
			bills[i] = kept.Bill
			return err
		})
	}
	return bills, group.Wait()
}
