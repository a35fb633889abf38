package smsc

import (
	"github.com/airtill/airtill/gateway/smpp"
)

// submitMulti takes one message for several destinations, SMPP 3.4 §4.5. Those that are
// refused are named in the answer; distribution lists are, for there are none. All others
// have one id. If no destination is taken the message is refused as a whole.
func (s *session) submitMulti(p smpp.PDU, multi *smpp.SubmitMulti) {
	b := s.bound.Load()
	if status := s.admit(b.account, len(multi.Destinations)); status != smpp.ROK {
		s.took.count(status)
		s.respond(p, status)
		return
	}
	var taken []*message
	var named uint64
	resp := &smpp.SubmitMultiResp{}
	for _, d := range multi.Destinations {
		m, serial, status := s.submitTo(b, multi, d)
		s.took.count(status)
		if status != smpp.ROK {
			resp.Unsuccessful = append(resp.Unsuccessful, unsuccessful(d, status))
			continue
		}
		if named == 0 {
			named = serial
		}
		if m != nil {
			m.named = named
			taken = append(taken, m)
		}
	}
	if named == 0 {
		s.respond(p, refusalOf(resp.Unsuccessful))
		return
	}
	resp.MessageID = string(b.naming().answer(named))
	s.acknowledgeAll(p, taken, resp)
}

// submitTo takes the message for one destination. What is carried is copied, as each
// message changes its own.
func (s *session) submitTo(b *binding, multi *smpp.SubmitMulti, d smpp.Destination) (m *message, serial uint64, status smpp.Status) {
	if d.List != "" {
		return nil, 0, smpp.RINVDLNAME
	}
	sm := multi.For(d.Address)
	sm.TLVs = append(smpp.TLVs(nil), sm.TLVs...)
	m, serial, status = b.account.accept(sm, b.old, s.link.Arrived())
	if m != nil {
		m.reply = nil // of several outcomes there is no one answer: a transaction is a datagram here
		if asksForReceipt(m.asked) {
			m.origin = s
		}
	}
	return m, serial, status
}

// acknowledgeAll answers once for all of a message's destinations.
func (s *session) acknowledgeAll(p smpp.PDU, ms []*message, resp *smpp.SubmitMultiResp) {
	if len(ms) == 0 {
		s.answer(smpp.PDU{Sequence: p.Sequence, Body: resp})
		return
	}
	ms[0].group = ms
	last := len(ms) - 1
	s.accepted = append(s.accepted, ms[:last]...)
	s.acknowledge(p, ms[last], resp, smpp.RSUBMITFAIL)
}

// unsuccessful names a destination and why it is refused. A distribution list has no
// other place for its name than the address.
func unsuccessful(d smpp.Destination, status smpp.Status) smpp.Unsuccessful {
	u := smpp.Unsuccessful{Address: d.Address, Status: status}
	if d.List != "" {
		u.Address = smpp.Address{Digits: d.List}
	}
	return u
}

// refusalOf is why a message was refused by all destinations: their status if they have
// one in common.
func refusalOf(all []smpp.Unsuccessful) smpp.Status {
	for _, u := range all {
		if u.Status != all[0].Status {
			return smpp.RSUBMITFAIL
		}
	}
	return all[0].Status
}
