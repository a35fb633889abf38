// Package reconcile finds what one partition knows and another has lost.
//
// A failover to a replica that lags, or a master that is restored from an old copy, takes
// some partitions back to an earlier moment: each of them is whole, and as it was then. What
// had gone between them since is then known on one side only:
//
//   - a sweep has left its origin and is closed there, and home has not applied it: the
//     money is in neither;
//   - home has applied a sweep that its origin does not know: the next one would have its
//     number, and never be applied;
//   - both know a sweep of that number, with different sums, because that has happened;
//   - an order was claimed and its bill is gone;
//   - a bill is there whose claim is gone, or its place in its merchant's list: its order
//     would be taken again.
//
// [Find] decides purely from what is kept; what repairs a finding is posted to the engine
// by package billing, where it is decided again, once. A live store can be looked at: a
// finding is only what cannot be on its way any more.
//
// Not found here, because only one side ever knew it: a payment that was taken back with
// its partition, though its merchant and its payer were told of it; and an enrolment.
package reconcile

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// Finding is one thing that one partition knows and another does not.
type Finding struct {
	Kind   platform.FindingKind
	At     engine.Partition // that has lost it
	Key    string           // to look at, without the partition
	Detail string           // in words

	Sweep Sweep  // of the kinds that are about one
	Seen  uint64 // the last number that home had taken in from there
	Was   int64  // what its origin has it at, where that differs

	Bill    platform.BillID // of the kinds that are about one
	Claim   json.RawMessage // as the merchant's partition has it, sealed; none where it is gone
	Claimed bool            // the journal has the claim
}

// Sweep is one sweep: what left, or what arrived.
type Sweep struct {
	From     engine.Partition `json:"from"`
	Number   uint64           `json:"number"`
	Payee    string           `json:"payee"`
	Currency string           `json:"currency"`
	Amount   int64            `json:"amount"`
}

// Look says the key of the store that a finding is about.
func (f Finding) Look() string { return "{" + f.At.String() + "}:" + f.Key }

// Homes says where accounts and merchants are at home.
type Homes interface {
	PayeeHome(payee string) engine.Partition
	MerchantHome(m platform.MerchantID) engine.Partition
}

// Find looks at a store of so many partitions. Findings that must be repaired one before
// the other are in that order.
func Find(ctx context.Context, store engine.Store, partitions int, homes Homes) ([]Finding, error) {
	l := &look{homes: homes}
	for n := range partitions {
		l.sides = append(l.sides, newSide(engine.Partition(n), store.Read(engine.Partition(n))))
	}
	// What is closed is read first, then what has arrived, then what has left: whatever is
	// on its way meanwhile looks like something that is still to come, and like no loss.
	for _, read := range []func(*side, context.Context) error{(*side).readMarks, (*side).follow, (*side).again, (*side).readSweeps} {
		for _, s := range l.sides {
			if err := read(s, ctx); err != nil {
				return nil, fmt.Errorf("look at partition %d: %w", s.number, err)
			}
		}
	}
	findings := l.sweeps()
	bills, err := l.bills(ctx)
	return append(findings, bills...), err
}

// look is one look at all partitions.
type look struct {
	homes Homes
	sides []*side
}
