package smsc

import (
	"errors"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/smpp"
)

// take answers one PDU. It says whether that ends the session.
func (s *session) take(p smpp.PDU, err error) (ended bool) {
	if p.Body.CommandID().IsResponse() {
		return s.takeResponse(p)
	}
	if _, enquiry := p.Body.(*smpp.EnquireLink); !enquiry {
		s.lastWork.Store(s.link.Arrived().UnixNano())
	}
	s.action = s.struck(p.Body)
	refusal := s.action.Status
	if refusal == smpp.ROK {
		refusal = s.allowed(p.Body)
	}
	switch {
	case refusal != smpp.ROK:
		s.respond(p, refusal)
		return false
	case err != nil:
		s.respond(p, statusOf(err))
		return s.failedBind(p.Body)
	}
	return s.perform(p)
}

// struck is the fault that strikes a request, if one does.
func (s *session) struck(body smpp.Body) fault.Action {
	faults := s.server.config.Faults
	if faults == nil {
		return fault.Action{}
	}
	systemID, number := "", ""
	if b := s.bound.Load(); b != nil {
		systemID = b.account.SystemID
	}
	switch b := body.(type) {
	case *smpp.BindTransmitter:
		systemID = b.SystemID
	case *smpp.BindReceiver:
		systemID = b.SystemID
	case *smpp.BindTransceiver:
		systemID = b.SystemID
	case *smpp.SubmitSM:
		number = b.Destination.Digits
	case *smpp.DataSM:
		number = b.Destination.Digits
	}
	return faults.Decide(s.link.Arrived(), systemID, body.CommandID(), number)
}

// perform does what a request asks. It says whether that ends the session.
func (s *session) perform(p smpp.PDU) (ended bool) {
	switch b := p.Body.(type) {
	case *smpp.SubmitSM:
		s.submit(p, b)
	case *smpp.DataSM:
		s.submitData(p, b)
	case *smpp.SubmitMulti:
		s.submitMulti(p, b)
	case *smpp.EnquireLink:
		s.respond(p, smpp.ROK)
	case *smpp.QuerySM:
		s.query(p, b)
	case *smpp.CancelSM:
		s.confirm(p, s.bound.Load().cancel(b))
	case *smpp.ReplaceSM:
		s.confirm(p, s.bound.Load().replace(b))
	case *smpp.BindTransmitter:
		return s.bind(p, (*smpp.Bind)(b), transmitter)
	case *smpp.BindReceiver:
		return s.bind(p, (*smpp.Bind)(b), receiver)
	case *smpp.BindTransceiver:
		return s.bind(p, (*smpp.Bind)(b), transceiver)
	case *smpp.Unbind:
		s.bound.Load().account.part(s)
		s.respond(p, smpp.ROK)
		return true
	}
	return false
}

// takeResponse ends a request of the server's own. A response is never answered.
func (s *session) takeResponse(p smpp.PDU) (ended bool) {
	if s.bound.Load() == nil {
		return false
	}
	switch p.Body.(type) {
	case *smpp.UnbindResp:
		return s.leaving.Load()
	case *smpp.DeliverSMResp, *smpp.DataSMResp, *smpp.GenericNack:
		s.lastWork.Store(s.link.Arrived().UnixNano())
		if p.Status == smpp.ROK && p.Body.CommandID() == smpp.IDGenericNack {
			p.Status = smpp.RUNKNOWNERR // a nack is a refusal, whatever it says
		}
		s.verdicts = append(s.verdicts, verdict{p.Sequence, p.Status})
	}
	return false
}

// allowed says whether the session's state takes a command, SMPP 3.4 §2.2 table 2-1:
// ESME_RALYBND for a second bind, ESME_RINVBNDSTS for what is known but not allowed.
func (s *session) allowed(body smpp.Body) smpp.Status {
	m := open
	if b := s.bound.Load(); b != nil {
		m = b.mode
	}
	switch body.(type) {
	case *smpp.Unknown, *smpp.Outbind, *smpp.AlertNotification: // the last two are the SMSC's to send, and have no response
		return smpp.RINVCMDID
	case *smpp.BindTransmitter, *smpp.BindReceiver, *smpp.BindTransceiver:
		if m != open {
			return smpp.RALYBND
		}
	case *smpp.SubmitSM, *smpp.SubmitMulti, *smpp.QuerySM, *smpp.CancelSM, *smpp.ReplaceSM:
		if m&transmitter == 0 {
			return smpp.RINVBNDSTS
		}
	case *smpp.EnquireLink, *smpp.Unbind, *smpp.DataSM: // data_sm may come from a receiver, table 2-1
		if m == open {
			return smpp.RINVBNDSTS
		}
	default: // deliver_sm is the SMSC's to send
		return smpp.RINVBNDSTS
	}
	return smpp.ROK
}

// statusOf is the status that an error of the codec names.
func statusOf(err error) smpp.Status {
	if se, ok := errors.AsType[*smpp.StatusError](err); ok {
		return se.Status
	}
	return smpp.RSYSERR
}

// forward works on the answers of one read, and sends its messages on their way: once
// the store has kept them, where it is durable.
func (s *session) forward() {
	s.submits = 0
	if len(s.verdicts) > 0 {
		idle := s.bound.Load().account.answered(s, s.verdicts)
		s.verdicts = s.verdicts[:0]
		if idle && s.leaving.Load() {
			nudge(s.changed)
		}
	}
	if len(s.accepted) > 0 {
		s.server.admit(s.accepted)
		clear(s.accepted)
		s.accepted = s.accepted[:0]
	}
	s.waitForStore()
}
