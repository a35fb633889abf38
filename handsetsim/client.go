package handsetsim

import (
	"slices"
	"time"

	"github.com/airtill/airtill/platform/applet"
)

// ClientVersion is what the client says of itself in OPEN.
const ClientVersion = 1

// State is where a bill is in the client's list.
type State uint8

// The states of a bill on the phone.
const (
	StateShown    State = iota + 1 // it has shown itself; nothing decided
	StateOpened                    // confirmed; a card is to be picked
	StateDeferred                  // put off; it waits in the list
	StatePaying                    // a payment is on its way
	StatePaid
	StateRefused
	StateClosed // by a result that ends it
	StateExpired
)

// String is the state in one word.
func (s State) String() string {
	switch s {
	case StateShown:
		return "shown"
	case StateOpened:
		return "opened"
	case StateDeferred:
		return "deferred"
	case StatePaying:
		return "paying"
	case StatePaid:
		return "paid"
	case StateRefused:
		return "refused"
	case StateClosed:
		return "closed"
	case StateExpired:
		return "expired"
	}
	return "unknown"
}

// entry is one bill in the client's list.
type entry struct {
	bill  applet.Bill
	state State
	since time.Time // when it arrived first

	decision Decision  // what the person has in mind
	actAt    time.Time // when; zero: nothing
	mind     Prompt    // what they were asked

	attempt    attempt
	unanswered int            // PAYs sent for this bill less results received
	refusal    *applet.Refuse // as sent, to be said again

	declined  []int // slots
	wrongPINs int
	result    verdict // the last one shown
	text      string  // what it said
}

// open says whether the bill can still be acted on.
func (e *entry) open() bool {
	return e.state == StateShown || e.state == StateOpened || e.state == StateDeferred
}

// closed says whether the bill is over for this client.
func (e *entry) closed() bool { return !e.open() && e.state != StatePaying }

// over says whether the bill's time has run out. A bill without an end has all the time.
func (e *entry) over(now time.Time) bool {
	return !e.bill.Expires.IsZero() && !now.Before(e.bill.Expires) && !e.late()
}

// due is when something happens to the bill by itself.
func (e *entry) due() time.Time {
	switch {
	case e.state == StatePaying:
		return e.attempt.answerBy
	case e.open() && e.late():
		return e.actAt
	case e.open():
		return sooner(e.actAt, e.bill.Expires)
	}
	return time.Time{}
}

func (e *entry) event(kind Kind, now time.Time, detail string) Event {
	return Event{At: now, Kind: kind, Bill: e.bill.Ref, Detail: detail}
}

func (p *Phone) find(ref applet.BillRef) *entry {
	for _, e := range p.bills {
		if e.bill.Ref == ref {
			return e
		}
	}
	return nil
}

// billed takes a BILL: a new one is shown by itself (S6) and kept in the list, a
// known one is shown again and not added twice. Both are answered.
func (p *Phone) billed(b *applet.Bill, now time.Time, fx *Effects) {
	if e := p.find(b.Ref); e != nil {
		p.billedAgain(e, b, now, fx)
		return
	}
	e := &entry{bill: *b, state: StateShown, since: now}
	p.bills = append(p.bills, e)
	p.tell(fx, e.event(Shown, now, e.headline()))
	p.sayOpen(e, applet.Delivered, now, fx)
	p.ask(e, AskConfirm, now)
}

// billedAgain takes a reminder. The platform reminds only of bills that it holds
// open, so a refusal that was lost is said again, and a bill that was closed here
// for another reason than payment is open again.
func (p *Phone) billedAgain(e *entry, b *applet.Bill, now time.Time, fx *Effects) {
	if e.state == StateRefused && e.refusal != nil {
		p.say(e.refusal, "REFUSE", now, fx)
		return
	}
	p.tell(fx, e.event(ShownAgain, now, e.headline()))
	p.sayOpen(e, applet.Delivered, now, fx)
	switch {
	case e.state == StatePaid || e.state == StatePaying:
		return
	case e.closed():
		e.state = StateShown
	}
	e.bill = *b
	if e.actAt.IsZero() {
		p.ask(e, e.prompt(), now)
	}
}

