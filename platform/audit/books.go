package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

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

	checkpoint checkpoint
	opening    map[string]string // balances at it
	whole      bool              // what was before it can be read in the archive
	cut        bool              // what was before it cannot be read
	cuts       cuts              // of all partitions

	marks  marks
	before string // the last entry when they were read

	kept      map[string]string            // balances
	counters  map[string]string            // of phones
	phones    map[string]string            // the register
	merchants map[string]string            // contracts
	sweeps    map[string]string            // the last out of each sub-account
	swept     map[string]string            // the last taken in, by origin
	endpoints map[string]string            // that do not take callbacks
	due       map[string]bool              // bills and sweeps with a deadline
	live      map[string]string            // records of bills
	finished  map[string]map[string]string // by day
	asks      map[string]string            // amounts of bills
	unclaimed []string                     // bills that were seen before their claims
}

func newBooks(partition int, report *Report, t *transit, all claims, r engine.Reader) *books {
	b := &books{
		partition: partition, report: report, transit: t, reader: r,
		live: map[string]string{}, finished: map[string]map[string]string{}, asks: map[string]string{},
	}
	b.journal = &journal{
		books: b, balances: map[string]moments[int64]{}, lives: map[string]moments[life]{}, standings: map[string]moments[standing]{},
		sweeps: map[string]moments[sweep]{}, swept: map[string]moments[uint64]{}, merchants: map[string]bool{}, disabled: map[string]moments[bool]{}, claims: all, own: map[string]bool{}, payouts: map[string]settlement{}, logged: map[string]moments[string]{},
		steps: steps(), made: map[string]bool{},
		refunds: map[string]moments[refund]{}, refunded: map[string][]string{}, given: map[string]int64{}, credits: map[string]credit{},
		cards: map[string]string{}, spent: map[string]spent{},
	}
	return b
}

// differ notes a difference, and the key to look at.
func (b *books) differ(key, format string, args ...any) {
	b.report.Differences = append(b.report.Differences, b.say(key, format, args...))
}

func (b *books) say(key, format string, args ...any) string {
	return fmt.Sprintf("partition %d: %s; look at %s", b.partition, fmt.Sprintf(format, args...), b.key(key))
}

// key is a name in the store, with the partition.
func (b *books) key(name string) string {
	return "{" + engine.Partition(b.partition).String() + "}:" + name
}

