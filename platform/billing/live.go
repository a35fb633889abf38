package billing

import (
	"slices"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/gateway"
)

// adopt takes a live bill into memory, with all that finds it.
func (p *Partition) adopt(r *record, ph *phone) {
	p.bills[r.ID.Ref()] = r
	p.count(r.State, +1)
	p.relistBill(r, r.index())
	ph.bills = append(ph.bills, r)
	for _, id := range r.Messages {
		p.messages[id] = r
	}
}

// forget drops a bill from memory.
func (p *Partition) forget(r *record) {
	delete(p.bills, r.ID.Ref())
	p.count(r.State, -1)
	p.relistBill(r, unlisted)
	for _, id := range r.Messages {
		p.unawait(r, id)
	}
	if ph, ok := p.phones[r.Phone]; ok {
		ph.bills = slices.DeleteFunc(ph.bills, func(other *record) bool { return other == r })
	}
}

// mostAwaited bounds the receipts that a bill waits for; the oldest give way.
const mostAwaited = 16

// await notes that a receipt for a push will come.
func (p *Partition) await(r *record, id gateway.MessageID) {
	r.Messages = append(r.Messages, id)
	p.messages[id] = r
	if len(r.Messages) > mostAwaited {
		p.unawait(r, r.Messages[0])
		r.Messages = r.Messages[1:]
	}
}

func (p *Partition) unawait(r *record, id gateway.MessageID) {
	if p.messages[id] == r {
		delete(p.messages, id)
	}
}

// keepCounters has a phone's counters kept with what else this input comes to.
func (p *Partition) keepCounters(ph *phone) {
	if !ph.moved {
		ph.moved = true
		p.moved = append(p.moved, ph)
	}
}

// stageCounters stages the counters that were moved, each phone's once.
func (p *Partition) stageCounters(tx *engine.Tx) {
	for _, ph := range p.moved {
		ph.moved = false
		kept := ph.counters
		if fault.Planted(fault.LostTries) {
			kept.Wrong = nil
		}
		tx.SetField("counters", ph.id, encode(kept))
		ph.recent.stage(tx, ph.id)
	}
	p.moved = p.moved[:0]
}
