package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// temporary says whether a refusal of a deliver_sm may be otherwise later
// (SMPP 3.4 §5.1.3: 0x64 and 0x14; and what a receiver says that has too much to do).
func temporary(s smpp.Status) bool {
	switch s {
	case smpp.RXTAPPN, smpp.RMSGQFUL, smpp.RSYSERR, smpp.RTHROTTLED:
		return true
	default:
		return false
	}
}

// answered takes a receiver's answer. It says whether the session has now
// answered all it was asked.
func (a *account) answered(s *session, sequence uint32, status smpp.Status) (idle bool) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	o, ok := s.outstanding[sequence]
	if !ok {
		return false // too late, or to nothing: ignored
	}
	delete(s.outstanding, sequence)
	if o.message != nil {
		a.settle(o.message, status, now)
	}
	a.pump(now)
	return len(s.outstanding) == 0
}

// settle decides what an answer makes of a message.
func (a *account) settle(m *message, status smpp.Status, now time.Time) {
	m.last = status
	switch {
	case status == smpp.ROK:
		a.finish(m, gateway.Delivered, now)
	case temporary(status):
		a.postpone(m, status, now)
	case status == smpp.RXRAPPN:
		a.finish(m, gateway.Rejected, now)
	default:
		a.finish(m, gateway.Undeliverable, now)
	}
}

// overdue fails the requests of a session that were not answered in time, and
// says when the next one will be.
func (a *account) overdue(s *session) (next time.Time) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	limit := a.server.config.Response
	for _, m := range s.takeBack(func(o outgoing) bool { return now.Sub(o.sent) >= limit }) {
		a.postpone(m, smpp.ROK, now)
	}
	next = now.Add(limit)
	for _, o := range s.outstanding {
		if at := o.sent.Add(limit); at.Before(next) {
			next = at
		}
	}
	a.pump(now)
	return next
}

// postpone puts a message back after a temporary failure, and its mailbox on the
// retry ladder. Failures of messages that were in flight together count once.
func (a *account) postpone(m *message, status smpp.Status, now time.Time) {
	m.last = status
	if !now.Before(m.expires) {
		a.finish(m, gateway.Expired, now)
		return
	}
	b := a.box(m)
	b.inFlight--
	m.crossed = false
	b.add(m)
	if !b.retryAt.After(now) {
		ladder := a.server.config.Retry
		b.retryAt = now.Add(ladder[min(b.failures, len(ladder)-1)])
		b.failures++
	}
	a.review(b, now)
	a.tell(gateway.MessageDeferred, gateway.Enroute, m, now)
}

// finish ends a message in a final state, and causes its receipt.
func (a *account) finish(m *message, state gateway.MessageState, now time.Time) {
	b := a.box(m)
	b.inFlight--
	if state == gateway.Delivered {
		b.again()
	}
	a.review(b, now)
	if m.receipt {
		if state == gateway.Delivered {
			a.tell(gateway.ReceiptSent, state, m, now)
		}
		return
	}
	a.stored.Add(-1)
	kind := gateway.MessageFailed
	if state == gateway.Delivered {
		kind = gateway.MessageDelivered
	}
	a.tell(kind, state, m, now)
	if wantsReceipt(m.asked, state) {
		a.caused = append(a.caused, receiptOf(m, state, now, a.server.config.Validity))
	}
}

// tell tells the observer, if there is one.
func (a *account) tell(kind gateway.EventKind, state gateway.MessageState, m *message, now time.Time) {
	if a.server.config.Observer == nil {
		return
	}
	e := Event{
		Event: gateway.Event{Kind: kind, At: now, State: state, Message: m.noun()},
		To:    a.SystemID, Status: m.last, Attempt: m.attempts,
	}
	if !m.receipt {
		e.From = m.from.SystemID
	}
	a.server.config.Observer(e)
}

// noun is the message as the rest of the carrier speaks of it.
func (m *message) noun() *gateway.Message {
	return &gateway.Message{
		ID: m.id, Source: gateway.Address(m.sm.Source.Digits), Destination: gateway.Address(m.sm.Destination.Digits),
		ESMClass: m.sm.ESMClass, ProtocolID: m.sm.ProtocolID, DataCoding: m.sm.DataCoding,
		UserData: m.sm.UserData(), Accepted: m.accepted, Expires: m.expires,
	}
}
