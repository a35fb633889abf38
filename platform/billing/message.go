package billing

import (
	"encoding/binary"
	"errors"
	"maps"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
)

// Drop is why a phone's message was dropped without an answer (wire.md 5). It is
// for counters and logs; the sender learns nothing.
type Drop string

// The reasons, in the order they are found.
const (
	DropNone    Drop = ""
	DropUnknown Drop = "unknown phone"
	DropLegacy  Drop = "the legacy suite is off"
	DropForged  Drop = "not authentic"
	DropReplay  Drop = "packet counter not higher"
	DropSecond  Drop = "from a second element"
	DropPayload Drop = "no applet message"
	DropNoBill  Drop = "no such bill for this phone"
	DropState   Drop = "the bill's state forbids it"
)

// Outcome is what became of a phone's message.
type Outcome struct {
	Dropped Drop // empty: it had its effect
	Bill    platform.BillID
}

// message takes a secured packet from a phone: one path, and silence on anything that is
// not authentic (wire.md 5). Nothing of an element is looked at before its number is
// known, no key is used before the header names the right ones, and every failure after
// that has cost the same. The effect, the counter and the packet are kept in the same batch.
func (p *Partition) message(tx *engine.Tx, in Message) Outcome {
	ph, ok := p.phones[in.Phone]
	if !ok || ph.Bare() {
		return p.fail(tx.Now(), in.Phone, DropUnknown)
	}
	if !p.config.allowed(ph.Suite) {
		return p.fail(tx.Now(), in.Phone, DropLegacy)
	}
	b, ok := ph.bindingOf(in.Packet)
	if !ok {
		return p.fail(tx.Now(), in.Phone, DropForged)
	}
	counter, payload, err := p.config.Vault.OpenMO(b, in.Packet)
	if err != nil {
		return p.fail(tx.Now(), in.Phone, DropForged)
	}
	m, err := applet.Decode(ph.Suite, payload)
	if err != nil {
		m = nil
	}
	from := taken{Counter: counter, Packet: markOf(in.Packet)}
	if counter <= ph.counters.In {
		return p.old(tx, ph, from, m)
	}
	p.proven(tx, ph, b.Version)
	return p.effect(tx, ph, p.take(ph, from), m)
}

// take moves the packet counter and remembers the packet.
func (p *Partition) take(ph *phone, from taken) *taken {
	ph.counters.In = from.Counter
	t := ph.recent.add(ph.counters.Taken, from)
	ph.counters.Taken++
	p.keepCounters(ph)
	return t
}

// effect does what a message asks for that is newer than all before it.
func (p *Partition) effect(tx *engine.Tx, ph *phone, from *taken, m applet.Message) Outcome {
	switch m.(type) {
	case nil:
		return p.drop(DropPayload)
	case *applet.Keyed:
		return Outcome{} // that it came under the new keys has said it
	}
	r := p.billOf(ph, m.Reference())
	if pay, ok := m.(*applet.Pay); ok {
		p.usePIN(tx, ph, from, pay)
		if r != nil {
			return p.pay(tx, payment{Pay: pay, phone: ph, record: r, packet: from})
		}
	}
	if r == nil {
		return p.drop(DropNoBill)
	}
	return p.answered(tx, r, m)
}

// usePIN notes what a PIN key was used for. A client that heard nothing sends the same
// payment again; any other payment needs another key.
func (p *Partition) usePIN(tx *engine.Tx, ph *phone, from *taken, pay *applet.Pay) {
	ref := pay.Ref
	from.PIN = pay.PINCounter
	from.Use = markOf(ref[:], binary.BigEndian.AppendUint64(nil, uint64(pay.Transaction)), pay.PINBlock[:])
	if ph.recent.usedOtherwise(from, ph.counters.Settled) {
		p.hold(tx, ph, signPIN)
	}
}

// old takes an authentic packet whose counter is not higher than the last: it is an
// exact duplicate, or it was overtaken, or it shows that there is a second element.
func (p *Partition) old(tx *engine.Tx, ph *phone, from taken, m applet.Message) Outcome {
	at, seen := ph.recent.find(from.Counter)
	switch {
	case seen && ph.recent.ring[at].Packet == from.Packet:
		return p.duplicate(tx, ph, at)
	case seen && from.Counter > ph.counters.Settled:
		p.hold(tx, ph, signCounter)
		return p.drop(DropSecond)
	case p.past(ph, from.Counter, m):
		p.hold(tx, ph, signPast)
		return p.drop(DropSecond)
	}
	return p.drop(DropReplay)
}

