package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// USSD takes the messages of USSD sessions, which are not stored and forwarded.
type USSD interface {
	// Take takes a submit_sm or data_sm with service_type USSD or a ussd_service_op, from
	// an account's session, and says what it is answered with. It is called by the
	// session's reader: it must be quick. It may call Server.Deliver.
	Take(from string, sm *smpp.SubmitSM) smpp.Status
}

// isUSSD says whether a message is one of a USSD session, SMPP 3.4 §5.2.11 and §5.3.2.44.
func isUSSD(sm *smpp.SubmitSM) bool {
	if sm.ServiceType == smpp.USSDServiceType {
		return true
	}
	if len(sm.TLVs) == 0 {
		return false
	}
	_, op := sm.TLVs.Get(smpp.TagUSSDServiceOp)
	return op
}

// SetUSSD says who takes the messages of USSD sessions, before Serve: it may need the
// Server to be made.
func (s *Server) SetUSSD(u USSD) { s.config.USSD = u }

// Deliver hands a message to an account at once, or not at all: it is kept nowhere and
// tried once, in the order of the calls. It does not block. done is called once, on any
// goroutine, with what the account's ESME answered; ESME_RDELIVERYFAILURE if none is
// bound, no answer came in time, or the radio does not reach the phone that it is for;
// ESME_RINVSYSID if there is no such account. It must be quick.
func (s *Server) Deliver(systemID string, sm *smpp.SubmitSM, done func(smpp.Status)) {
	a, ok := s.byID[systemID]
	if !ok {
		done(smpp.RINVSYSID)
		return
	}
	now := time.Now()
	if !a.reaches(sm.Destination.Digits, now) {
		done(smpp.RDELIVERYFAILURE)
		return
	}
	a.put(&message{
		sm: sm, kind: direct, to: a, from: a, once: true, done: done,
		accepted: now, expires: now.Add(s.config.Response),
	})
}

// reaches says whether a session with a number can be held: its phone is on, covered and
// not busy. A session is not a short message: it is not lost or late, and needs no memory.
func (a *account) reaches(number string, now time.Time) bool {
	if a.Kind != Subscribers || a.server.config.Radio == nil {
		return true
	}
	cause := a.server.config.Radio.Subscriber(now, routeKey(number)).Cause
	return cause != radio.Absent && cause != radio.Busy
}
