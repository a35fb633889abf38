package esme

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/airtill/airtill/gateway/internal/link"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/trace"
)

// errUnbound says that the SMSC ended the session.
var errUnbound = errors.New("the smsc unbound")

// session is one connection to the SMSC. Its reader hands out what comes, its
// writer sends, and the client's own goroutine watches over both.
type session struct {
	config *Config
	conn   net.Conn
	flow   *trace.Flow
	link   *link.Link
	window chan struct{} // a place for each unanswered submit
	gone   chan struct{} // closed when the reader has ended
	wg     sync.WaitGroup

	mu       sync.Mutex
	sequence uint32
	pending  map[uint32]chan<- smpp.PDU // each has room for its one answer
	why      error                      // why the reader ended
}

func newSession(c *Config, conn net.Conn) *session {
	flow := c.Trace.Dialled(conn.LocalAddr(), conn.RemoteAddr(), time.Now())
	return &session{
		config: c, conn: conn, flow: flow, link: link.New(link.Config{Conn: conn, Trace: flow}),
		window: make(chan struct{}, c.Window), gone: make(chan struct{}),
		pending: make(map[uint32]chan<- smpp.PDU),
	}
}

func (s *session) start() {
	s.wg.Go(func() { _ = s.link.Write() })
	s.wg.Go(func() {
		err := s.read()
		s.mu.Lock()
		s.why = err
		s.mu.Unlock()
		close(s.gone)
		s.link.Close()
		s.link.Drain()
	})
}

// end closes the connection and waits for reader and writer.
func (s *session) end() {
	s.link.Close()
	s.wg.Wait()
	_ = s.conn.Close()
	s.flow.Close(time.Now())
}

func (s *session) bind(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.ResponseTimeout)
	defer cancel()
	p, err := s.ask(ctx, s.config.bind())
	if err != nil {
		return err
	}
	return p.Status.Err()
}

// watch lasts as long as the session. When ctx ends it hides the session from new
// submits, waits for the unanswered ones, and unbinds.
func (s *session) watch(ctx context.Context, hide func()) error {
	ticks := time.NewTicker(s.config.EnquireLink)
	defer ticks.Stop()
	for {
		select {
		case <-s.gone:
			return s.reason()
		case <-ctx.Done():
			hide()
			s.unbind(context.WithoutCancel(ctx))
			return nil
		case <-ticks.C:
			if s.link.Quiet() < s.config.EnquireLink {
				continue
			}
			if err := s.enquire(ctx); err != nil {
				return fmt.Errorf("enquire_link: %w", err)
			}
		}
	}
}

func (s *session) enquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.ResponseTimeout)
	defer cancel()
	_, err := s.ask(ctx, &smpp.EnquireLink{})
	return err
}

// unbind drains the window, then asks for the end, each within ResponseTimeout.
func (s *session) unbind(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.config.ResponseTimeout)
	defer cancel()
	for range cap(s.window) {
		select {
		case s.window <- struct{}{}:
		case <-s.gone:
			return
		case <-ctx.Done():
		}
	}
	asking, stop := context.WithTimeout(context.WithoutCancel(ctx), s.config.ResponseTimeout)
	defer stop()
	_, _ = s.ask(asking, &smpp.Unbind{})
}

