package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Drop is why a phone's message was dropped without an answer (wire.md 5). It is
// for counters and logs; the sender learns nothing.
type Drop string

// The reasons, in the order they are found.
const (
	DropNone    Drop = ""
	DropUnknown Drop = "unknown phone"
	DropForged  Drop = "not authentic"
	DropReplay  Drop = "packet counter not higher"
	DropPayload Drop = "no applet message"
	DropNoBill  Drop = "no such bill for this phone"
	DropState   Drop = "the bill's state forbids it"
)

// Outcome is what became of a phone's message.
type Outcome struct {
	Dropped Drop // empty: it had its effect
	Bill    platform.BillID
}

// message takes a secured packet from a phone: one path, and silence on anything
// that is not authentic. The effect and the counter are kept in the same batch.
func (p *Partition) message(tx *engine.Tx, in Message) Outcome {
	ph, ok := p.phones[in.Phone]
	if !ok {
		return p.drop(DropUnknown)
	}
	counter, payload, err := p.config.Vault.OpenMO(ph.binding(), in.Packet)
	if err != nil {
		return p.drop(DropForged)
	}
	m, err := applet.Decode(scp80.Modern, payload)
	from := packet{Counter: counter, Digest: digest(in.Packet)}
	if counter <= ph.counters.In {
		return p.duplicate(tx, ph, from, m)
	}
	ph.counters.In = counter
	p.keepCounters(ph)
	if err != nil {
		return p.drop(DropPayload)
	}
	r := p.billOf(ph, m.Reference())
	if r == nil {
		return p.drop(DropNoBill)
	}
	if pay, ok := m.(*applet.Pay); ok {
		return p.pay(tx, payment{Pay: pay, phone: ph, record: r, packet: from})
	}
	return p.answered(tx, r, m)
}

func (p *Partition) drop(why Drop) Outcome {
	p.drops[why]++
	return Outcome{Dropped: why}
}

// Drops counts the messages dropped since the partition was loaded, by reason. It is
// for the goroutine that calls Handle.
func (p *Partition) Drops() map[Drop]int { return maps.Clone(p.drops) }

func digest(packet []byte) string {
	sum := sha256.Sum256(packet)
	return hex.EncodeToString(sum[:8])
}

// billOf finds a live bill by the reference a phone gave, if it is that phone's.
func (p *Partition) billOf(ph *phone, ref applet.BillRef) *record {
	if r, ok := p.bills[ref]; ok && r.Phone == ph.MSISDN {
		return r
	}
	return nil
}

// mostAgain bounds how often one packet is answered again.
const mostAgain = 3

// duplicate answers an exact repeat of a bill's last payment again, from what is kept.
// Every other old packet is dropped: what came after it has overtaken it.
func (p *Partition) duplicate(tx *engine.Tx, ph *phone, from packet, m applet.Message) Outcome {
	pay, ok := m.(*applet.Pay)
	if !ok {
		return p.drop(DropReplay)
	}
	r := p.billOf(ph, pay.Ref)
	if r == nil || r.Packet.Counter != from.Counter || r.Packet.Digest != from.Digest || r.Packet.Again >= mostAgain {
		return p.drop(DropReplay)
	}
	r.Packet.Again++
	return p.answerAgain(tx, r, ph, r.Answer)
}

// answerAgain tells the phone a result that changes nothing.
func (p *Partition) answerAgain(tx *engine.Tx, r *record, ph *phone, a answer) Outcome {
	state := string(r.State)
	effects := []engine.Effect{p.resultEffect(tx, r, ph, a)}
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
		return p.move(tx, r, bill.Refuse, story{Reason: platform.ReasonRefused, Detail: m.Text})
	case *applet.Receipt:
		state := string(r.State)
		p.journal(tx, r, engine.Event{Name: "receipt", From: state, To: state, Cause: CausePhone}, story{Detail: "the phone has shown the result"})
		p.keep(tx, r)
		return Outcome{Bill: r.ID}
	}
	return p.drop(DropPayload)
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
