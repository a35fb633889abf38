package billing

import (
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// What brings a step of a bill about, as the journal says it.
const (
	CauseOrder    = "order"
	CauseReceipt  = "receipt"
	CauseCarrier  = "carrier"
	CausePhone    = "phone"
	CauseClock    = "clock"
	CauseMerchant = "merchant"
	CauseLedger   = "ledger"
	CauseBranch   = "branch"
	CauseOperator = "operator"
)

// step is one transition, decided but not done.
type step struct {
	event    fsm.Event
	from, to fsm.State
}

// story is what the journal tells of a step besides the step itself.
type story struct {
	Detail   string             `json:"detail,omitempty"`
	Reason   platform.Reason    `json:"reason,omitempty"`
	Postings []platform.Posting `json:"postings,omitempty"`
	Slot     int                `json:"slot,omitempty"`     // of the card an operator's act is about
	By       string             `json:"by,omitempty"`       // who did it
	Said     string             `json:"said,omitempty"`     // by a holder or an operator, sealed
	Attempt  int                `json:"attempt,omitempty"`  // of a callback
	Status   int                `json:"status,omitempty"`   // of the merchant's answer to it
	Next     time.Time          `json:"next_at,omitzero"`   // when the next one is made
	Endpoint string             `json:"endpoint,omitempty"` // that callbacks go to

	Effects []engine.Effect `json:"-"`
}

// path decides how an event, with those that it implies, would move the bill. It
// changes nothing.
func (p *Partition) path(r *record, e fsm.Event, facts bill.Facts) ([]step, error) {
	var steps []step
	state := r.State
	for _, event := range append(bill.Implied(state, e), e) {
		to, err := p.machine.Fire(state, event, facts)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{event: event, from: state, to: to})
		state = to
	}
	return steps, nil
}

func (p *Partition) facts(tx *engine.Tx, r *record) bill.Facts {
	return bill.Facts{Now: tx.Now(), Expires: r.Expires, TriesLeft: Tries, Acknowledged: r.final()}
}

// advance takes the steps of a path: the bill moves, the journal tells it, and when
// the bill has ended its merchant is told.
func (p *Partition) advance(tx *engine.Tx, r *record, path []step, cause string, s story) {
	last := len(path) - 1
	moves := r.State != path[last].to || path[last].event == bill.Remind
	for i, st := range path {
		event := engine.Event{Name: string(st.event), From: string(st.from), To: string(st.to), Cause: cause}
		told := story{Detail: "implied by " + string(path[last].event)}
		if i == last {
			told, event.Effects = s, s.Effects
		}
		p.journal(tx, r, event, told)
		p.count(r.State, -1)
		r.State = st.to
		p.count(r.State, +1)
	}
	r.Updated = tx.Now()
	if moves {
		p.setReminder(tx, r)
	}
	if bill.Ended(r.State) && r.Ended.IsZero() {
		r.Ended = tx.Now()
		p.report(tx, r, cause)
	}
	p.keep(tx, r)
}

// journal tells one event of the bill's story.
func (p *Partition) journal(tx *engine.Tx, r *record, e engine.Event, s story) {
	e.Subject = string(r.ID)
	e.Prev = r.chain(tx.EntryID())
	e.Data = s
	tx.Record(e)
}

// keep stages the record and its next deadline.
func (p *Partition) keep(tx *engine.Tx, r *record) {
	tx.Put(recordKey(r.ID), r)
	p.list(tx, r)
	p.wake(tx, r)
}

// finish files a final bill under the day it was made and forgets it.
func (p *Partition) finish(tx *engine.Tx, r *record) {
	kept := finished{sealedBill: r.sealedBill, First: r.First, Last: r.Last}
	if r.Reports > 1 {
		kept.Reports = r.Reports
	}
	tx.SetField(finishedKey(r.ID), string(r.ID), encode(kept))
	tx.Delete(recordKey(r.ID))
	tx.NoWake(r.deadline)
	p.forget(r)
}

// finished is a bill as it is kept for good.
type finished struct {
	sealedBill
	First   string `json:"first_entry"`
	Last    string `json:"last_entry"`
	Reports int    `json:"reports,omitempty"` // callbacks made, if more than one
}
