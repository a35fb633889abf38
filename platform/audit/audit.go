// Package audit recomputes the books from the journal and compares. It shares no
// code with the ledger or the rules: it reads the journal's postings as text and adds
// them up, so that an error there cannot hide itself.
//
// It checks, for every partition: that each event's postings sum to zero in each
// currency, and the balances that are kept too; that these are the sums of the
// postings; that each bill's history goes on from where it was, by steps that the
// bill's table allows, each naming the entry before it; that no bill was debited twice,
// nor for another amount than it asks; that every bill has its record, live with a
// deadline or filed under its day, in the state where its history ended; and that
// there is no record without a history; that phones are held, released and given new
// packet keys in turn, as their counters have it, and that each act of an operator says
// who did it and why. Over all partitions it checks that each sweep
// arrived once and whole.
//
// It reads a live store without stopping it: what was kept when it looked must be what
// the journal came to at some moment between before and after the look.
//
// Left out: the merchants' indexes and claims, the phones' packet and PIN counters, what
// is sealed, and the effects that are overdue. It holds a line for every bill in memory.
package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// Report is what an audit found. The books are right when Differences is empty.
type Report struct {
	Partitions      int              `json:"partitions"`
	Entries         int              `json:"entries"`          // of the journals
	Bills           int              `json:"bills"`            // ever made
	Paid            int              `json:"paid"`             // of them
	Acts            int              `json:"acts"`             // of operators: cards unlocked, phones released
	DuplicateDebits int              `json:"duplicate_debits"` // bills debited more than once
	Sums            map[string]int64 `json:"sums"`             // of all balances, by currency; zero each
	Clearing        map[string]int64 `json:"clearing"`         // on its way between partitions, by currency
	Differences     []string         `json:"differences"`
}

// OK says that nothing differs.
func (r *Report) OK() bool { return len(r.Differences) == 0 }

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
	report := &Report{
		Partitions: partitions, Sums: map[string]int64{}, Clearing: map[string]int64{}, Differences: []string{},
	}
	onTheWay := newTransit()
	all := make([]*books, 0, partitions)
	for n := range partitions {
		b := newBooks(n, report, onTheWay, store.Read(engine.Partition(n)))
		if err := b.audit(ctx); err != nil {
			return nil, fmt.Errorf("audit partition %d: %w", n, err)
		}
		all = append(all, b)
	}
	// A sweep may have left, and come home, after its origin was read.
	for _, b := range all {
		if !onTheWay.unexplained() {
			break
		}
		if err := b.journal.follow(ctx); err != nil {
			return nil, fmt.Errorf("audit partition %d: %w", b.partition, err)
		}
	}
	onTheWay.compare(report)
	slices.Sort(report.Differences)
	return report, nil
}

func currency(account string) string { return account[strings.LastIndexByte(account, ':')+1:] }
