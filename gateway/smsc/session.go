package smsc

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/internal/link"
	"github.com/airtill/airtill/gateway/smpp"
)

// mode says what a session is bound for, SMPP 3.4 §2.2. The zero mode is open.
type mode uint8

const (
	open        mode = 0
	transmitter mode = 1
	receiver    mode = 2
	transceiver mode = transmitter | receiver
)

// firstTLVVersion is the interface_version that optional parameters came with, SMPP 3.4 §3.3.
const firstTLVVersion = 0x34

// binding is what a bind made of a session; it does not change afterwards.
type binding struct {
	account *account
	mode    mode
	old     bool // bound with an interface_version below 3.4
}

// outgoing is a deliver_sm without its answer. A copy that is delivered for the
// sake of being twice has no message.
type outgoing struct {
	message *message
	sent    time.Time
}

// session is one connection. Its reader answers requests, its writer sends, and
// serve watches over both.
type session struct {
	server   *Server
	conn     net.Conn
	link     *link.Link
	bound    atomic.Pointer[binding] // set by the reader
	leaving  atomic.Bool             // takes no more messages
	lastWork atomic.Int64            // when something but enquire_link came, Unix nanoseconds
	gone     chan struct{}           // closed when the reader has ended
	changed  chan struct{}           // bound, drained, or unbind answered

	// The reader's own.
	refusals int        // of binds
	submits  int        // in this read
	accepted []*message // in this read, not yet on their way

	// Guarded by the account's mutex.
	receiving   bool
	sequence    uint32
	outstanding map[uint32]outgoing
}

// mostRefusals is how many binds may fail on one connection.
const mostRefusals = 3

func newSession(server *Server, conn net.Conn) *session {
	s := &session{
		server: server, conn: conn, gone: make(chan struct{}), changed: make(chan struct{}, 1),
		outstanding: make(map[uint32]outgoing),
	}
	s.link = link.New(link.Config{Conn: conn, MaxPDU: server.config.MaxPDU, Idle: s.forward})
	s.lastWork.Store(time.Now().UnixNano())
	return s
}

// serve lasts as long as the connection.
func (s *session) serve(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.link.Write() })
	wg.Go(s.read)
	s.watch(ctx)
	s.giveBack()
	s.link.Close()
	wg.Wait()
	_ = s.conn.Close()
	s.giveBack() // of a bind that came while the session was given up
}

// giveBack returns what the session has not answered to its account.
func (s *session) giveBack() {
	if b := s.bound.Load(); b != nil {
		b.account.unbind(s)
	}
}

// read answers what comes, until the connection or the session ends.
func (s *session) read() {
	defer func() {
		s.forward()
		close(s.gone)
		s.link.Close()
		s.link.Drain()
	}()
	for {
		frame, err := s.link.Next()
		if err != nil {
			s.nack(err)
			return
		}
		p, err := smpp.Decode(frame)
		if ended := s.take(p, err); ended {
			return
		}
	}
}

// nack answers a command_length that cannot be, SMPP 3.4 §3.2 and §4.3.
func (s *session) nack(err error) {
	if fe, ok := errors.AsType[*smpp.FrameError](err); ok {
		_ = s.link.Send(smpp.PDU{Status: smpp.RINVCMDLEN, Sequence: fe.Sequence, Body: &smpp.GenericNack{}})
	}
}

// forward sends the messages of one read on their way, once it is answered.
func (s *session) forward() {
	s.submits = 0
	for len(s.accepted) > 0 {
		to := s.server.route(s.accepted[0].sm.Destination.Digits)
		n := 1
		for n < len(s.accepted) && s.server.route(s.accepted[n].sm.Destination.Digits) == to {
			n++
		}
		to.put(s.accepted[:n]...)
		clear(s.accepted[:n])
		s.accepted = s.accepted[n:]
	}
	s.accepted = nil
}

