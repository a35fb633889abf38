package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// respond answers a request with its own response and a status; what has none, and
// what is not supported, with a generic_nack (SMPP 3.4 §4.3.1).
func (s *session) respond(p smpp.PDU, status smpp.Status) {
	body := smpp.Response(p.Body)
	if status == smpp.RINVCMDID {
		body = &smpp.GenericNack{}
	}
	s.answer(smpp.PDU{Status: status, Sequence: p.Sequence, Body: body})
}

// confirm answers a request that has changed messages: where the store is durable, when
// the changes are kept.
func (s *session) confirm(p smpp.PDU, status smpp.Status) {
	c := s.server.committer.Load()
	if c == nil || status != smpp.ROK {
		s.respond(p, status)
		return
	}
	answer, action := smpp.PDU{Sequence: p.Sequence, Body: smpp.Response(p.Body)}, s.action
	c.Add(new(msgstore.Batch), func(err error) { // after all that came before
		if err != nil {
			answer.Status = smpp.RSYSERR
		}
		s.send(answer, action)
	})
}

// answer sends a response to the request that is being worked on, with the fault
// that strikes it, if one does.
func (s *session) answer(p smpp.PDU) {
	s.send(p, s.action)
}

func (s *session) send(p smpp.PDU, action fault.Action) {
	if action == (fault.Action{}) {
		_ = s.link.Send(p)
		return
	}
	s.spoil(p, action)
}

// spoil sends a response as a fault will have it.
func (s *session) spoil(p smpp.PDU, action fault.Action) {
	if action.Delay > 0 {
		s.held.Add(1)
		delay := action.Delay
		action.Delay = 0
		s.server.later.at(time.Now().Add(delay), func() {
			s.held.Add(-1)
			s.spoil(p, action)
		})
		return
	}
	if !action.Lose {
		if octets, err := smpp.Append(nil, p); err == nil {
			if action.Malform != 0 {
				octets = action.Malform.Apply(octets)
			}
			_ = s.link.SendOctets(octets)
		}
	}
	switch {
	case action.Drop && action.Lose:
		s.link.Abort()
	case action.Drop:
		s.link.Close()
	}
}

// reply is an answer that waits: for the store to keep what is accepted, or for the
// outcome of a transaction.
type reply struct {
	session  *session
	sequence uint32
	body     smpp.Body // of a message that was taken
	refusal  smpp.Status
	action   fault.Action
	done     func(status smpp.Status) // instead of a session
}

// hold makes the answer to a request wait.
func (s *session) hold(p smpp.PDU, body smpp.Body) *reply {
	s.held.Add(1)
	s.submits--
	return &reply{session: s, sequence: p.Sequence, body: body, action: s.action}
}

// give answers at last. A message that failed has one status in submit_sm_resp, and
// in data_sm_resp another, which says more (SMPP 3.4 §4.7.2).
func (r *reply) give(m *message, status smpp.Status) {
	if r.done != nil {
		r.done(status)
		return
	}
	p := smpp.PDU{Sequence: r.sequence, Body: r.body}
	if status != smpp.ROK {
		switch r.body.(type) {
		case *smpp.DataSMResp:
			p.Status, p.Body = smpp.RDELIVERYFAILURE, &smpp.DataSMResp{TLVs: failure(m)}
		case *smpp.SubmitSMResp:
			p.Status, p.Body = r.refusal, &smpp.SubmitSMResp{}
		case *smpp.SubmitMultiResp:
			p.Status, p.Body = r.refusal, &smpp.SubmitMultiResp{}
		}
	}
	r.session.held.Add(-1)
	r.session.send(p, r.action)
}