func (e *entry) headline() string {
	text := e.sum() + " to " + e.bill.Name
	if e.bill.Subject != "" {
		text += ": " + e.bill.Subject
	}
	return text
}

func (p *Phone) sayOpen(e *entry, s applet.OpenStatus, now time.Time, fx *Effects) {
	m := &applet.Open{Ref: e.bill.Ref, Status: s, Time: now, Slots: uint8(len(p.element.Cards())), Version: ClientVersion}
	p.say(m, "OPEN "+s.String(), now, fx)
}

// Confirm looks at a bill and goes on to the cards, from the screen or from the list.
func (p *Phone) Confirm(ref applet.BillRef, now time.Time, fx *Effects) error {
	e, err := p.actOn(ref, now)
	if err != nil {
		return err
	}
	p.confirm(e, now, fx)
	return nil
}

func (p *Phone) confirm(e *entry, now time.Time, fx *Effects) {
	e.state = StateOpened
	p.tell(fx, e.event(Confirmed, now, e.sum()))
	p.sayOpen(e, applet.Opened, now, fx)
	p.ask(e, AskCard, now)
}

// Defer puts a bill off: it stays in the list, to be paid later (S16).
func (p *Phone) Defer(ref applet.BillRef, now time.Time, fx *Effects) error {
	e, err := p.actOn(ref, now)
	if err != nil {
		return err
	}
	p.deferBill(e, now, fx)
	return nil
}

func (p *Phone) deferBill(e *entry, now time.Time, fx *Effects) {
	e.state = StateDeferred
	p.tell(fx, e.event(Deferred, now, "pay later"))
	p.sayOpen(e, applet.Deferred, now, fx)
	p.ask(e, AskLater, now)
}

// Refuse says no to a bill (S11).
func (p *Phone) Refuse(ref applet.BillRef, r Refusal, now time.Time, fx *Effects) error {
	e, err := p.actOn(ref, now)
	if err != nil {
		return err
	}
	p.refuse(e, r, now, fx)
	return nil
}

// Refusal is why a person says no.
type Refusal struct {
	Reason applet.RefuseReason
	Text   string // cut to what fits on the wire
}

func (p *Phone) refuse(e *entry, r Refusal, now time.Time, fx *Effects) {
	e.state, e.actAt = StateRefused, time.Time{}
	e.refusal = &applet.Refuse{Ref: e.bill.Ref, Reason: r.Reason, Time: now, Text: r.Text}
	p.tell(fx, e.event(Refused, now, r.Text))
	p.say(e.refusal, "REFUSE", now, fx)
}

// actOn finds a bill that a person may act on.
func (p *Phone) actOn(ref applet.BillRef, now time.Time) (*entry, error) {
	if p.off {
		return nil, ErrOff
	}
	if p.element == nil {
		return nil, ErrNoElement
	}
	e := p.find(ref)
	switch {
	case e == nil:
		return nil, ErrUnknownBill
	case e.state == StatePaying:
		return nil, ErrBusy
	case !e.open() || e.over(now):
		return nil, ErrClosed
	}
	return e, nil
}

// expire closes a bill whose time has run out.
func (p *Phone) expire(e *entry, now time.Time, fx *Effects) {
	e.state, e.actAt = StateExpired, time.Time{}
	p.tell(fx, e.event(Expired, now, "not paid in time"))
}

// forget drops the oldest closed bills beyond what the list keeps.
func (p *Phone) forget() {
	closed := 0
	for _, e := range p.bills {
		if e.closed() {
			closed++
		}
	}
	if closed <= p.settings.KeepClosed {
		return
	}
	surplus := closed - p.settings.KeepClosed
	p.bills = slices.DeleteFunc(p.bills, func(e *entry) bool {
		drop := surplus > 0 && e.closed()
		if drop {
			surplus--
		}
		return drop
	})
}
