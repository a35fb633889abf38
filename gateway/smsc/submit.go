package smsc

import (
	"slices"
	"sync"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// submit takes or refuses a message, SMPP 3.4 §4.4. The answer is staged before
// the message goes anywhere, so that its receipt comes after it.
func (s *session) submit(p smpp.PDU, sm *smpp.SubmitSM) {
	b := s.bound.Load()
	m, serial, status := s.receive(b, sm)
	if status != smpp.ROK {
		s.respond(p, status)
		return
	}
	body := s.submitResp(m)
	body.MessageID = string(b.naming().answer(serial))
	s.acknowledge(p, m, body, smpp.RSUBMITFAIL)
}

// submitResp is room for an answer: always the same where it is given at once.
func (s *session) submitResp(m *message) *smpp.SubmitSMResp {
	if s.waits(m) || s.action != (fault.Action{}) {
		return new(smpp.SubmitSMResp)
	}
	return &s.resp
}

// waits says whether the answer to a message that was taken waits: until it is kept, or
// until it is known what became of it.
func (s *session) waits(m *message) bool {
	return m != nil && (m.reply != nil || m.kept() && s.server.durable())
}

// receive takes a message of a session's, or says why not. There is none of what is
// taken and forgotten.
func (s *session) receive(b *binding, sm *smpp.SubmitSM) (m *message, serial uint64, status smpp.Status) {
	if status = s.admit(b.account, 1); status == smpp.ROK {
		m, serial, status = b.account.accept(sm, b.old, s.link.Arrived())
	}
	s.took.count(status)
	if status != smpp.ROK || m == nil {
		return nil, serial, status
	}
	if asksForReceipt(m.asked) {
		m.origin = s
	}
	return m, serial, status
}

func (t *tally) count(status smpp.Status) {
	switch status {
	case smpp.ROK:
		t.accepted.Add(1)
	case smpp.RTHROTTLED:
		t.throttled.Add(1)
	default:
		t.refused.Add(1)
	}
}

// acknowledge answers a message that was taken: now, or when it is kept, or when it is
// known what became of it. With a refusal the answer has no body.
func (s *session) acknowledge(p smpp.PDU, m *message, body smpp.Body, refusal smpp.Status) {
	if !s.waits(m) {
		s.answer(smpp.PDU{Sequence: p.Sequence, Body: body})
	} else {
		m.reply = s.hold(p, body)
		m.reply.refusal = refusal
	}
	if m != nil {
		s.accepted = append(s.accepted, m)
	}
}

// transaction marks a message whose answer waits for its outcome.
var transaction = &reply{}

// accept makes a message of what an account has submitted, or says why not. Of what
// is taken and forgotten there is a serial number alone.
func (a *account) accept(sm *smpp.SubmitSM, old bool, now time.Time) (m *message, serial uint64, status smpp.Status) {
	s := a.server
	if status = a.check(sm); status != smpp.ROK {
		return nil, 0, status
	}
	if s.config.USSD != nil && isUSSD(sm) {
		return nil, s.serial.Add(1), s.config.USSD.Take(a.SystemID, sm)
	}
	deliver, expires, status := schedule(sm, now, s.config.Validity)
	if status != smpp.ROK {
		return nil, 0, status
	}
	to := s.route(sm.Destination.Digits)
	if status = a.mayReach(to, sm); status != smpp.ROK {
		return nil, 0, status
	}
	if to.Kind == Discard {
		return nil, s.serial.Add(1), smpp.ROK
	}
	if !s.room(a, to, sm.RegisteredDelivery) {
		return nil, 0, smpp.RMSGQFUL
	}
	m = &message{
		sm: sm, serial: s.serial.Add(1), naming: naming{a.IDs, old}, from: a, to: to, state: gateway.Enroute,
		asked: sm.RegisteredDelivery, replaces: sm.ReplaceIfPresent != 0, accepted: now, deliver: deliver, expires: expires,
	}
	m.named = m.serial
	m.setMode(s.config.Response)
	m.asDelivered(to)
	return m, m.serial, smpp.ROK
}

// room makes room for a message in its account's store. There is none either while its
// sender asks for receipts and does not take them.
func (s *Server) room(from, to *account, asked uint8) bool {
	most := int64(s.config.Store)
	if asksForReceipt(asked) && from.owed.Load() >= most {
		return false
	}
	if to.stored.Add(1) > most {
		to.stored.Add(-1)
		return false
	}
	return true
}

// setMode reads the messaging mode, SMPP 3.4 §5.2.12: what is tried once is not
// waited for longer than a response.
func (m *message) setMode(response time.Duration) {
	switch m.sm.ESMClass & smpp.ESMModeMask {
	case smpp.ESMTransaction:
		m.once, m.reply = true, transaction
	case smpp.ESMDatagram:
		m.once = true
	default:
		return
	}
	start := m.accepted
	if m.deliver.After(start) {
		start = m.deliver
	}
	m.expires = earlier(m.expires, start.Add(response))
}

// admit sends messages on their way, once they are kept. Their answers wait until then.
func (s *Server) admit(ms []*message) {
	c := s.committer.Load()
	if !s.durable() {
		s.dispatch(ms)
		return
	}
	d := desks.Get().(*desk)
	defer func() { d.batch.Reset(); desks.Put(d) }()
	waits := make([]*message, 0, len(ms))
	for _, m := range ms {
		if !m.kept() {
			s.dispatch([]*message{m})
			continue
		}
		s.change(d.batch.Put(d.clerk.of(m)))
		waits = append(waits, m)
	}
	if len(waits) == 0 {
		return
	}
	kept := func(err error) { s.kept(waits, err) }
	if c == nil {
		kept(msgstore.ErrStopped)
		return
	}
	c.Add(&d.batch, kept)
}

// desk is room to write down what one read brings.
type desk struct {
	clerk clerk
	batch msgstore.Batch
}

var desks = sync.Pool{New: func() any { return new(desk) }}

// kept answers messages that the store has kept, or could not keep.
func (s *Server) kept(ms []*message, err error) {
	for _, m := range ms {
		status := smpp.ROK
		if err != nil {
			status = smpp.RSYSERR
			m.to.stored.Add(-1)
		} else {
			s.history.add(m)
		}
		if r := m.reply; r != nil {
			m.reply = nil
			r.refusal = smpp.RSYSERR
			r.give(m, status)
		}
	}
	if err == nil {
		s.forward(ms)
	}
}

// dispatch sends messages on their way that are kept in memory alone.
func (s *Server) dispatch(ms []*message) {
	for _, m := range ms {
		if !m.once {
			s.history.add(m)
		}
	}
	s.forward(ms)
}

// forward puts messages where they go to; those for one account together.
func (s *Server) forward(ms []*message) {
	now := time.Now()
	for i, m := range ms {
		m.to.tell(gateway.MessageAccepted, gateway.Enroute, m, now)
		source := m.sm.Source.Digits
		if i > 0 && source == ms[i-1].sm.Source.Digits {
			continue
		}
		if sender := s.route(source); sender != nil && sender.Kind == Subscribers {
			sender.heard(source)
		}
	}
	for len(ms) > 0 {
		n := 1
		for n < len(ms) && ms[n].to == ms[0].to {
			n++
		}
		ms[0].to.put(ms[:n]...)
		ms = ms[n:]
	}
}

// waitForStore stops a reader while more waits to be kept than may.
func (s *session) waitForStore() {
	if c := s.server.committer.Load(); c != nil {
		_ = c.Wait(s.life) // it ends with the session or the committer at the latest
	}
}

// schedule reads when a message may be delivered and until when, §7.1.1. A
// validity over the server's is cut to it.
func schedule(sm *smpp.SubmitSM, now time.Time, validity time.Duration) (deliver, expires time.Time, status smpp.Status) {
	expires = now.Add(validity)
	if sm.ScheduleDeliveryTime != "" {
		t, err := smpp.ParseTime(sm.ScheduleDeliveryTime)
		if err != nil {
			return deliver, expires, smpp.RINVSCHED
		}
		if deliver = t.At(now); deliver.After(expires) {
			return deliver, expires, smpp.RINVSCHED
		}
	}
	if sm.ValidityPeriod != "" {
		t, err := smpp.ParseTime(sm.ValidityPeriod)
		if err != nil {
			return deliver, expires, smpp.RINVEXPIRY
		}
		until := t.At(now)
		if !until.After(now) || !until.After(deliver) {
			return deliver, expires, smpp.RINVEXPIRY
		}
		expires = earlier(expires, until)
	}
	return deliver, expires, smpp.ROK
}

// asDelivered makes a deliver_sm's fields of a submit_sm's: what was said to the
// SMSC alone is taken out, §4.6.1.
func (m *message) asDelivered(to *account) {
	sm := m.sm
	sm.ESMClass &^= smpp.ESMModeMask
	sm.ScheduleDeliveryTime, sm.ValidityPeriod = "", ""
	sm.RegisteredDelivery, sm.ReplaceIfPresent, sm.SMDefaultMsgID = 0, 0, 0
	if len(sm.TLVs) > 0 {
		dpf, _ := sm.TLVs.Uint8(smpp.TagSetDPF)
		m.alert = dpf == 1
		sm.TLVs = slices.DeleteFunc(sm.TLVs, func(t smpp.TLV) bool { return forSMSC(t.Tag) })
	}
	inAlphabet(sm, m.from.Alphabet, to.Alphabet)
}

// forSMSC says whether an optional parameter of submit_sm is none of deliver_sm, §4.4.1, §4.6.1.
func forSMSC(t smpp.Tag) bool {
	switch t {
	case smpp.TagMoreMessagesToSend, smpp.TagMSMsgWaitFacilities, smpp.TagDisplayTime, smpp.TagSMSSignal,
		smpp.TagMSValidity, smpp.TagAlertOnMessage, smpp.TagNumberOfMessages, smpp.TagITSReplyType,
		smpp.TagSetDPF, smpp.TagQoSTimeToLive, smpp.TagReceiptedMessageID, smpp.TagMessageState, smpp.TagNetworkErrorCode:
		return true
	default:
		return false
	}
}
