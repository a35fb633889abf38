package handsetsim

import (
	"time"

	"github.com/airtill/airtill/handsetsim/se"
)

// What people do that a client would not have them do: pay a bill twice, and pay one that
// is over. A platform must bear it, and phones with a slow clock or two thumbs do it.

// when is when a person does what they have in mind about a bill.
func (e *entry) when(d Decision, now time.Time) time.Time {
	if d.Act == PayLate && !e.bill.Expires.IsZero() {
		return e.bill.Expires.Add(d.After)
	}
	return now.Add(d.After)
}

// late says whether the person means to pay after the bill's end, which the client then
// does not see.
func (e *entry) late() bool { return e.decision.Act == PayLate && !e.actAt.IsZero() }

// payAs pays as a person has decided to, and says what they have to say.
func (p *Phone) payAs(e *entry, d Decision, now time.Time, fx *Effects) error {
	c := Choice{Slot: d.Slot, PIN: p.person.TypePIN(p.screen(e))}
	if err := p.pay(e, c, now, fx); err != nil {
		return err
	}
	if d.Text != "" {
		fx.Sends = append(fx.Sends, Send{Name: "SMS", Text: d.Text})
	}
	if d.Act != PayTwice {
		return nil
	}
	return p.paySecond(e, c, now, fx)
}

// paySecond sends a payment for a bill while another is on its way: with its own
// transaction number and PIN block, so that it is no repeat of that one.
func (p *Phone) paySecond(e *entry, c Choice, now time.Time, fx *Effects) error {
	payload, err := p.element.Pay(se.PayRequest{
		Bill: e.bill, Slot: c.Slot, PIN: c.PIN, Phone: p.number, Time: now, Transaction: p.transaction(now),
	})
	if err != nil {
		return err
	}
	e.unanswered++
	p.tell(fx, e.event(PINTyped, now, "for a second payment"))
	p.sayPayload(payload, "PAY", e.bill.Ref, now, fx)
	return nil
}
