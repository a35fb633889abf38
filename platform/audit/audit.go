// Package audit recomputes the books from the journal and compares. It shares no
// code with the ledger or the rules: it reads the journal's postings as text and adds
// them up, so that an error there cannot hide itself.
//
// It checks, for every partition:
//   - that each event's postings sum to zero in each currency, that the balances that
//     are kept are the sums of the postings, and that they sum to zero too;
//   - that each bill's history goes on from where it was, by steps that the bill's table
//     allows, each naming the entry before it;
//   - that no bill was debited twice, nor for another amount than it asks;
//   - that every bill has its record, live with a deadline or filed under its day and
//     nowhere else, in the state where its history ended, and that there is no record
//     without a history;
//   - that every order's claims of its reference and of its idempotency key are kept and
//     name its bill, that its merchant's list has it, and that the list has no other;
//   - that the lists of callbacks have the live bills and the refunds whose callback has
//     failed, each in its own, and that endpoints are disabled as the journal has it;
//   - that phones are held, released and given new packet keys in turn, as their counters
//     have it, that the register and the merchants are those that the journal has, and
//     that each act of an operator says who did it and why;
//   - that sweeps are numbered in turn, but for those that a reconciliation has put right
//     and told of as such, that the numbers kept are the last ones, and that money of a
//     merchant waits for a sweep that is open or due;
//   - that money is paid out to merchants' banks by settlements only, from the home account to
//     the bank of the same account, once for an id, and that what is kept of them is that;
//   - that each act in the office's log began once, and is listed with what it came to;
//   - that the entries of the journal are chained, each to all before it, up to the head that
//     is kept: the first that does not fit is named, for it was changed, or one before it
//     left out or put in;
//   - that each refund went from pending to posted or voided once, that those of a bill
//     never came to more than its order asked for, and that they are kept as they were;
//   - that a refund whose merchant is still to be told has a deadline, and is found after a
//     restart;
//   - that each refund came to the card that was debited, once, and is kept so;
//   - that what a phone has paid in a day, as limits count it, is what the journal has;
//   - that the writer's fence, seq and cursor agree with the journal;
//   - that no effect beyond the cursor, no deadline and no pending refund is overdue by more
//     than [Late].
//
// Over all partitions it checks that each sweep and each refund arrived once and whole, or
// that the refund was voided, so that clearing holds the open ones, and that each bill was made for an order, at the order's amount.
//
// It reads a live store without stopping it. A partition has no moment at which all of it
// can be read, but its journal has every moment in order, and what is kept changes in one
// batch with it. So: the journal is read, then what is kept, then what the journal has
// added meanwhile; and what is kept must be what the journal came to at some moment
// between. What leaves no trace in the journal, such as filing, is looked at again, when
// that can only be right.
//
// Of a journal whose beginning was moved to an archive, with the archive all is checked from
// the first entry on, and the checkpoint too. Without it the audit begins from the
// checkpoint: the balances, and all that happened since, are checked as before; of a bill,
// phone or sweep from before, the first mention is believed.
//
// Left out: records of claims that the journal does not know (the store lists no keys),
// the phones' packet and PIN counters, and what is sealed. It holds a line for every bill
// in memory.
package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// Report is what an audit found. The books are right when Differences is empty.
type Report struct {
	Partitions      int              `json:"partitions"`
	Entries         int              `json:"entries"`          // of the journals
	Unchained       int              `json:"unchained"`        // of them: written before entries were chained
	Bills           int              `json:"bills"`            // ever made
	Paid            int              `json:"paid"`             // of them
	Refunds         int              `json:"refunds"`          // ever asked for, the voided ones included
	Acts            int              `json:"acts"`             // of operators: cards unlocked, phones released
	Settlements     int              `json:"settlements"`      // paid out to merchants' banks
	Logged          int              `json:"logged"`           // acts in the office's log
	DuplicateDebits int              `json:"duplicate_debits"` // bills debited more than once
	Sums            map[string]int64 `json:"sums"`             // of all balances, by currency; zero each
	Clearing        map[string]int64 `json:"clearing"`         // on its way between partitions, by currency
	Differences     []string         `json:"differences"`      // in words, each with the key to look at
	Overdue         []string         `json:"overdue"`          // what should have been done, in the same way
}

// OK says that nothing differs and nothing is overdue.
func (r *Report) OK() bool { return len(r.Differences) == 0 && len(r.Overdue) == 0 }

// LedgerSum is what all balances sum to over all currencies; anything but zero is wrong.
func (r *Report) LedgerSum() int64 {
	var off int64
	for _, sum := range r.Sums {
		off += max(sum, -sum)
	}
	return off
}

func (r *Report) differ(format string, args ...any) {
	r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
}

// Run audits a store of so many partitions. The error is for a store that cannot be
// read; what differs is in the report.
func Run(ctx context.Context, store engine.Store, partitions int) (*Report, error) {
	for look := 1; ; look++ {
		report, moved, err := run(ctx, store, partitions)
		if err != nil || !moved || look == looks {
			return report, err
		}
	}
}

// run audits a store. moved says that a journal's beginning was moved to the archive
// meanwhile, so that something may be missing that is not.
func run(ctx context.Context, store engine.Store, partitions int) (r *Report, moved bool, err error) {
	report := &Report{
		Partitions: partitions, Sums: map[string]int64{}, Clearing: map[string]int64{}, Differences: []string{}, Overdue: []string{},
	}
	onTheWay, all := newTransit(), make([]*books, 0, partitions)
	claimed, newest := claims{}, time.Time{}
	for n := range partitions {
		b := newBooks(n, report, onTheWay, claimed, store.Read(engine.Partition(n)))
		_, b.whole = store.(Archived)
		err := b.readCheckpoint(ctx)
		if err == nil {
			err = b.readMarks(ctx)
		}
		if err == nil {
			err = b.journal.follow(ctx)
		}
		if err != nil {
			return nil, false, fmt.Errorf("audit partition %d: %w", n, err)
		}
		if b.journal.newest.After(newest) {
			newest = b.journal.newest
		}
		all = append(all, b)
	}
	cut := newCuts(all)
	onTheWay.cuts = cut
	for _, b := range all {
		b.cuts = cut
		if err := b.audit(ctx, newest); err != nil {
			return nil, false, fmt.Errorf("audit partition %d: %w", b.partition, err)
		}
	}
	if err := catchUp(ctx, all, onTheWay); err != nil {
		return nil, false, err
	}
	for _, b := range all {
		b.compareOrders()
	}
	onTheWay.compare(report)
	slices.Sort(report.Differences)
	for _, b := range all {
		now, err := b.moved(ctx)
		if err != nil {
			return nil, false, fmt.Errorf("audit partition %d: %w", b.partition, err)
		}
		if now {
			return report, true, nil
		}
	}
	return report, false, nil
}

// catchUp reads the journals on when something was seen to arrive that was not seen to
// leave: a sweep may have left and come home, and an order been claimed and its bill made,
// after the partition it came from was read. What arrives only now is for the next audit.
func catchUp(ctx context.Context, all []*books, onTheWay *transit) error {
	onTheWay.freeze()
	wanting := onTheWay.unexplained()
	for _, b := range all {
		b.noteUnclaimed()
		wanting = wanting || len(b.unclaimed) > 0
	}
	if !wanting {
		return nil
	}
	for _, b := range all {
		if err := b.journal.follow(ctx); err != nil {
			return fmt.Errorf("audit partition %d: %w", b.partition, err)
		}
	}
	return nil
}

func currency(account string) string { return account[strings.LastIndexByte(account, ':')+1:] }
