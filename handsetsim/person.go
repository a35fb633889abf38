package handsetsim

import "time"

// busyWait is how long a person waits to pay a bill while another payment is on its way.
const busyWait = 500 * time.Millisecond

// prompt is what the client asks about a bill as it stands.
func (e *entry) prompt() Prompt {
	switch e.state {
	case StateOpened:
		return AskCard
	case StateDeferred:
		return AskLater
	}
	return AskConfirm
}

// ask puts a bill before the person and notes what they mean to do and when.
func (p *Phone) ask(e *entry, prompt Prompt, now time.Time) {
	e.actAt, e.decision, e.mind = time.Time{}, Decision{}, prompt
	if p.person == nil {
		return
	}
	d := p.person.Decide(p.screen(e))
	if d.Act == Wait {
		return
	}
	e.decision, e.actAt = d, e.when(d, now)
}

func (p *Phone) screen(e *entry) Screen {
	return Screen{
		Prompt:    e.mind,
		Bill:      &e.bill,
		Cards:     p.element.Cards(),
		Slot:      e.attempt.slot,
		Declined:  e.declined,
		WrongPINs: e.wrongPINs,
		TriesLeft: e.result.triesLeft,
	}
}

// wakeBill lets happen what is due on one bill.
func (p *Phone) wakeBill(e *entry, now time.Time, fx *Effects) {
	due := e.due()
	if due.IsZero() || now.Before(due) {
		return
	}
	switch {
	case e.state == StatePaying:
		p.unanswered(e, now, fx)
	case e.over(now):
		p.expire(e, now, fx)
	default:
		p.act(e, now, fx)
	}
}

// act does what the person had in mind, and tells how long they took over it.
func (p *Phone) act(e *entry, now time.Time, fx *Effects) {
	d, told := e.decision, len(fx.Events)
	e.actAt = time.Time{}
	p.do(e, d, now, fx)
	if len(fx.Events) > told {
		fx.Events[told].Took = d.After
	}
}

func (p *Phone) do(e *entry, d Decision, now time.Time, fx *Effects) {
	switch d.Act {
	case Wait:
	case Confirm:
		p.confirm(e, now, fx)
	case Defer:
		p.deferBill(e, now, fx)
	case Refuse:
		p.refuse(e, Refusal{Reason: d.Reason, Text: d.Text}, now, fx)
	case Pay, PayTwice, PayLate:
		if p.paying() {
			e.actAt = now.Add(busyWait)
			return
		}
		if err := p.payAs(e, d, now, fx); err != nil {
			p.tell(fx, e.event(Failed, now, err.Error()))
		}
	case HangUp: // there is no session to end
	}
}