func (s *session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// request asks within the window. The place is given back when the answer is
// there or no longer waited for.
func (s *session) request(ctx context.Context, b smpp.Body) (smpp.PDU, error) {
	select {
	case s.window <- struct{}{}:
		defer func() { <-s.window }()
	case <-s.gone:
		return smpp.PDU{}, ErrNotBound
	case <-ctx.Done():
		return smpp.PDU{}, fmt.Errorf("wait for the window: %w", context.Cause(ctx))
	}
	return s.ask(ctx, b)
}

// ask sends a request and waits for its answer.
func (s *session) ask(ctx context.Context, b smpp.Body) (smpp.PDU, error) {
	answer := make(chan smpp.PDU, 1)
	sequence := s.expect(answer)
	defer s.forget(sequence)
	if err := s.link.Send(smpp.PDU{Sequence: sequence, Body: b}); err != nil {
		if errors.Is(err, link.ErrClosed) {
			return smpp.PDU{}, ErrNotBound
		}
		return smpp.PDU{}, err
	}
	late := time.NewTimer(s.config.ResponseTimeout)
	defer late.Stop()
	select {
	case p := <-answer:
		return p, nil
	case <-late.C:
		return smpp.PDU{}, fmt.Errorf("%w: no answer in %v", ErrUnknown, s.config.ResponseTimeout)
	case <-ctx.Done():
		return smpp.PDU{}, fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	case <-s.gone:
		return lastAnswer(answer, s.reason())
	}
}

// lastAnswer takes an answer that came just before the session's end.
func lastAnswer(answer <-chan smpp.PDU, why error) (smpp.PDU, error) {
	select {
	case p := <-answer:
		return p, nil
	default:
		return smpp.PDU{}, fmt.Errorf("%w: %w", ErrUnknown, why)
	}
}

func (s *session) expect(answer chan<- smpp.PDU) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.sequence = smpp.NextSequence(s.sequence)
		if _, taken := s.pending[s.sequence]; !taken {
			break
		}
	}
	s.pending[s.sequence] = answer
	return s.sequence
}

func (s *session) forget(sequence uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, sequence)
}

// read hands out frames until the connection or the session ends.
func (s *session) read() error {
	for {
		frame, err := s.link.Next()
		if err != nil {
			s.nack(err)
			return err
		}
		p, err := smpp.Decode(frame)
		if id := p.Body.CommandID(); id.IsResponse() {
			if err != nil { // an answer that cannot be read says nothing
				p.Body = &smpp.Unknown{ID: id}
			}
			s.answered(p)
			continue
		}
		if err != nil {
			s.refuse(p, err)
			continue
		}
		if ended := s.take(p); ended {
			return errUnbound
		}
	}
}

// nack answers a command_length that cannot be, SMPP 3.4 §3.2 and §4.3.
func (s *session) nack(err error) {
	if fe, ok := errors.AsType[*smpp.FrameError](err); ok {
		_ = s.link.Send(smpp.PDU{Status: smpp.RINVCMDLEN, Sequence: fe.Sequence, Body: &smpp.GenericNack{}})
	}
}

func (s *session) answered(p smpp.PDU) {
	s.mu.Lock()
	answer, ok := s.pending[p.Sequence]
	delete(s.pending, p.Sequence)
	s.mu.Unlock()
	if ok {
		answer <- p // has room
		return
	}
	s.config.Log.Debug().Stringer("command", p.Body.CommandID()).Uint32("sequence", p.Sequence).Msg("answer to nothing that is waited for")
}

// refuse answers a request whose body is wrong.
func (s *session) refuse(p smpp.PDU, err error) {
	status := smpp.RSYSERR
	if se, ok := errors.AsType[*smpp.StatusError](err); ok {
		status = se.Status
	}
	s.respond(p, status)
}

func (s *session) respond(p smpp.PDU, status smpp.Status) {
	_ = s.link.Send(smpp.PDU{Status: status, Sequence: p.Sequence, Body: smpp.Response(p.Body)})
}

// take does what a request of the SMSC asks. It says whether that ends the session.
func (s *session) take(p smpp.PDU) (ended bool) {
	switch b := p.Body.(type) {
	case *smpp.DeliverSM:
		s.config.Deliver(b, func(status smpp.Status) { s.respond(p, status) })
	case *smpp.DataSM:
		s.config.Deliver(delivered(b), func(status smpp.Status) { s.respond(p, status) })
	case *smpp.AlertNotification: // it has no response
		if s.config.Alert != nil {
			s.config.Alert(b)
		}
	case *smpp.EnquireLink:
		s.respond(p, smpp.ROK)
	case *smpp.Unbind:
		s.respond(p, smpp.ROK)
		return true
	case *smpp.Unknown, *smpp.Outbind:
		s.respond(smpp.PDU{Sequence: p.Sequence, Body: &smpp.Unknown{}}, smpp.RINVCMDID)
	default:
		s.respond(p, smpp.RINVBNDSTS)
	}
	return false
}
