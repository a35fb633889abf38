package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// books are one partition's, recomputed and as they are kept.
type books struct {
	partition int
	report    *Report
	transit   *transit
	reader    engine.Reader
	journal   *journal

	kept     map[string]string            // balances
	counters map[string]string            // of phones
	due      map[string]bool              // bills with a deadline
	live     map[string]string            // records of bills
	finished map[string]map[string]string // by day
}

func newBooks(partition int, report *Report, t *transit, r engine.Reader) *books {
	b := &books{
		partition: partition, report: report, transit: t, reader: r,
		due: map[string]bool{}, live: map[string]string{}, finished: map[string]map[string]string{},
	}
	b.journal = &journal{books: b, balances: map[string]moments[int64]{}, lives: map[string]moments[life]{}, standings: map[string]moments[standing]{}, steps: steps(), made: map[string]bool{}}
	return b
}

func (b *books) differ(format string, args ...any) {
	b.report.differ("partition %d: "+format, append([]any{b.partition}, args...)...)
}

// audit follows the journal, looks at what is kept, follows what came meanwhile, and compares.
func (b *books) audit(ctx context.Context) error {
	if err := b.journal.follow(ctx); err != nil {
		return err
	}
	b.journal.looking = true
	if err := b.readKept(ctx); err != nil {
		return err
	}
	if err := b.journal.follow(ctx); err != nil {
		return err
	}
	b.compareBalances()
	b.compareStandings()
	return b.compareBills(ctx)
}

// readKept reads balances, counters, deadlines, live records and filed ones, in this order: a
// bill that is filed meanwhile is found where it goes.
func (b *books) readKept(ctx context.Context) (err error) {
	if b.kept, err = b.reader.Fields(ctx, "balances"); err != nil {
		return err
	}
	if b.counters, err = b.reader.Fields(ctx, "counters"); err != nil {
		return err
	}
	ids, err := b.reader.Members(ctx, engine.DueSet, engine.Range{})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if isBill(id) {
			b.due[id] = true
		}
	}
	known := maps.Clone(b.due)
	for id := range b.journal.lives {
		known[id] = true
	}
	if err := b.readRecords(ctx, slices.Sorted(maps.Keys(known))); err != nil {
		return err
	}
	return b.readFinished(ctx, known)
}

func (b *books) readRecords(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, pageSize) {
		names := make([]string, len(chunk))
		for i, id := range chunk {
			names[i] = "bill:" + id
		}
		texts, err := b.reader.Get(ctx, names...)
		if err != nil {
			return err
		}
		for i, text := range texts {
			if text != "" {
				b.live[chunk[i]] = text
			}
		}
	}
	return nil
}

func (b *books) readFinished(ctx context.Context, ids map[string]bool) error {
	for id := range ids {
		day := platform.BillID(id).Day()
		if b.finished[day] != nil {
			continue
		}
		fields, err := b.reader.Fields(ctx, "finished:"+day)
		if err != nil {
			return err
		}
		b.finished[day] = fields
		if fields == nil {
			b.finished[day] = map[string]string{}
		}
	}
	return nil
}

// compareBalances holds the balances that are kept against those the journal comes to.
func (b *books) compareBalances() {
	sums := map[string]int64{}
	for account, m := range b.journal.balances {
		if kept := b.balance(account); !slices.Contains(m, kept) {
			b.differ("%s holds %d, the journal says %d", account, kept, m.now())
		}
	}
	for account := range b.kept {
		if len(b.journal.balances[account]) == 0 && b.balance(account) != 0 {
			b.differ("%s holds %d, the journal knows nothing of it", account, b.balance(account))
		}
		sums[currency(account)] += b.balance(account)
	}
	for c, sum := range sums {
		b.report.Sums[c] += sum
		if sum != 0 {
			b.differ("the books sum to %d %s, not to zero", sum, c)
		}
	}
}

func (b *books) balance(account string) int64 {
	text, ok := b.kept[account]
	n, err := strconv.ParseInt(text, 10, 64)
	if ok && err != nil {
		b.differ("the balance of %s is %q, no whole number", account, text)
		b.kept[account] = "0"
	}
	return n
}

// record is what this package reads of a bill's record.
type record struct {
	State  string      `json:"state"`
	Amount json.Number `json:"amount"`
}

// compareBills holds every bill's record against its history.
func (b *books) compareBills(ctx context.Context) error {
	var gone []string
	for id, m := range b.journal.lives {
		if b.journal.made[id] { // while the rest was read
			continue
		}
		filed, isFiled := b.finished[platform.BillID(id).Day()][id]
		text, isLive := b.live[id]
		switch {
		case isFiled && !m.now().final:
			b.differ("%s is filed, but its merchant has not acknowledged it", id)
		case isFiled:
			b.compareRecord(id, filed, m)
		case isLive && b.due[id]:
			b.compareRecord(id, text, m)
		case isLive:
			b.differ("%s has a record but no deadline", id)
		default:
			gone = append(gone, id)
		}
	}
	for id := range b.due {
		if len(b.journal.lives[id]) == 0 {
			gone = append(gone, id)
		}
	}
	for _, fields := range b.finished {
		for id := range fields {
			if len(b.journal.lives[id]) == 0 {
				b.differ("%s is filed but has no history", id)
			}
		}
	}
	return b.missing(ctx, gone)
}

// compareRecord says what of a record is not as its history has it, at any moment of the look.
func (b *books) compareRecord(id, text string, m moments[life]) {
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		b.differ("%s has no readable record", id)
		return
	}
	if !slices.ContainsFunc(m, func(l life) bool { return l.state == r.State }) {
		b.differ("%s is %q, its history ended in %q", id, r.State, m.now().state)
	}
	l := m.now()
	paid := l.state == string(bill.Paid) || l.state == string(bill.Settled)
	switch {
	case paid && l.debits == 0:
		b.differ("%s is %s and nobody was debited", id, l.state)
	case !paid && l.debits > 0:
		b.differ("%s is %s, but was debited", id, l.state)
	case l.debits == 1 && strconv.FormatInt(l.debit, 10) != r.Amount.String():
		b.differ("%s asks for %s and was debited %d", id, r.Amount, l.debit)
	}
}

// missing looks once more for bills that were found nowhere: one that had a deadline
// when it was looked for may have been filed since.
func (b *books) missing(ctx context.Context, ids []string) error {
	slices.Sort(ids)
	for _, id := range ids {
		m := b.journal.lives[id]
		text, filed, err := b.reader.Field(ctx, "finished:"+platform.BillID(id).Day(), id)
		switch {
		case err != nil:
			return err
		case len(m) == 0:
			b.differ("%s has a deadline but no history", id)
		case filed:
			b.compareRecord(id, text, m)
		case b.due[id]:
			b.differ("%s has a deadline but no record", id)
		default:
			b.differ("%s was %s and has no record", id, m.now().state)
		}
	}
	return nil
}