func (p *Partition) drop(why Drop) Outcome {
	p.drops[why]++
	return Outcome{Dropped: why}
}

// Drops counts the messages dropped since the partition was loaded, by reason. It is
// for the goroutine that calls Handle.
func (p *Partition) Drops() map[Drop]int { return maps.Clone(p.drops) }

// billOf finds a live bill by the reference a phone gave, if it is that phone's.
func (p *Partition) billOf(ph *phone, ref applet.BillRef) *record {
	if r, ok := p.bills[ref]; ok && r.Phone == ph.MSISDN {
		return r
	}
	return nil
}

// mostAgain bounds how often one packet is answered again.
const mostAgain = 3

// duplicate answers an exact repeat of a payment again, from what is kept, a few times.
// An answer that a later one has overtaken is not told again.
func (p *Partition) duplicate(tx *engine.Tx, ph *phone, at int) Outcome {
	kept := &ph.recent.ring[at]
	r := p.billOf(ph, kept.Bill)
	if r == nil || r.Packet != kept.Counter || kept.Again >= mostAgain {
		return p.drop(DropReplay)
	}
	kept.Again++
	ph.recent.touch(at)
	return p.answerAgain(tx, r, ph, kept.Answer)
}

// answer notes in packet and bill what a payment is answered with.
func (pm payment) answer(a answer) {
	pm.packet.Bill, pm.packet.Answer = pm.Ref, a
	pm.record.Packet = pm.packet.Counter
}

// answerAgain tells the phone a result that changes nothing.
func (p *Partition) answerAgain(tx *engine.Tx, r *record, ph *phone, a answer) Outcome {
	state := string(r.State)
	effects := []engine.Effect{p.resultEffect(tx, r, ph, a)}
	if fault.Planted(fault.SecondDebit) && a.Code == applet.CodeApproved {
		if moves := ledger.Move(ph.Cards[0].Account, ledger.Sub(r.Payee, r.Currency), r.Amount); p.book.Check(moves) == nil {
			p.post(tx, moves)
		}
	}
	p.journal(tx, r, engine.Event{Name: "answer", From: state, To: state, Cause: CausePhone, Effects: effects},
		story{Detail: "answered " + string(a.Code)})
	p.keep(tx, r)
	return Outcome{Bill: r.ID}
}

// answered takes OPEN, REFUSE and RECEIPT.
func (p *Partition) answered(tx *engine.Tx, r *record, m applet.Message) Outcome {
	switch m := m.(type) {
	case *applet.Open:
		return p.move(tx, r, openEvent(m.Status), story{})
	case *applet.Refuse:
		return p.move(tx, r, bill.Refuse, story{Reason: platform.ReasonRefused, Said: p.saying(m.Text)})
	case *applet.Receipt:
		state := string(r.State)
		p.journal(tx, r, engine.Event{Name: "receipt", From: state, To: state, Cause: CausePhone}, story{Detail: "the phone has shown the result"})
		p.keep(tx, r)
		return Outcome{Bill: r.ID}
	}
	return p.drop(DropPayload)
}

// saying is what a holder wrote, as the journal keeps it.
func (p *Partition) saying(text string) string {
	r := rest{Rest: p.config.Vault}
	return r.seal(saidText, text)
}

func openEvent(s applet.OpenStatus) fsm.Event {
	switch s {
	case applet.Opened:
		return bill.Open
	case applet.Deferred:
		return bill.Defer
	}
	return bill.Deliver
}

// move fires an event that a phone asks for. A bill that is past it stays as it is.
func (p *Partition) move(tx *engine.Tx, r *record, e fsm.Event, s story) Outcome {
	path, err := p.path(r, e, p.facts(tx, r))
	if err != nil {
		if errors.Is(err, bill.ErrExpired) || !r.Ended.IsZero() {
			p.config.Log.Debug().Str("bill", string(r.ID)).Str("event", string(e)).Msg("the phone was too late")
		}
		return p.drop(DropState)
	}
	if s.Reason != "" {
		r.Reason = s.Reason
	}
	p.advance(tx, r, path, CausePhone, s)
	return Outcome{Bill: r.ID}
}