// watch keeps the session's timers, and ends it when ctx ends.
func (s *session) watch(ctx context.Context) {
	c := &s.server.config
	opened := time.Now()
	clock := time.NewTimer(c.SessionInit)
	defer clock.Stop()
	asked := false
	for {
		select {
		case <-s.gone:
			return
		case <-ctx.Done():
			s.leave()
			return
		case <-s.changed:
		case <-clock.C:
		}
		b := s.bound.Load()
		if b == nil {
			if time.Since(opened) >= c.SessionInit {
				return
			}
			clock.Reset(c.SessionInit - time.Since(opened))
			continue
		}
		next, end := s.timers(b, &asked)
		if end {
			return
		}
		clock.Reset(time.Until(next))
	}
}

// timers does what is due on a bound session, SMPP 3.4 §2.7 and §7.2.
func (s *session) timers(b *binding, asked *bool) (next time.Time, end bool) {
	c := &s.server.config
	now := time.Now()
	quiet := s.link.Quiet()
	switch {
	case quiet < c.EnquireLink:
		*asked = false
		next = now.Add(c.EnquireLink - quiet)
	case !*asked:
		*asked = true
		b.account.request(s, &smpp.EnquireLink{})
		next = now.Add(c.Response)
	case quiet >= c.EnquireLink+c.Response:
		return now, true
	default:
		next = now.Add(c.EnquireLink + c.Response - quiet)
	}
	if c.Inactivity > 0 {
		idle := now.Sub(time.Unix(0, s.lastWork.Load()))
		if idle >= c.Inactivity {
			s.leave()
			return now, true
		}
		next = earlier(next, now.Add(c.Inactivity-idle))
	}
	return earlier(next, b.account.overdue(s)), false
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// leave is the two-phase end: deliver no more and wait for what is unanswered,
// then unbind and wait for the answer; each at most Response long.
func (s *session) leave() {
	s.leaving.Store(true)
	b := s.bound.Load()
	if b == nil {
		return
	}
	limit := time.NewTimer(s.server.config.Response)
	defer limit.Stop()
	for !b.account.retire(s) && s.waitChange(limit) {
	}
	limit.Reset(s.server.config.Response)
	b.account.request(s, &smpp.Unbind{})
	for s.waitChange(limit) { // the reader ends with unbind_resp
	}
}

// waitChange waits for the session to change. It is false at the end of the
// session or of the time.
func (s *session) waitChange(limit *time.Timer) bool {
	select {
	case <-s.changed:
		return true
	case <-s.gone:
		return false
	case <-limit.C:
		return false
	}
}

// request sends a request of the server's own.
func (a *account) request(s *session, body smpp.Body) {
	first := a.lock()
	defer a.unlock(first)
	_ = s.link.Send(smpp.PDU{Sequence: s.nextSequence(), Body: body})
}

// nextSequence is the next number that no unanswered request has, SMPP 3.4 §5.1.4.
func (s *session) nextSequence() uint32 {
	for {
		s.sequence = smpp.NextSequence(s.sequence)
		if _, taken := s.outstanding[s.sequence]; !taken {
			return s.sequence
		}
	}
}

// takeBack takes out unanswered messages, in the order they were sent.
func (s *session) takeBack(which func(outgoing) bool) []*message {
	var sequences []uint32
	for sequence, o := range s.outstanding {
		if which(o) {
			sequences = append(sequences, sequence)
		}
	}
	slices.Sort(sequences)
	var ms []*message
	for _, sequence := range sequences {
		if m := s.outstanding[sequence].message; m != nil {
			ms = append(ms, m)
		}
		delete(s.outstanding, sequence)
	}
	return ms
}

// deliverable is a message as the session's version of the protocol can carry it:
// before 3.4 without optional parameters, SMPP 3.4 §3.4.2.
func (s *session) deliverable(m *message) (*smpp.DeliverSM, bool) {
	sm := m.sm
	if s.bound.Load().old && len(sm.TLVs) > 0 {
		plain := *sm
		plain.ShortMessage, plain.TLVs = sm.UserData(), nil
		sm = &plain
	}
	return (*smpp.DeliverSM)(sm), len(sm.ShortMessage) <= smpp.MaxShortMessage
}
