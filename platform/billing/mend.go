package billing

import (
	"fmt"
	"strconv"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// What a reconciliation posts. Each is decided here once more, by what the partition has
// when it comes: a repeat does nothing, and what cannot be is refused with the reason.

// Reconciling notes that a reconciliation begins. Because it is kept, its answer says that
// the partition's memory is what the store has: what was lost with a master is lost in
// memory too, and an input is not taken for a repeat of what is not there any more.
type Reconciling struct{}

// RestoreSweep is a sweep that is closed where it left and was never applied at home. Seen
// is the last number that home had taken in from there when its journal was read: one up
// to it cannot come by itself any more.
type RestoreSweep struct {
	Sweep ApplySweep
	Seen  uint64
}

// RedoSweep is a sweep that home has applied and its origin does not know.
type RedoSweep struct{ Sweep ApplySweep }

// CorrectSweep is a sweep that home has applied with another sum than its origin has it
// at, which is Was.
type CorrectSweep struct {
	Sweep ApplySweep // as home has it
	Was   money.Amount
}

// RestoreClaim is the claim of a bill that has none, or that is not in its merchant's
// list. Its source has looked at the store, as of the batch Looked: the order is not claimed
// for another bill. Claimed says that the journal has the claim.
type RestoreClaim struct {
	Open    Open
	Claimed bool
	Looked  uint64
}

// mendedHash says which sweeps were put right out of their turn.
const mendedHash = "mended"

// reconciling keeps when the last reconciliation was.
func (p *Partition) reconciling(tx *engine.Tx) {
	tx.Put("reconciled", tx.Now().Format(time.RFC3339Nano))
}

// mendOnce says whether something was put right before, and notes that it now is.
func (p *Partition) mendOnce(tx *engine.Tx, what string, amount money.Amount) (first bool) {
	if _, done := p.mended[what]; done {
		return false
	}
	p.mended[what] = amount
	tx.SetField(mendedHash, what, strconv.FormatInt(int64(amount), 10))
	return true
}

// sweepName is how both partitions know one sweep.
func (s ApplySweep) sweepName() string {
	return fmt.Sprintf("%s:%d", originKey(int(s.From), s.Payee, s.Currency), s.Number)
}

// restoreSweep takes in, out of its turn if need be, what home has missed.
func (p *Partition) restoreSweep(tx *engine.Tx, in RestoreSweep) {
	s := in.Sweep
	if s.Number > in.Seen { // it may still come by itself
		p.applySweep(tx, s)
		return
	}
	if !p.mendOnce(tx, "in:"+s.sweepName(), s.Amount) {
		return
	}
	moves := ledger.Move(ledger.Clearing(s.Currency), ledger.Home(s.Payee, s.Currency), s.Amount)
	p.post(tx, moves)
	p.recordSweep(tx, s.sweepName(), "sweep_late", moves)
}

// redoSweep sends a sweep again that home has: under its number and with its sum, and it
// is closed at once.
func (p *Partition) redoSweep(tx *engine.Tx, in RedoSweep) error {
	s, sub := in.Sweep, ledger.Sub(in.Sweep.Payee, in.Sweep.Currency)
	pl, ok := p.pools[sub]
	if !ok {
		pl = &pool{}
	}
	switch {
	case s.Number <= pl.Number:
		return nil // it is known by now; whether with that sum, the next look says
	case pl.Open:
		return illegalSweep("the sweep before it is not closed yet; reconcile again")
	case s.Number != pl.Number+1:
		return illegalSweep(fmt.Sprintf("the sweeps from number %d to %d are not known on either side", pl.Number+1, s.Number-1))
	case p.book.Balance(sub) < s.Amount:
		return illegalSweep(fmt.Sprintf("%s holds %d: what was paid here is lost, and home has it", sub, p.book.Balance(sub)))
	}
	pl = p.pool(sub, platform.Bill{Payee: s.Payee, Currency: s.Currency})
	pl.Number, pl.Amount, pl.At = s.Number, s.Amount, tx.Now()
	if p.book.Balance(sub) == s.Amount { // it paid for all that wait
		p.bookTakings(tx, pl, pl.byPayment())
	}
	moves := ledger.Move(sub, ledger.Clearing(s.Currency), s.Amount)
	p.post(tx, moves)
	p.keepPool(tx, sub, pl)
	p.recordSweep(tx, sub, "sweep_out", moves, p.sweepEffect(sub, pl))
	p.drained(tx, sub, pl)
	return nil
}

// correctSweep makes what left as much as what home has applied.
func (p *Partition) correctSweep(tx *engine.Tx, in CorrectSweep) error {
	s, sub := in.Sweep, ledger.Sub(in.Sweep.Payee, in.Sweep.Currency)
	pl, ok := p.pools[sub]
	missing := s.Amount - in.Was // of what left
	switch {
	case !ok || s.Number > pl.Number || s.Number == pl.Number && pl.Open:
		return illegalSweep("the sweep is not closed yet; reconcile again")
	case p.book.Balance(sub) < missing:
		return illegalSweep(fmt.Sprintf("%s holds %d, and %d more are needed: what was paid here is lost, and home has it", sub, p.book.Balance(sub), missing))
	case !p.mendOnce(tx, fmt.Sprintf("out:%s:%d:%d", s.sweepName(), in.Was, s.Amount), missing):
		return nil
	}
	moves := ledger.Move(sub, ledger.Clearing(s.Currency), missing)
	p.post(tx, moves)
	p.recordSweep(tx, fmt.Sprintf("%s:%d", sub, s.Number), "sweep_corrected", moves)
	p.drained(tx, sub, pl)
	return nil
}

// drained goes on after something was put right: what is left waits for the next sweep;
// when nothing is, all bills that wait were paid for.
func (p *Partition) drained(tx *engine.Tx, sub string, pl *pool) {
	if p.book.Balance(sub) > 0 {
		p.wakeSweep(tx, sub, pl)
		return
	}
	if pl.Open {
		return
	}
	tx.NoWake(sweepID(sub))
	for _, ref := range pl.inOrder() {
		p.settleBill(tx, pl, ref, "a sweep that home has was put right here")
	}
}

func illegalSweep(detail string) error {
	return &platform.Error{Code: platform.CodeIllegalState, Field: "sweep", Detail: detail}
}

// restoreClaim claims a bill's order again, and puts the bill in its merchant's list.
func (p *Partition) restoreClaim(tx *engine.Tx, in RestoreClaim) error {
	contract, ok := p.merchants[in.Open.Merchant]
	if !ok {
		return &platform.Error{Code: platform.CodeNotFound, Field: "merchant", Detail: "merchant " + string(in.Open.Merchant) + " is not here any more"}
	}
	p.recent.forget(tx.Now().Add(-claimsKept))
	if in.Looked < p.recent.since {
		return ErrLookAgain
	}
	open := in.Open
	open.MerchantName = contract.Name
	names := claimKeys(open.Merchant, open.Order)
	for _, name := range names {
		if earlier, ok := p.recent.claims[name]; ok {
			if earlier.Open.ID == open.ID {
				return nil
			}
			return claimedFor(earlier.Open.ID)
		}
	}
	if in.Claimed {
		p.keepClaim(tx, names, open)
		return nil
	}
	p.stageClaim(tx, names, open)
	return nil
}

func claimedFor(id platform.BillID) error {
	return &platform.Error{
		Code: platform.CodeReferenceTaken, Field: "reference",
		Detail: "the order was taken again, and is " + string(id) + " now: cancel or refund one of them",
	}
}
