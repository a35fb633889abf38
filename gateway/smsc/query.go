package smsc

import (
	"slices"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// lookup is the messages of an id that an account was given: none if the id is not of
// one of its own, several for a submit_multi.
func (b *binding) lookup(id string) []*message {
	for _, n := range []naming{b.naming(), {b.account.IDs, !b.old}} {
		if m := b.find(id, n); m != nil && m.group != nil {
			return m.group
		} else if m != nil {
			return []*message{m}
		}
	}
	return nil
}

// find is the message of an id, read one way; nil if there is none. A short id is of one
// of the last serial numbers, or of the last that were given before the server started.
func (b *binding) find(id string, n naming) *message {
	s := b.account.server
	for _, newest := range []uint64{s.serial.Load(), s.before.Load()} {
		for _, serial := range n.read(id, newest) {
			m := s.history.find(serial)
			if m != nil && m.from == b.account && m.named == m.serial && m.naming == n {
				return m
			}
		}
	}
	return nil
}

// sentFrom says whether a source address is the message's, SMPP 3.4 §4.8.1: an empty
// one is an ESME's own, as it was when the message was submitted.
func (b *binding) sentFrom(m *message, source smpp.Address) bool {
	digits := source.Digits
	if digits == "" {
		digits = b.account.number
	}
	return routeKey(digits) == routeKey(m.sm.Source.Digits)
}

// query says what became of a message, SMPP 3.4 §4.8. Of a message to several
// destinations it says what became of the slowest.
func (s *session) query(p smpp.PDU, q *smpp.QuerySM) {
	b := s.bound.Load()
	found := b.lookup(q.MessageID)
	switch {
	case len(found) == 0:
		s.respond(p, smpp.RINVMSGID)
		return
	case !b.sentFrom(found[0], q.Source):
		s.respond(p, smpp.RQUERYFAIL)
		return
	}
	slowest := found[0].status()
	for _, m := range found[1:] {
		if st := m.status(); !st.state.Final() || slowest.state.Final() && st.ended.After(slowest.ended) {
			slowest = st
		}
	}
	resp := &smpp.QuerySMResp{MessageID: q.MessageID, State: uint8(slowest.state), ErrorCode: slowest.code}
	if slowest.state.Final() {
		resp.FinalDate = smpp.Time{Absolute: slowest.ended}.String()
	}
	s.answer(smpp.PDU{Sequence: p.Sequence, Body: resp})
}

// standing is how far a message has come.
type standing struct {
	state gateway.MessageState
	ended time.Time
	code  uint8
}

func (m *message) status() standing {
	m.to.mu.Lock()
	defer m.to.mu.Unlock()
	state, ended := m.known()
	return standing{state, ended.UTC(), uint8(min(m.code(), 0xFF))} //nolint:gosec // bounded
}

// cancel takes back messages that are not on their way, SMPP 3.4 §4.9: one, or without
// an id all of a source and destination, and of a service type if one is given.
func (b *binding) cancel(c *smpp.CancelSM) smpp.Status {
	if c.MessageID == "" {
		return b.cancelAll(c)
	}
	found := b.lookup(c.MessageID)
	if len(found) == 0 {
		return smpp.RINVMSGID
	}
	cancelled := 0
	for _, m := range found {
		if !b.sentFrom(m, c.Source) || c.Destination.Digits != "" && routeKey(c.Destination.Digits) != routeKey(m.sm.Destination.Digits) {
			continue
		}
		cancelled += m.to.withdraw(func(w *message) bool { return w == m }, m.sm.Destination.Digits)
	}
	if cancelled == 0 {
		return smpp.RCANCELFAIL
	}
	return smpp.ROK
}

func (b *binding) cancelAll(c *smpp.CancelSM) smpp.Status {
	to := b.account.server.route(c.Destination.Digits)
	if to == nil {
		return smpp.RCANCELFAIL
	}
	n := to.withdraw(func(m *message) bool {
		return m.from == b.account && b.sentFrom(m, c.Source) && (c.ServiceType == "" || c.ServiceType == m.sm.ServiceType)
	}, c.Destination.Digits)
	if n == 0 {
		return smpp.RCANCELFAIL
	}
	return smpp.ROK
}

// withdraw deletes messages for a number that wait, and says how many.
func (a *account) withdraw(which func(*message) bool, number string) int {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	ms := a.pull(which, number, now)
	for _, m := range ms {
		a.finish(m, gateway.Deleted, now)
	}
	return len(ms)
}

// pull takes messages for a number out that wait in its mailbox or for their time.
func (a *account) pull(which func(*message) bool, number string, now time.Time) (out []*message) {
	key := routeKey(number)
	if b, ok := a.boxes[key]; ok {
		out = b.remove(which)
		b.inFlight += len(out) // so that review keeps it, until each has given its place back
		a.review(b, now)
		for _, m := range out {
			m.place = nowhere
		}
	}
	var held []*timer
	for _, t := range a.due.All() {
		if m := t.Of.message; m != nil && m.place == scheduled && m.kind == plain && routeKey(m.sm.Destination.Digits) == key && which(m) {
			held = append(held, t)
		}
	}
	slices.SortFunc(held, func(x, y *timer) int { return int(int64(x.Order - y.Order)) })
	for _, t := range held {
		a.due.Set(t, time.Time{})
		t.Of.message.place, t.Of.message.wait = nowhere, nil
		out = append(out, t.Of.message)
	}
	return out
}

// displace deletes what waits of the same source, destination and service type as a
// message that is to take its place, SMPP 3.4 §5.2.18.
func (a *account) displace(m *message, now time.Time) {
	same := func(w *message) bool {
		return w.from == m.from && w.sm.ServiceType == m.sm.ServiceType && routeKey(w.sm.Source.Digits) == routeKey(m.sm.Source.Digits)
	}
	m.replaces = false
	for _, w := range a.pull(same, m.sm.Destination.Digits, now) {
		a.finish(w, gateway.Deleted, now)
	}
}

// replace changes a message that is not on its way, SMPP 3.4 §4.10. Empty times leave
// those there were.
func (b *binding) replace(r *smpp.ReplaceSM) smpp.Status {
	found := b.lookup(r.MessageID)
	switch {
	case len(found) == 0:
		return smpp.RINVMSGID
	case len(found) > 1, !b.sentFrom(found[0], r.Source): // a submit_multi's text is shared
		return smpp.RREPLACEFAIL
	}
	m := found[0]
	text := &smpp.SubmitSM{
		ScheduleDeliveryTime: r.ScheduleDeliveryTime, ValidityPeriod: r.ValidityPeriod,
		SMDefaultMsgID: r.SMDefaultMsgID, ShortMessage: r.ShortMessage,
	}
	if status := b.account.server.fillCanned(text, b.account.Alphabet); status != smpp.ROK {
		return status
	}
	deliver, expires, status := schedule(text, time.Now(), b.account.server.config.Validity)
	if status != smpp.ROK {
		return status
	}
	return m.to.exchange(m, func() {
		m.asked = r.RegisteredDelivery
		if r.ScheduleDeliveryTime != "" {
			m.deliver = deliver
		}
		if r.ValidityPeriod != "" {
			m.expires = expires
		}
		m.setText(text)
	})
}

// setText puts another text in; a canned one has a data_coding of its own.
func (m *message) setText(text *smpp.SubmitSM) {
	m.sm.ShortMessage = text.ShortMessage
	if text.SMDefaultMsgID != 0 {
		m.sm.DataCoding = text.DataCoding
	}
	m.sm.TLVs = slices.DeleteFunc(m.sm.TLVs, func(t smpp.TLV) bool { return t.Tag == smpp.TagMessagePayload })
}

// exchange changes a message that waits, and lets it wait anew.
func (a *account) exchange(m *message, change func()) smpp.Status {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	if len(a.pull(func(w *message) bool { return w == m }, m.sm.Destination.Digits, now)) == 0 {
		return smpp.RREPLACEFAIL
	}
	change()
	b := m.box
	m.box = nil
	a.place(m, now)
	if b != nil {
		b.inFlight--
		a.review(b, now)
	}
	a.keepDeferred(m)
	a.pump(now)
	return smpp.ROK
}
