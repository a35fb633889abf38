package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// overTheAir sends a subscriber's message across. It is false while the message
// is on its way.
func (a *account) overTheAir(m *message, now time.Time) bool {
	if m.crossed || m.kind != plain || a.Kind != Subscribers {
		return true
	}
	c := a.server.config.Radio.Cross(now, routeKey(m.sm.Destination.Digits))
	m.crossed, m.cause, m.twice, m.late = true, c.Cause, c.Twice, c.Late
	if c.Delay <= 0 && c.Late <= 0 && c.Cause == radio.Through {
		return true
	}
	a.hold(m, crossing, now.Add(c.Delay))
	return false
}

// arrived is the end of a message's way over the air, or of its wait for its time.
func (a *account) arrived(m *message, now time.Time) {
	m.wait = nil
	switch {
	case m.place == scheduled:
		m.deliver = time.Time{}
		a.place(m, now)
	case m.cause != radio.Through:
		m.attempts++
		a.putOff(m, smpp.ROK, now)
	case m.late > 0:
		// It loses its turn: those behind it may go first.
		late := m.late
		m.late = 0
		m.box.inFlight--
		a.review(m.box, now)
		m.box = nil
		a.hold(m, crossing, now.Add(late))
	case m.box == nil:
		a.enqueue(m, now)
	default:
		// It keeps its turn: it waits for a receiver's window at the mailbox's head.
		b := m.box
		b.inFlight--
		b.add(m)
		a.review(b, now)
	}
}

// back is told by the air of a subscriber that an act has brought back.
func (s *Server) back(number string) {
	if a := s.route(number); a != nil {
		a.heard(number)
	}
}

// missed is a message that is tried once, with nobody there to take it.
func (a *account) missed(m *message, now time.Time) {
	m.cause = radio.Absent
	m.tried(Attempt{At: now, Cause: m.cause})
	a.finish(m, gateway.Undeliverable, now)
}
