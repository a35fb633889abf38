package push

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/menu"
)

// Menus are the USSD sessions with phones that have no payment client: a bill that is
// pushed to one begins a session, and its holder begins one by dialling Code. Over SMPP
// they are in the dialect [ussd.Spec].
//
// What is typed reaches the carrier and this process in clear. A text that asks for a
// PIN has a privacy_indicator of 3, secret (SMPP 3.4 §5.3.2.14), so that a carrier knows
// what it must not keep. Nothing that was typed is logged, kept or put into an error.
//
// A bill counts as delivered when its holder has answered, or given up, so has seen it. A
// menu that nobody could be shown, or that ended before anything was chosen, is followed
// by an SMS that says how to pay, once for each bill; after that the bill is pushed again
// in its own time. Sessions are in memory: one that a restart cuts off is over.
type Menus struct {
	Carrier    Carrier
	Partitions Partitions
	Home       func(gateway.MSISDN) engine.Partition // that keeps a phone
	Code       string                                // what is dialled: *120#
	Address    string                                // of the platform at the carrier: where SMS come from
	Log        zerolog.Logger

	mu       sync.Mutex
	ctx      context.Context // of Run; nil before and after
	sessions map[gateway.MSISDN]*dialogue
	serial   uint8 // of the last session begun here
	working  sync.WaitGroup
}

// dialogue is one session. Its menu belongs to whoever works on it.
type dialogue struct {
	phone  gateway.MSISDN
	id     uint16
	pushed *billing.PhoneMessage // what it began with; nil when the holder dialled

	menu   menu.Menu
	seen   bool // the holder has answered
	chosen bool // the holder has chosen something

	// guarded by Menus.mu
	queue []ussd.Message
	busy  bool      // somebody works on it
	last  time.Time // when something came last
}

// Bounds of sessions. A holder has a minute to answer, as the carrier sees it: one that
// is quiet for longer was cut off.
const (
	mostSessions = 20_000
	mostQueued   = 4
	quiet        = 2 * time.Minute
)

// Run takes what phones say until ctx ends. When it returns, all that was begun has ended.
func (s *Menus) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil
	s.mu.Unlock()
	s.working.Wait()
	return nil
}

// Takes says whether a message is of a USSD session.
func (s *Menus) Takes(sm *smpp.DeliverSM) bool { return ussd.IsUSSD((*smpp.SubmitSM)(sm)) }

// Deliver takes what a phone says, or the network of it. It does not block. A message
// that is refused ends its session.
func (s *Menus) Deliver(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	m, err := ussd.Spec.Decode(true, (*smpp.SubmitSM)(sm))
	phone, notPhone := gateway.ParseMSISDN(m.Phone)
	if err != nil || notPhone != nil {
		reply(smpp.RXRAPPN)
		return
	}
	reply(s.take(phone, m))
}

// take puts a message into its session's queue, and sees that somebody works on it.
func (s *Menus) take(phone gateway.MSISDN, m ussd.Message) smpp.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		return smpp.RXTAPPN
	}
	d := s.sessions[phone]
	if m.Kind == ussd.Dial {
		if d = s.begin(phone, m.ID, nil); d == nil {
			return smpp.RXTAPPN
		}
	}
	switch {
	case d == nil || m.ID != 0 && m.ID != d.id || len(d.queue) == mostQueued:
		return smpp.RXPAPPN
	case m.Kind == ussd.Abort:
		delete(s.sessions, phone)
	}
	d.queue = append(d.queue, m)
	d.last = time.Now()
	if !d.busy {
		d.busy = true
		ctx := s.ctx
		s.working.Go(func() { s.work(ctx, d) })
	}
	return smpp.ROK
}

// begin makes a session, in place of one that a phone has. The lock is held.
func (s *Menus) begin(phone gateway.MSISDN, id uint16, pushed *billing.PhoneMessage) *dialogue {
	if s.sessions == nil {
		s.sessions = make(map[gateway.MSISDN]*dialogue)
	}
	if len(s.sessions) >= mostSessions {
		s.sweep(time.Now())
	}
	if len(s.sessions) >= mostSessions {
		return nil
	}
	d := &dialogue{phone: phone, id: id, pushed: pushed, last: time.Now()}
	s.sessions[phone] = d
	return d
}

// sweep forgets the sessions that were cut off.
func (s *Menus) sweep(now time.Time) {
	for phone, d := range s.sessions {
		if now.Sub(d.last) > quiet {
			delete(s.sessions, phone)
		}
	}
}

// end forgets a session, unless it is over already and another in its place.
func (s *Menus) end(d *dialogue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[d.phone] == d {
		delete(s.sessions, d.phone)
	}
}

// work takes a session's messages, one after the other.
func (s *Menus) work(ctx context.Context, d *dialogue) {
	for {
		s.mu.Lock()
		if len(d.queue) == 0 || ctx.Err() != nil {
			d.busy = false
			s.mu.Unlock()
			return
		}
		m := d.queue[0]
		d.queue[0] = ussd.Message{} // it may be a PIN
		d.queue = d.queue[1:]
		s.mu.Unlock()
		s.step(ctx, d, m)
	}
}

