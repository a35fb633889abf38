package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// verdict is a receiver's answer to a deliver_sm.
type verdict struct {
	sequence uint32
	status   smpp.Status
}

// answered takes a receiver's answers. It says whether the session has now
// answered all it was asked.
func (a *account) answered(s *session, verdicts []verdict) (idle bool) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	for _, v := range verdicts {
		o, ok := s.settled(v.sequence)
		if ok && o.message != nil { // else it came too late, or to nothing: ignored
			a.settle(o.message, v.status, now)
		}
	}
	a.pump(now)
	return s.unanswered == 0
}

// settle decides what an answer makes of a message.
func (a *account) settle(m *message, status smpp.Status, now time.Time) {
	m.last, m.cause = status, causeOf(status)
	switch {
	case status == smpp.ROK:
		m.tried(Attempt{At: now})
		a.finish(m, gateway.Delivered, now)
	case temporary(status):
		a.putOff(m, status, now)
	case status == smpp.RXRAPPN:
		m.tried(Attempt{At: now, Status: status, Cause: m.cause})
		a.finish(m, gateway.Rejected, now)
	default:
		m.tried(Attempt{At: now, Status: status, Cause: m.cause})
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
	for _, m := range s.takeBack(func(o *outgoing) bool { return now.Sub(o.sent) >= limit }) {
		m.cause = radio.Lost
		a.putOff(m, smpp.ROK, now)
	}
	next = now.Add(limit)
	for i := range s.ring {
		if at := s.ring[i].sent.Add(limit); s.ring[i].sequence != 0 && at.Before(next) {
			next = at
		}
	}
	a.pump(now)
	return next
}

// putOff puts a message back after a temporary failure, and its mailbox on the
// retry ladder; a message that is tried once ends here.
func (a *account) putOff(m *message, status smpp.Status, now time.Time) {
	m.last = status
	b := m.box
	over := m.once || !now.Before(m.expires)
	if !over {
		a.retry(b, m, now)
		m.tried(Attempt{At: now, Status: status, Cause: m.cause, Next: b.retryAt})
		b.inFlight--
		m.crossed = false
		b.add(m)
		a.review(b, now)
		a.tell(gateway.MessageDeferred, gateway.Enroute, m, now)
		a.note(m, now)
		a.remind(m)
		a.keepDeferred(m)
		return
	}
	m.tried(Attempt{At: now, Status: status, Cause: m.cause})
	if m.once {
		a.finish(m, gateway.Undeliverable, now)
		return
	}
	a.finish(m, gateway.Expired, now)
}

// finish ends a message in a final state, and causes what its sender asked for. A
// message that has a mailbox has a place in flight there.
func (a *account) finish(m *message, state gateway.MessageState, now time.Time) {
	m.place, m.state, m.ended = over, state, now
	if b := m.box; b != nil {
		b.inFlight--
		if state == gateway.Delivered {
			b.again()
		}
		a.review(b, now)
		m.box = nil
	}
	switch m.kind {
	case receipt, notification:
		a.receiptEnded(m, state, now)
	case direct:
		a.caused = append(a.caused, effect{done: m.done, status: outcome(m)})
	case plain:
		a.messageEnded(m, state, now)
	}
	m.origin = nil
}

func (a *account) receiptEnded(m *message, state gateway.MessageState, now time.Time) {
	a.owed.Add(-1)
	a.keepReceiptEnded(m)
	if state != gateway.Delivered {
		a.counts.ReceiptsLost++
		return
	}
	a.counts.Receipts++
	a.tell(gateway.ReceiptSent, state, m, now)
}

func (a *account) messageEnded(m *message, state gateway.MessageState, now time.Time) {
	a.stored.Add(-1)
	a.counts.ended(state)
	event := gateway.MessageFailed
	if state == gateway.Delivered {
		event = gateway.MessageDelivered
	}
	a.tell(event, state, m, now)
	if state == gateway.Delivered {
		a.alertFor(m.sm.Destination.Digits)
	} else {
		a.remind(m)
	}
	var r *message
	if wantsReceipt(m.asked, state) {
		r = receiptOf(m, state, now, a.server.config.Validity)
		a.owe(r)
	}
	a.keepEnded(m, r)
	if m.reply != nil {
		a.caused = append(a.caused, effect{reply: m.reply, status: outcome(m), message: m})
		m.reply = nil
	}
	a.server.history.end(m, now)
}

// outcome is a message's end as a command_status: what its receiver answered, else
// a failure to deliver.
func outcome(m *message) smpp.Status {
	switch {
	case m.state == gateway.Delivered:
		return smpp.ROK
	case m.last != smpp.ROK:
		return m.last
	default:
		return smpp.RDELIVERYFAILURE
	}
}

// effect is what the end of one message causes outside its account.
type effect struct {
	kept    *message // it may be told that this is over
	put     *message // a receipt
	reply   *reply   // an answer that waited, for a message
	message *message
	done    func(smpp.Status)
	status  smpp.Status
}

// perform does what was caused, with no lock held. Receipts for one account go
// there together.
func perform(caused []effect) {
	var batch []*message
	flush := func() {
		if len(batch) > 0 {
			batch[0].to.put(batch...)
			batch = nil
		}
	}
	for i := range caused {
		e := &caused[i]
		if e.put != nil && (len(batch) == 0 || batch[0].to == e.put.to) {
			batch = append(batch, e.put)
			continue
		}
		if e.kept != nil {
			e.kept.unkept.Store(false)
			e.kept.to.server.watch.tell()
			continue
		}
		flush()
		switch {
		case e.put != nil:
			batch = append(batch, e.put)
		case e.reply != nil:
			e.reply.give(e.message, e.status)
		case e.done != nil:
			e.done(e.status)
		}
	}
	flush()
}

// tell tells the observer, if there is one.
func (a *account) tell(event gateway.EventKind, state gateway.MessageState, m *message, now time.Time) {
	if event == gateway.MessageDeferred {
		a.counts.Deferred++
	}
	a.server.watch.tell()
	if a.server.config.Observer == nil || m.kind == direct || m.kind == notification {
		return
	}
	e := Event{
		Event: gateway.Event{Kind: event, At: now, State: state, Message: m.noun()},
		To:    a.SystemID, Status: m.last, Attempt: m.attempts,
	}
	if m.kind == plain {
		e.From = m.from.SystemID
	}
	a.server.config.Observer(e)
}
