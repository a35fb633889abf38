package handsetsim

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
)

// Phone is one handset: its number, its payment client and element if it has
// them, its inbox, and the person holding it. It belongs to one owner at a time
// and is not safe for concurrent use.
type Phone struct {
	number   gateway.MSISDN
	element  Element
	person   Person
	settings *Settings
	bills    []*entry // oldest first
	inbox    []SMS
	last     uint64    // client transaction number used last
	wakeOn   time.Time // when a phone that is off comes on again; zero: when told
	ussd     *session  // on the screen; nil: there was none yet
	redial   redial
	texts    uint32 // shown in USSD sessions
	drops    uint32
	off      bool
}

// NewPhone makes a phone that is on. Without an element it has an inbox only;
// without a person it does what it is told.
func NewPhone(number gateway.MSISDN, element Element, person Person, settings *Settings) *Phone {
	return &Phone{number: number, element: element, person: person, settings: settings}
}

// Number is the phone's own.
func (p *Phone) Number() gateway.MSISDN { return p.number }

// On says whether the phone is on.
func (p *Phone) On() bool { return !p.off }

// Drops counts the packets that were dropped in silence.
func (p *Phone) Drops() int { return int(p.drops) }

// Inbox is the texts received, oldest first.
func (p *Phone) Inbox() []SMS { return p.inbox }

// Hold puts the phone into the hands of another person. What the one before had in
// mind is forgotten, and open bills are looked at anew.
func (p *Phone) Hold(person Person, now time.Time) {
	p.person = person
	for _, e := range p.bills {
		if e.open() {
			p.ask(e, e.prompt(), now)
		}
	}
	if p.ussd != nil && p.ussd.asks {
		p.look(now)
	}
}

// Power switches the phone on or off. What fell due while it was off happens when it is on.
func (p *Phone) Power(on bool, now time.Time, fx *Effects) {
	if on == !p.off {
		return
	}
	p.off, p.wakeOn = !on, time.Time{}
	kind := PoweredOn
	if p.off {
		kind = PoweredOff
		if p.ussd != nil && p.ussd.open {
			p.closeScreen("the phone is off", now, fx)
		}
	}
	p.tell(fx, Event{At: now, Kind: kind})
}

// Miss notes that a message came while the phone was off. A person who leaves it
// off only for a while begins to wait now.
func (p *Phone) Miss(from gateway.Address, now time.Time, fx *Effects) {
	p.tell(fx, Event{At: now, Kind: Missed, Peer: from})
	if s, ok := p.person.(Sleeper); ok && p.wakeOn.IsZero() {
		p.wakeOn = now.Add(s.Asleep())
	}
}

// Text takes an SMS into the inbox. Octets are those of its user data.
func (p *Phone) Text(sms SMS, octets int, fx *Effects) {
	if len(p.inbox) >= p.settings.KeepSMS {
		copy(p.inbox, p.inbox[1:])
		p.inbox = p.inbox[:len(p.inbox)-1]
	}
	p.inbox = append(p.inbox, sms)
	p.tell(fx, Event{At: sms.At, Kind: SMSReceived, Detail: sms.Text, Peer: sms.From, Octets: octets})
	if code := dialIn(sms.Text); code != "" && p.element == nil {
		p.invited(code, sms.At)
	}
}

// SendText sends a text to another phone.
func (p *Phone) SendText(to gateway.Address, text string, fx *Effects) error {
	if p.off {
		return ErrOff
	}
	fx.Sends = append(fx.Sends, Send{Name: "SMS", To: to, Text: text})
	return nil
}

// Packet takes a secured packet. What the element does not accept, and what says
// nothing to this client, is dropped in silence (wire.md 5).
func (p *Phone) Packet(a Arrival, fx *Effects) {
	m, err := p.open(a.Packet)
	if err != nil {
		p.drop(a, err.Error(), fx)
		return
	}
	switch m := m.(type) {
	case *applet.Bill:
		p.heard(a, "BILL", m.Ref, fx)
		p.billed(m, a.At, fx)
	case *applet.Result:
		p.heard(a, "RESULT", m.Ref, fx)
		p.answered(m, a.At, fx)
	case *applet.Keys:
		p.heard(a, "KEYS", m.Reference(), fx)
		p.say(&applet.Keyed{Version: m.Version}, "KEYED", a.At, fx)
	default:
		p.drop(a, "not a message for a phone", fx)
	}
}

// Arrival is a secured packet that reached the phone, put together if it came in parts.
type Arrival struct {
	From   gateway.Address
	Packet []byte
	Octets int // of user data on the wire, all parts
	At     time.Time
}

func (p *Phone) open(packet []byte) (applet.Message, error) {
	if p.element == nil {
		return nil, ErrNoElement
	}
	payload, err := p.element.Open(packet)
	if err != nil {
		return nil, err
	}
	return applet.Decode(p.element.Suite(), payload)
}

// Stray drops a secured packet that did not come the way that leads to the phone's element.
func (p *Phone) Stray(a Arrival, fx *Effects) { p.drop(a, "not for this form of element", fx) }

func (p *Phone) drop(a Arrival, why string, fx *Effects) {
	p.drops++
	p.tell(fx, Event{At: a.At, Kind: Dropped, Detail: why, Peer: a.From, Octets: a.Octets})
}

func (p *Phone) heard(a Arrival, what string, ref applet.BillRef, fx *Effects) {
	p.tell(fx, Event{At: a.At, Kind: Received, Bill: ref, Detail: what, Peer: a.From, Octets: a.Octets})
}

func (p *Phone) tell(fx *Effects, e Event) {
	e.Phone = p.number
	fx.Events = append(fx.Events, e)
}

// say secures a message and sends it to the platform.
func (p *Phone) say(m applet.Message, name string, now time.Time, fx *Effects) {
	p.sayPayload(applet.Encode(p.element.Suite(), m), name, m.Reference(), now, fx)
}

func (p *Phone) sayPayload(payload []byte, name string, ref applet.BillRef, now time.Time, fx *Effects) {
	packet, err := p.element.Wrap(payload)
	if err != nil {
		p.tell(fx, Event{At: now, Kind: Failed, Bill: ref, Detail: name + ": " + err.Error()})
		return
	}
	fx.Sends = append(fx.Sends, Send{Name: name, Bill: ref, Packet: packet})
}

// Next is when the phone wants to be woken; zero: not before something arrives.
func (p *Phone) Next() time.Time {
	if p.off {
		return p.wakeOn
	}
	next := p.typeAt()
	for _, e := range p.bills {
		next = sooner(next, e.due())
	}
	return next
}

// Wake lets happen what is due: the person acts, a payment without a result goes
// out again, a bill runs out.
func (p *Phone) Wake(now time.Time, fx *Effects) {
	if p.off {
		if p.wakeOn.IsZero() || now.Before(p.wakeOn) {
			return
		}
		p.Power(true, now, fx)
	}
	for _, e := range p.bills {
		p.wakeBill(e, now, fx)
	}
	p.forget()
	p.wakeMenu(now, fx)
}

// sooner is the earlier of two times of which a zero one never comes.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
