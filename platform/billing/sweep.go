package billing

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
)

// A payment credits the payee's sub-account in the payer's partition, so that it is
// one transfer in one batch. A sweep carries the sub-account's sum home: out of it
// into clearing here, out of clearing into the home account there, under a number
// that rises by payee, currency and origin, so that applying it twice is once. When
// home has it, the bills it paid for are settled. One sweep of a sub-account is on
// its way at a time.

// earn notes a paid bill for the next sweep.
func (p *Partition) earn(tx *engine.Tx, r *record) {
	sub := ledger.Sub(r.Payee, r.Currency)
	pl := p.pool(sub, r.Bill)
	pl.waiting[r.ID.Ref()] = r
	p.wakeSweep(tx, sub, pl)
}

func (p *Partition) pool(sub string, b platform.Bill) *pool {
	pl, ok := p.pools[sub]
	if !ok {
		pl = &pool{Payee: b.Payee, Currency: b.Currency, waiting: make(map[applet.BillRef]*record)}
		p.pools[sub] = pl
	}
	return pl
}

func (p *Partition) wakeSweep(tx *engine.Tx, sub string, pl *pool) {
	if !pl.Open {
		tx.Wake(sweepID(sub), later(tx.Now(), pl.At.Add(p.config.Timing.SweepEvery)))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sweep sends a sub-account's sum home.
func (p *Partition) sweep(tx *engine.Tx, sub string) {
	pl, ok := p.pools[sub]
	amount := p.book.Balance(sub)
	if !ok || pl.Open || amount == 0 {
		tx.NoWake(sweepID(sub))
		return
	}
	pl.Number++
	pl.Amount, pl.Open, pl.At = amount, true, tx.Now()
	paid := pl.byPayment()
	for _, r := range paid {
		r.Sweep = pl.Number
		tx.Put(recordKey(r.ID), r)
	}
	p.bookTakings(tx, pl, paid)
	moves := ledger.Move(sub, ledger.Clearing(pl.Currency), amount)
	p.post(tx, moves)
	p.keepPool(tx, sub, pl)
	tx.NoWake(sweepID(sub))
	p.recordSweep(tx, sub, "sweep_out", moves, p.sweepEffect(sub, pl))
}

// sweepEffect brings home what has left.
func (p *Partition) sweepEffect(sub string, pl *pool) engine.Effect {
	in := p.sweptOf(pl)
	return engine.Effect{
		ID: sweepID(sub) + ":" + strconv.FormatUint(pl.Number, 10), Kind: EffectSweep, Lane: sweepID(sub), Body: body(in), Value: in,
	}
}

func (p *Partition) keepPool(tx *engine.Tx, sub string, pl *pool) {
	tx.SetField("sweeps", sub, encode(pl))
}

func (p *Partition) recordSweep(tx *engine.Tx, sub, name string, moves []platform.Posting, effects ...engine.Effect) {
	tx.Record(engine.Event{
		Subject: sub, Name: name, Cause: CauseLedger, Data: story{Postings: moves}, Effects: effects,
	})
}

// applySweep takes a sweep in at home, once.
func (p *Partition) applySweep(tx *engine.Tx, in ApplySweep) {
	origin := originKey(int(in.From), in.Payee, in.Currency)
	if in.Number <= p.swept[origin] && !fault.Planted(fault.UncountedSweep) {
		return
	}
	home := ledger.Home(in.Payee, in.Currency)
	moves := ledger.Move(ledger.Clearing(in.Currency), home, in.Amount)
	p.swept[origin] = in.Number
	tx.SetField("swept", origin, fmt.Sprint(in.Number))
	p.post(tx, moves)
	p.recordSweep(tx, fmt.Sprintf("%s:%d", origin, in.Number), "sweep_in", moves)
}

// sweepApplied settles the bills whose money has come home.
func (p *Partition) sweepApplied(tx *engine.Tx, in Swept) {
	pl, ok := p.pools[in.Sub]
	if !ok || !pl.Open || in.Number != pl.Number {
		return
	}
	pl.Open = false
	p.keepPool(tx, in.Sub, pl)
	for _, ref := range pl.inOrder() {
		if pl.waiting[ref].Sweep == in.Number {
			p.settleBill(tx, pl, ref, fmt.Sprintf("sweep %d came home", in.Number))
		}
	}
	if p.book.Balance(in.Sub) > 0 {
		p.wakeSweep(tx, in.Sub, pl)
	}
}

// settleBill settles a bill whose money has come home.
func (p *Partition) settleBill(tx *engine.Tx, pl *pool, ref applet.BillRef, how string) {
	r := pl.waiting[ref]
	delete(pl.waiting, ref)
	path, err := p.path(r, bill.Settle, p.facts(tx, r))
	if err != nil {
		p.config.Log.Error().Err(err).Str("bill", string(r.ID)).Msg("a paid bill cannot be settled")
		return
	}
	p.advance(tx, r, path, CauseLedger, story{Detail: how})
}

// inOrder lists the bills that wait, so that a run can be played again as it was.
func (pl *pool) inOrder() []applet.BillRef {
	return slices.SortedFunc(maps.Keys(pl.waiting), func(a, b applet.BillRef) int { return bytes.Compare(a[:], b[:]) })
}
