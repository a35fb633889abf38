package billing

import (
	"fmt"
	"slices"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// PhoneMessage is the body of the effects EffectPush, EffectResult and EffectKeys: an
// applet message that is to be secured and sent to a phone. Its counter is kept before
// it is sent, and a repeat sends the same octets. To a phone without an element goes no
// message: a push begins a menu.
type PhoneMessage struct {
	Bill    platform.BillID  `json:"bill"`
	Phone   gateway.MSISDN   `json:"phone"`
	Element applet.ElementID `json:"element,omitempty"` // none: the phone has no element
	Form    applet.Form      `json:"form,omitzero"`
	Suite   scp80.Suite      `json:"suite,omitzero"`
	Version uint8            `json:"key_version"` // of the packet keys that it goes under
	Counter uint64           `json:"counter"`
	Payload []byte           `json:"payload,omitempty"`
	// Keys is the version of packet keys that the message brings; it is made when it
	// is sent, so that no key is kept with it, and has no payload here.
	Keys    uint8     `json:"keys,omitempty"`
	Texted  bool      `json:"texted,omitempty"` // an SMS has said how to pay the bill
	Expires time.Time `json:"expires"`          // when it is of no use any more
}

// Bare says whether the phone has no element: what goes to it is a menu.
func (m *PhoneMessage) Bare() bool { return m.Element == "" }

// Binding is what the vault finds the element's keys by.
func (m *PhoneMessage) Binding() keys.Binding {
	return keys.Binding{Element: m.Element, Suite: m.Suite, Version: m.Version}
}

// phoneEffect uses up a packet counter and makes the effect that sends a message under
// it. Effects to one phone share a lane, so that counters arrive in order.
func (p *Partition) phoneEffect(r *record, ph *phone, kind string, m applet.Message, expires time.Time) engine.Effect {
	return p.effectTo(ph, kind, PhoneMessage{Bill: r.ID, Payload: applet.Encode(ph.Suite, m), Expires: expires})
}

func (p *Partition) effectTo(ph *phone, kind string, m PhoneMessage) engine.Effect {
	ph.counters.Out++
	p.keepCounters(ph)
	m.Phone, m.Element, m.Form, m.Suite = ph.MSISDN, ph.Element, ph.Form, ph.Suite
	m.Version, m.Counter = ph.counters.Version, ph.counters.Out
	return engine.Effect{
		ID:   fmt.Sprintf("%s/%s/%d", m.Bill, kind, m.Counter),
		Kind: kind,
		Lane: ph.subject(),
		Body: m.sealed(p.config.Vault, ph.sealed), Value: m,
	}
}

// pushEffect sends the bill to the phone, after new packet keys if it is to have any, and
// notes when to send it again.
func (p *Partition) pushEffect(tx *engine.Tx, r *record, ph *phone) (effects []engine.Effect) {
	r.Pushes++
	r.NextPush = tx.Now().Add(p.pause(r))
	if ph.Bare() {
		return []engine.Effect{p.effectTo(ph, EffectPush, PhoneMessage{Bill: r.ID, Expires: r.Expires, Texted: r.Texted})}
	}
	if next := p.offered(ph); next != 0 {
		effects = append(effects, p.effectTo(ph, EffectKeys, PhoneMessage{Bill: r.ID, Keys: next, Expires: r.Expires}))
	}
	return append(effects, p.phoneEffect(r, ph, EffectPush, &applet.Bill{
		Ref:      r.ID.Ref(),
		Amount:   r.Amount,
		Currency: r.Currency,
		Expires:  r.Expires,
		Merchant: applet.MerchantNumber(r.Merchant),
		Name:     r.MerchantName,
		Subject:  r.Subject,
	}, r.Expires))
}

// submitted notes the carrier's answer to a push: accepted, it is on its way; refused,
// it goes out again soon.
func (p *Partition) submitted(tx *engine.Tx, in Submitted) {
	r, ok := p.bills[in.Bill.Ref()]
	if !ok || in.MessageID != "" && p.messages[in.MessageID] == r {
		return
	}
	if in.MessageID == "" && in.Refused == "" {
		p.moveOrKeep(tx, r, bill.Push, CauseCarrier, story{Detail: "a USSD session"})
		return
	}
	r.Answered++
	if in.Refused != "" {
		p.notOnItsWay(tx, r, in.Refused)
	} else {
		p.onItsWay(tx, r, in.MessageID)
	}
	if r.Answered >= r.Pushes {
		r.Early = nil
	}
}

func (p *Partition) onItsWay(tx *engine.Tx, r *record, id gateway.MessageID) {
	p.await(r, id)
	r.Texted = r.Texted || p.phones[r.Phone].Bare()
	p.moveOrKeep(tx, r, bill.Push, CauseCarrier, aboutMessage(id)) // the phone may have been faster, or it was a reminder
	if state, ok := r.Early[id]; ok {
		p.carried(tx, r, id, state)
	}
}

// moveOrKeep moves a bill if it can still be moved, and keeps it in any case.
func (p *Partition) moveOrKeep(tx *engine.Tx, r *record, e fsm.Event, cause string, s story) {
	path, err := p.path(r, e, p.facts(tx, r))
	if err != nil {
		p.keep(tx, r)
		return
	}
	p.advance(tx, r, path, cause, s)
}

func aboutMessage(id gateway.MessageID) story { return story{Detail: "message " + string(id)} }

// refusedPart is the part of the pause before the next push that a carrier gets which
// refused the last one: it is throttled or away, and the phone has heard nothing.
const refusedPart = 12

// notOnItsWay waits a little before the next push.
func (p *Partition) notOnItsWay(tx *engine.Tx, r *record, why string) {
	if r.State == bill.Created || r.State == bill.Pushed {
		state := string(r.State)
		r.NextPush = tx.Now().Add(p.pause(r) / refusedPart)
		p.journal(tx, r, engine.Event{Name: "push_refused", From: state, To: state, Cause: CauseCarrier}, story{Detail: why})
	}
	p.keep(tx, r)
}

// pause is how long after the last push the next one goes out.
func (p *Partition) pause(r *record) time.Duration {
	ladder := p.config.Timing.PushAgain
	return ladder[min(r.Pushes, len(ladder))-1]
}

// receipt takes the carrier's word that a push arrived, or did not. One about nothing
// that is awaited is over, and says nothing any more.
func (p *Partition) receipt(tx *engine.Tx, in Receipt) {
	if !final(in.State) {
		return
	}
	if r := p.messages[in.MessageID]; r != nil && r.Phone == in.Phone {
		p.carried(tx, r, in.MessageID, in.State)
		return
	}
	p.early(tx, in)
}

func final(s gateway.MessageState) bool {
	switch s {
	case gateway.Delivered, gateway.Expired, gateway.Undeliverable, gateway.Rejected, gateway.Deleted, gateway.Unknown:
		return true
	}
	return false
}

// carried notes how a push ended.
func (p *Partition) carried(tx *engine.Tx, r *record, id gateway.MessageID, state gateway.MessageState) {
	p.unawait(r, id)
	r.Messages = slices.DeleteFunc(r.Messages, func(other gateway.MessageID) bool { return other == id })
	if state == gateway.Delivered {
		p.moveOrKeep(tx, r, bill.Deliver, CauseReceipt, aboutMessage(id)) // the phone's own word may have been faster
		return
	}
	p.notOnItsWay(tx, r, "the carrier gave up: "+state.String())
}

// mostEarly bounds the early receipts that a bill keeps.
const mostEarly = 4

// early keeps a receipt that may be about a push whose message id is not known yet.
func (p *Partition) early(tx *engine.Tx, in Receipt) {
	ph, ok := p.phones[in.Phone]
	if !ok {
		return
	}
	for _, r := range ph.bills {
		if r.Answered >= r.Pushes || !bill.Live(r.State) || len(r.Early) >= mostEarly {
			continue
		}
		if r.Early == nil {
			r.Early = make(map[gateway.MessageID]gateway.MessageState)
		}
		r.Early[in.MessageID] = in.State
		p.keep(tx, r)
	}
}
