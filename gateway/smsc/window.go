package smsc

import (
	"math/bits"
	"slices"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// outgoing is a deliver_sm without its answer. A copy that is delivered for the
// sake of being twice has no message.
type outgoing struct {
	message  *message
	sent     time.Time
	sequence uint32 // zero where there is none
}

// makeRing makes room for a window of requests. An answer is found by the low bits of
// its sequence number; a number whose place is taken is passed over.
func (s *session) makeRing(window int) {
	s.ring = make([]outgoing, 1<<bits.Len(uint(2*window+2))) //nolint:gosec // not negative
}

// nextSequence is the next number that no unanswered request has, SMPP 3.4 §5.1.4.
func (s *session) nextSequence() uint32 {
	for {
		s.sequence = smpp.NextSequence(s.sequence)
		if len(s.ring) == 0 || s.slot(s.sequence).sequence == 0 {
			return s.sequence
		}
	}
}

func (s *session) slot(sequence uint32) *outgoing {
	return &s.ring[int(sequence)&(len(s.ring)-1)]
}

// expect notes a request that is about to be sent, and numbers it.
func (s *session) expect(m *message, now time.Time) (sequence uint32) {
	sequence = s.nextSequence()
	*s.slot(sequence) = outgoing{m, now, sequence}
	a := s.bound.Load().account
	if s.unanswered++; s.unanswered == a.Window && s.receiving {
		a.free--
	}
	return sequence
}

// settled takes a request out that has its answer.
func (s *session) settled(sequence uint32) (o outgoing, ok bool) {
	if len(s.ring) == 0 || sequence == 0 {
		return outgoing{}, false
	}
	slot := s.slot(sequence)
	if slot.sequence != sequence {
		return outgoing{}, false
	}
	o, *slot = *slot, outgoing{}
	a := s.bound.Load().account
	if s.unanswered--; s.unanswered == a.Window-1 && s.receiving {
		a.free++
	}
	return o, true
}

// takeBack takes out unanswered messages, in the order they were sent.
func (s *session) takeBack(which func(*outgoing) bool) []*message {
	var taken []outgoing
	for i := range s.ring {
		if s.ring[i].sequence != 0 && which(&s.ring[i]) {
			o, _ := s.settled(s.ring[i].sequence)
			taken = append(taken, o)
		}
	}
	slices.SortFunc(taken, func(x, y outgoing) int {
		if x.message != nil && y.message != nil && x.sent.Equal(y.sent) {
			return int(int64(x.message.order - y.message.order))
		}
		return x.sent.Compare(y.sent)
	})
	var ms []*message
	for _, o := range taken {
		if o.message != nil {
			ms = append(ms, o.message)
		}
	}
	return ms
}

// deliverable is a message as the session's version of the protocol can carry it:
// before 3.4 without optional parameters, SMPP 3.4 §3.4.2.
func (s *session) deliverable(m *message) (smpp.Body, bool) {
	sm, b := m.sm, s.bound.Load()
	if b.account.DataSM && !b.old {
		return dataSM(sm), true
	}
	if b.old && len(sm.TLVs) > 0 {
		bare := *sm
		bare.ShortMessage, bare.TLVs = sm.UserData(), nil
		sm = &bare
	}
	return (*smpp.DeliverSM)(sm), len(sm.ShortMessage) <= smpp.MaxShortMessage
}
