package smsc

import (
	"crypto/subtle"
	"errors"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// take answers one PDU. It says whether that ends the session.
func (s *session) take(p smpp.PDU, err error) (ended bool) {
	if p.Body.CommandID().IsResponse() {
		return s.takeResponse(p)
	}
	if _, enquiry := p.Body.(*smpp.EnquireLink); !enquiry {
		s.lastWork.Store(time.Now().UnixNano())
	}
	if refusal := s.allowed(p.Body); refusal != smpp.ROK {
		s.respond(p, refusal)
		return false
	}
	if err != nil {
		s.respond(p, statusOf(err))
		return s.failedBind(p.Body)
	}
	switch b := p.Body.(type) {
	case *smpp.BindTransmitter:
		return s.bind(p, (*smpp.Bind)(b), transmitter)
	case *smpp.BindReceiver:
		return s.bind(p, (*smpp.Bind)(b), receiver)
	case *smpp.BindTransceiver:
		return s.bind(p, (*smpp.Bind)(b), transceiver)
	case *smpp.SubmitSM:
		s.submit(p, b)
	case *smpp.EnquireLink:
		s.respond(p, smpp.ROK)
	case *smpp.Unbind:
		s.bound.Load().account.retire(s)
		s.respond(p, smpp.ROK)
		return true
	}
	return false
}

// takeResponse ends a request of the server's own. A response is never answered.
func (s *session) takeResponse(p smpp.PDU) (ended bool) {
	b := s.bound.Load()
	if b == nil {
		return false
	}
	switch p.Body.(type) {
	case *smpp.UnbindResp:
		return s.leaving.Load()
	case *smpp.DeliverSMResp, *smpp.GenericNack:
		s.lastWork.Store(time.Now().UnixNano())
		if p.Status == smpp.ROK && p.Body.CommandID() == smpp.IDGenericNack {
			p.Status = smpp.RUNKNOWNERR // a nack is a refusal, whatever it says
		}
		if idle := b.account.answered(s, p.Sequence, p.Status); idle && s.leaving.Load() {
			nudge(s.changed)
		}
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
	case *smpp.Unknown, *smpp.SubmitMulti, *smpp.DataSM, *smpp.QuerySM, *smpp.CancelSM, *smpp.ReplaceSM, *smpp.Outbind, *smpp.AlertNotification:
		return smpp.RINVCMDID
	case *smpp.BindTransmitter, *smpp.BindReceiver, *smpp.BindTransceiver:
		if m != open {
			return smpp.RALYBND
		}
	case *smpp.SubmitSM:
		if m&transmitter == 0 {
			return smpp.RINVBNDSTS
		}
	case *smpp.EnquireLink, *smpp.Unbind:
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

func (s *session) respond(p smpp.PDU, status smpp.Status) {
	body := smpp.Response(p.Body)
	if status == smpp.RINVCMDID { // §4.3.1: the answer to a command that is not supported
		body = &smpp.GenericNack{}
	}
	_ = s.link.Send(smpp.PDU{Status: status, Sequence: p.Sequence, Body: body})
}

// bind lets an ESME in, SMPP 3.4 §4.1. It says whether the connection ends.
func (s *session) bind(p smpp.PDU, b *smpp.Bind, m mode) (ended bool) {
	a, ok := s.server.byID[b.SystemID]
	switch {
	case s.leaving.Load():
		s.respond(p, smpp.RBINDFAIL)
		return s.failedBind(p.Body)
	case !ok:
		s.respond(p, smpp.RINVSYSID)
		return s.failedBind(p.Body)
	case subtle.ConstantTimeCompare([]byte(a.Password), []byte(b.Password)) != 1:
		s.respond(p, smpp.RINVPASWD)
		return s.failedBind(p.Body)
	}
	made := &binding{account: a, mode: m, old: b.InterfaceVersion < firstTLVVersion}
	s.bound.Store(made)
	s.welcome(p, made)
	if m&receiver != 0 {
		a.bind(s)
	}
	nudge(s.changed)
	s.server.config.Log.Info().Str("system_id", a.SystemID).Stringer("command", p.Body.CommandID()).
		Stringer("peer", s.conn.RemoteAddr()).Msg("smpp bound")
	return false
}

// failedBind counts what was not let in; guessing on costs a new connection.
func (s *session) failedBind(body smpp.Body) (ended bool) {
	switch body.(type) {
	case *smpp.BindTransmitter, *smpp.BindReceiver, *smpp.BindTransceiver:
		s.refusals++
	}
	return s.refusals >= mostRefusals
}

// welcome answers a good bind.
func (s *session) welcome(p smpp.PDU, b *binding) {
	resp := smpp.BindResp{SystemID: s.server.config.SystemID}
	if !b.old {
		resp.TLVs = smpp.TLVs{smpp.Uint8TLV(smpp.TagSCInterfaceVersion, smpp.SMSCVersion)}
	}
	var body smpp.Body
	switch b.mode {
	case transmitter:
		body = (*smpp.BindTransmitterResp)(&resp)
	case receiver:
		body = (*smpp.BindReceiverResp)(&resp)
	default:
		body = (*smpp.BindTransceiverResp)(&resp)
	}
	_ = s.link.Send(smpp.PDU{Sequence: p.Sequence, Body: body})
}

// submit takes or refuses a message, SMPP 3.4 §4.4. The answer is staged before
// the message goes anywhere, so that its receipt comes after it.
func (s *session) submit(p smpp.PDU, sm *smpp.SubmitSM) {
	b := s.bound.Load()
	m, status := s.accept(b, sm)
	if status != smpp.ROK {
		s.respond(p, status)
		return
	}
	_ = s.link.Send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.SubmitSMResp{MessageID: string(m.id)}})
	to := s.server.route(sm.Destination.Digits)
	to.tell(gateway.MessageAccepted, gateway.Enroute, m, m.accepted)
	s.accepted = append(s.accepted, m)
	if sender := s.server.route(sm.Source.Digits); sender != nil && sender.Kind == Subscribers {
		sender.heard(sm.Source.Digits)
	}
}

// accept makes a message of a submit_sm, or says why not.
func (s *session) accept(b *binding, sm *smpp.SubmitSM) (*message, smpp.Status) {
	a := b.account
	if s.leaving.Load() {
		return nil, smpp.RSYSERR
	}
	if s.submits++; a.SubmitWindow > 0 && s.submits > a.SubmitWindow {
		return nil, smpp.RTHROTTLED
	}
	if status := check(sm); status != smpp.ROK {
		return nil, status
	}
	if sm.Source.Digits == "" {
		sm.Source.Digits = a.number // §5.2.8: the SMSC knows who an ESME with a NULL source is
	}
	now := time.Now()
	m := &message{sm: sm, from: a, oldPeer: b.old, asked: sm.RegisteredDelivery, accepted: now}
	if m.asked&smpp.ReceiptMask != smpp.ReceiptNone {
		m.origin = s
	}
	if status := m.schedule(s.server.config.Validity); status != smpp.ROK {
		return nil, status
	}
	to := s.server.route(sm.Destination.Digits)
	if to == nil {
		return nil, smpp.RINVDSTADR
	}
	if to.stored.Add(1) > int64(s.server.config.Store) {
		to.stored.Add(-1)
		return nil, smpp.RMSGQFUL
	}
	m.id = s.server.nextID(b.old)
	m.asDelivered()
	return m, smpp.ROK
}