// audit follows the journal, looks at what is kept, follows what came meanwhile, and compares.
func (b *books) audit(ctx context.Context, newest time.Time) error {
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
	b.compareMarks()
	b.compareEndpoints()
	b.compareChain()
	for _, compare := range []func(context.Context) error{
		b.compareBills, b.compareCallbacks, b.compareFiled, b.compareMerchants, b.compareSweeps, b.compareRefunds, b.compareCredits,
		b.compareSettlements, b.compareActs,
		func(ctx context.Context) error { return b.overdue(ctx, newest) },
	} {
		if err := compare(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readKept reads the writer's marks, balances and other hashes, deadlines, live records and
// filed ones, in this order: a bill that is filed meanwhile is found where it goes.
func (b *books) readKept(ctx context.Context) (err error) {
	if err := b.readMarks(ctx); err != nil {
		return err
	}
	b.journal.chain.look()
	for _, hash := range []struct {
		name string
		into *map[string]string
	}{
		{"balances", &b.kept}, {"counters", &b.counters}, {"phones", &b.phones}, {"merchants", &b.merchants}, {"sweeps", &b.sweeps}, {"swept", &b.swept}, {"endpoints", &b.endpoints},
	} {
		if *hash.into, err = b.reader.Fields(ctx, hash.name); err != nil {
			return err
		}
		if *hash.into == nil {
			*hash.into = map[string]string{}
		}
	}
	if err := b.readDue(ctx); err != nil {
		return err
	}
	known := make(map[string]bool)
	for id := range b.due {
		if isBill(id) {
			known[id] = true
		}
	}
	for id := range b.journal.lives {
		known[id] = true
	}
	if err := b.readRecords(ctx, slices.Sorted(maps.Keys(known))); err != nil {
		return err
	}
	return b.readFinished(ctx, known)
}

// readDue reads which bills and sweeps have a deadline.
func (b *books) readDue(ctx context.Context) error {
	ids, err := b.reader.Members(ctx, engine.DueSet, engine.Range{})
	b.due = make(map[string]bool, len(ids))
	for _, name := range ids {
		b.due[dueOf(name)] = true
	}
	return err
}

// dueOf is what a deadline is of: a bill, whose phone the name also says, or a sweep.
func dueOf(name string) string {
	if id, _, _ := strings.Cut(name, ":"); isBill(id) {
		return id
	}
	return name
}

func recordKey(id string) string { return "bill:" + id }

func filedKey(id string) string { return "finished:" + platform.BillID(id).Day() }

func (b *books) readRecords(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, pageSize) {
		names := make([]string, len(chunk))
		for i, id := range chunk {
			names[i] = recordKey(id)
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
			b.differ("balances", "%s holds %d, the journal says %d", account, kept, m.now())
		}
	}
	for account := range b.kept {
		if len(b.journal.balances[account]) == 0 && b.balance(account) != 0 {
			b.differ("balances", "%s holds %d, the journal knows nothing of it", account, b.balance(account))
		}
		sums[currency(account)] += b.balance(account)
	}
	for c, sum := range sums {
		b.report.Sums[c] += sum
		if sum != 0 {
			b.differ("balances", "the books sum to %d %s, not to zero", sum, c)
		}
	}
}

func (b *books) balance(account string) int64 {
	text, ok := b.kept[account]
	n, err := strconv.ParseInt(text, 10, 64)
	if ok && err != nil {
		b.differ("balances", "the balance of %s is %q, no whole number", account, text)
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
		case isFiled && !m.now().final && !m.now().partial:
			b.differ(filedKey(id), "%s is filed, but its merchant has not acknowledged it", id)
		case isFiled:
			b.compareRecord(filedKey(id), id, filed, m)
		case isLive && b.due[id]:
			b.compareRecord(recordKey(id), id, text, m)
		case isLive:
			b.differ(engine.DueSet, "%s has a record but no deadline", id)
		case b.forgotten(id) && m.now().final:
			// it is in the archive
		default:
			gone = append(gone, id)
		}
	}
	for id := range b.due {
		if isBill(id) && len(b.journal.lives[id]) == 0 && !(b.forgotten(id) && b.live[id] != "") {
			gone = append(gone, id)
		}
	}
	for day, fields := range b.finished {
		for id := range fields {
			if len(b.journal.lives[id]) == 0 && !b.forgotten(id) {
				b.differ("finished:"+day, "%s is filed but has no history", id)
			} else if platform.BillID(id).Day() != day {
				b.differ("finished:"+day, "%s is filed under the wrong day", id)
			}
		}
	}
	return b.missing(ctx, gone)
}

// compareRecord says what of a record is not as its history has it, at any moment of the look.
func (b *books) compareRecord(key, id, text string, m moments[life]) {
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		b.differ(key, "%s has no readable record", id)
		return
	}
	if !slices.ContainsFunc(m, func(l life) bool { return l.state == r.State }) {
		b.differ(key, "%s is %q, its history ended in %q", id, r.State, m.now().state)
	}
	b.asks[id] = r.Amount.String()
	l := m.now()
	paid := l.state == string(bill.Paid) || l.state == string(bill.Settled)
	switch {
	case paid && l.debits == 0 && l.partial: // it was paid before
	case paid && l.debits == 0:
		b.differ(key, "%s is %s and nobody was debited", id, l.state)
	case !paid && l.debits > 0:
		b.differ(key, "%s is %s, but was debited", id, l.state)
	case l.debits == 1 && strconv.FormatInt(l.debit, 10) != r.Amount.String():
		b.differ(key, "%s asks for %s and was debited %d", id, r.Amount, l.debit)
	}
}

// missing looks once more for bills that were found nowhere: one that had a deadline
// when it was looked for may have been filed since, and one that was filed be live again.
func (b *books) missing(ctx context.Context, ids []string) error {
	slices.Sort(ids)
	for _, id := range ids {
		m := b.journal.lives[id]
		key := filedKey(id)
		text, found, err := b.reader.Field(ctx, key, id)
		if err == nil && !found {
			var texts []string
			key = recordKey(id)
			if texts, err = b.reader.Get(ctx, key); err == nil {
				text, found = texts[0], texts[0] != ""
			}
		}
		switch {
		case err != nil:
			return err
		case len(m) == 0:
			b.differ(engine.DueSet, "%s has a deadline but no history", id)
		case found:
			b.compareRecord(key, id, text, m)
		case b.due[id]:
			b.differ(recordKey(id), "%s has a deadline but no record", id)
		default:
			b.differ(recordKey(id), "%s was %s and has no record", id, m.now().state)
		}
	}
	return nil
}

// compareFiled makes sure that a bill that is filed is nowhere else. It was filed in one
// batch, so what is still there when it is looked at again is left over.
func (b *books) compareFiled(ctx context.Context) error {
	var suspects []string
	for _, fields := range b.finished {
		for id := range fields {
			if _, live := b.live[id]; live || b.due[id] {
				suspects = append(suspects, id)
			}
		}
	}
	if len(suspects) == 0 {
		return nil
	}
	slices.Sort(suspects)
	clear(b.live)
	if err := b.readRecords(ctx, suspects); err != nil {
		return err
	}
	if err := b.readDue(ctx); err != nil {
		return err
	}
	for _, id := range suspects {
		if b.live[id] != "" {
			b.differ(recordKey(id), "%s is filed and still has a record", id)
		}
		if b.due[id] {
			b.differ(engine.DueSet, "%s is filed and still has a deadline", id)
		}
	}
	return nil
}
