package smsc

import (
	"context"
	"errors"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/internal/link"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/trace"
)

// session is one connection. Its reader answers requests, its writer sends, and
// serve watches over both.
type session struct {
	server   *Server
	id       uint64
	conn     net.Conn
	peer     string // address without port
	since    time.Time
	link     *link.Link
	flow     *trace.Flow
	bound    atomic.Pointer[binding] // set by the reader
	leaving  atomic.Bool             // takes no more messages
	lastWork atomic.Int64            // when something but enquire_link came, Unix nanoseconds
	held     atomic.Int32            // messages whose answers wait
	took     tally
	gone     chan struct{}   // closed when the reader has ended
	life     context.Context // until the session is given up
	giveUp   context.CancelFunc
	changed  chan struct{} // bound, drained, or unbind answered
	kicked   chan struct{}

	// The reader's own.
	refusals int               // of binds
	submits  int               // in this read
	action   fault.Action      // what becomes of the answer to this request
	accepted []*message        // in this read, not yet on their way
	verdicts []verdict         // in this read, not yet worked on
	resp     smpp.SubmitSMResp // room for an answer

	// Guarded by the account's mutex.
	receiving  bool
	served     *regexp.Regexp // numbers it takes messages for; nil is all
	sequence   uint32
	ring       []outgoing
	unanswered int
	counts     struct{ delivered uint64 }
}

// tally counts what the reader does with messages.
type tally struct{ accepted, refused, throttled atomic.Uint64 }

// newSession makes a session of a connection; record begins its trace.
func newSession(server *Server, conn net.Conn, record func(local, remote net.Addr, at time.Time) *trace.Flow) *session {
	s := &session{
		server: server, conn: conn, peer: peerOf(conn), since: time.Now(), gone: make(chan struct{}),
		changed: make(chan struct{}, 1), kicked: make(chan struct{}, 1),
	}
	s.life, s.giveUp = context.WithCancel(context.Background())
	s.flow = record(conn.LocalAddr(), conn.RemoteAddr(), s.since)
	s.link = link.New(link.Config{Conn: conn, MaxPDU: server.config.MaxPDU, Idle: s.forward, Trace: s.flow})
	s.lastWork.Store(s.since.UnixNano())
	server.enlist(s)
	return s
}

// serve lasts as long as the connection.
func (s *session) serve(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.link.Write() })
	wg.Go(s.read)
	s.watch(ctx)
	s.giveUp()
	s.giveBack()
	s.link.Close()
	wg.Wait()
	_ = s.conn.Close()
	s.flow.Close(time.Now())
	s.giveBack() // of a bind that came while the session was given up
	s.server.strike(s)
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

// nack answers a command_length that cannot be, SMPP 3.4 §3.2 and §4.3. While
// such things come without pause from who is not bound, the answers do not.
func (s *session) nack(err error) {
	fe, ok := errors.AsType[*smpp.FrameError](err)
	if !ok {
		return
	}
	if s.bound.Load() == nil {
		now := time.Now()
		s.server.noise.count(now)
		s.pause(s.server.noise.wait(now))
	}
	_ = s.link.Send(smpp.PDU{Status: smpp.RINVCMDLEN, Sequence: fe.Sequence, Body: &smpp.GenericNack{}})
}

// watch keeps the session's timers, and ends it when ctx ends.
func (s *session) watch(ctx context.Context) {
	c := &s.server.config
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
		case <-s.kicked:
			s.leave()
			return
		case <-s.changed:
		case <-clock.C:
		}
		b := s.bound.Load()
		if b == nil {
			if time.Since(s.since) >= c.SessionInit {
				return
			}
			clock.Reset(c.SessionInit - time.Since(s.since))
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