// stepTimeout bounds what one message may take: the carrier gives us 15 s.
const stepTimeout = 12 * time.Second

func (s *Menus) step(ctx context.Context, d *dialogue, m ussd.Message) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	switch m.Kind {
	case ussd.Dial:
		s.dialled(ctx, d, m.Text)
	case ussd.Answer:
		s.saw(ctx, d)
		s.answered(ctx, d, m.Text)
		s.show(ctx, d)
	case ussd.Abort:
		if m.Reason == ussd.UserAbort.String() || m.Reason == "" {
			s.saw(ctx, d)
		}
		s.abandoned(ctx, d, m.Reason)
	case ussd.Ask, ussd.Notify, ussd.End, ussd.Ack: // Decode has no such way up, or there is nothing to it
	}
}

// answered takes one answer, and does what it asks for.
func (s *Menus) answered(ctx context.Context, d *dialogue, text string) {
	m, act := d.menu.Take(text)
	if act.Do != menu.Nothing {
		m = m.Answered(act, s.do(ctx, d.phone, act))
		d.chosen = d.chosen || act.Do != menu.Open
	}
	d.menu = m
}

// saw notes that the holder of the phone has seen the bill that was pushed.
func (s *Menus) saw(ctx context.Context, d *dialogue) {
	if d.seen || d.pushed == nil {
		return
	}
	d.seen = true
	_, err := ask[menu.Result](ctx, s, d.phone, billing.Chosen{Phone: d.phone, Bill: d.pushed.Bill, Event: bill.Deliver})
	if err != nil {
		s.Log.Warn().Err(err).Str("bill", string(d.pushed.Bill)).Msg("a bill was seen, but that could not be kept")
	}
}

// show sends what the menu shows. When the session is over meanwhile, what came of it
// goes by SMS.
func (s *Menus) show(ctx context.Context, d *dialogue) {
	kind := ussd.Ask
	if !d.menu.Open() {
		kind = ussd.End
		s.end(d) // first, for the phone may dial again at once
	}
	err := s.send(ctx, d, kind)
	if err == nil {
		return
	}
	s.end(d)
	s.Log.Debug().Err(err).Str("msisdn", d.phone.Masked()).Msg("a menu could not be shown: its session is over")
	if d.chosen && kind == ussd.End {
		s.tell(ctx, d)
		return
	}
	s.abandoned(ctx, d, "the session is over")
}

func (s *Menus) send(ctx context.Context, d *dialogue, kind ussd.Kind) error {
	sm, err := ussd.Spec.Encode(ussd.Message{Kind: kind, Phone: string(d.phone), Code: s.Code, Text: d.menu.Text(), ID: d.id})
	if err != nil {
		return err
	}
	if d.menu.Secret() {
		sm.TLVs = append(sm.TLVs, smpp.Uint8TLV(smpp.TagPrivacyIndicator, secret))
	}
	_, err = s.Carrier.Submit(ctx, sm)
	return err
}

// secret is the privacy_indicator of what asks for a PIN, SMPP 3.4 §5.3.2.14.
const secret = 3

// next is the number of a session begun here, 1 to 255. The lock is held.
func (s *Menus) next() uint16 {
	s.serial = s.serial%255 + 1
	return uint16(s.serial)
}

// Push shows a bill to the holder of a phone without a client. It answers when the
// carrier has taken it, or the SMS in place of it, and the bill knows; an error means
// that it is to be tried again.
func (s *Menus) Push(ctx context.Context, n engine.Partition, m billing.PhoneMessage) error {
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	shown, w, err := s.openBill(ctx, m)
	if err != nil || shown == nil {
		return err
	}
	d := s.beginPush(m, menu.Pushed(*shown, w.Cards))
	if d == nil {
		return s.fallBack(ctx, n, m, *shown, "the phone has a USSD session")
	}
	err = s.send(ctx, d, ussd.Ask)
	if err == nil {
		_, err = s.insist(ctx, n, billing.Submitted{Bill: m.Bill})
		return err
	}
	s.end(d)
	if refusal, ok := errors.AsType[*smpp.StatusError](err); ok {
		return s.fallBack(ctx, n, m, *shown, refusal.Error())
	}
	return err
}

// openBill finds the bill of a message, nil if it is not open any more, and what pays it.
func (s *Menus) openBill(ctx context.Context, m billing.PhoneMessage) (*menu.Bill, menu.Wallet, error) {
	w, err := ask[menu.Wallet](ctx, s, m.Phone, billing.FindBills{Phone: m.Phone})
	if err != nil {
		return nil, w, err
	}
	for _, b := range w.Bills {
		if b.ID == m.Bill {
			return &b, w, nil
		}
	}
	return nil, w, nil
}

// beginPush makes a session from here, unless the phone is in one.
func (s *Menus) beginPush(m billing.PhoneMessage, shown menu.Menu) *dialogue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.sessions[m.Phone]; d != nil && time.Since(d.last) <= quiet {
		return nil
	}
	d := s.begin(m.Phone, s.next(), &m)
	if d != nil {
		d.menu = shown
	}
	return d
}
