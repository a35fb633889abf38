package ussd

import (
	"context"
	"errors"
	"strings"

	"github.com/airtill/airtill/gateway/smpp"
)

// handset is the user's end of a session. Its methods are called with the lock held.
type handset interface {
	show(s *Switch, se *session, m Message)
	over(s *Switch, se *session)
}

// application is the other end. Its methods are called with the lock held.
type application interface {
	tell(s *Switch, se *session, m Message)
	over(s *Switch, se *session)
	name() string
}

// fleetHandset is a handset behind an SMPP bind.
type fleetHandset struct {
	fleet string
	id    uint16
	sent  uint8 // messages down
}

func (h *fleetHandset) show(s *Switch, se *session, m Message) {
	m.Phone, m.Code = se.phone, se.code
	m.ID, m.Dialogue = h.id, h.sent
	m.Phase1 = se.Phase1
	h.sent++
	sm, err := Spec.Encode(m)
	if err != nil {
		return // not possible: what is shown was decoded or checked
	}
	s.do(func(context.Context) {
		s.carrier.Deliver(h.fleet, sm, func(status smpp.Status) { s.failed(se, NetworkError, status) })
	})
}

func (h *fleetHandset) over(*Switch, *session) {}

// esmeApplication is an application behind an SMPP bind.
type esmeApplication struct {
	Account
	system string
	id     uint16
	sent   uint8 // messages up
}

func (s *Switch) newESME(system string, se *session) *esmeApplication {
	a := &esmeApplication{Account: s.config.Accounts[system], system: system}
	a.id = s.idFor(a.Dialect, se)
	return a
}

func (a *esmeApplication) tell(s *Switch, se *session, m Message) {
	if !a.Dialect.Says(m.Kind) {
		return
	}
	m.Phone, m.Code = se.phone, se.code
	if a.CodeInText {
		m.Code = a.address(se)
	}
	if a.CodeInText && m.Kind == Dial {
		m.Text = se.dialled
	}
	m.ID, m.Dialogue = a.id, a.sent
	a.sent++
	sm, err := a.Dialect.Encode(m)
	if err != nil {
		return // not possible: what is told was decoded or checked
	}
	s.do(func(context.Context) {
		s.carrier.Deliver(a.system, sm, func(status smpp.Status) { s.failed(se, ApplicationError, status) })
	})
}

func (a *esmeApplication) address(se *session) string {
	if a.Address != "" {
		return a.Address
	}
	return strings.Trim(se.code, "*#")
}

func (a *esmeApplication) over(*Switch, *session) {}
func (a *esmeApplication) name() string           { return a.system }

// localApplication is an Application in this process.
type localApplication struct {
	answers Application
	turn    Turn
	last    Reply
	busy    bool               // an Answer is asked for
	cancel  context.CancelFunc // of the Answer at work
	summary *Summary           // it is over
}

func (a *localApplication) name() string {
	if n, ok := a.answers.(interface{ Name() string }); ok {
		return n.Name()
	}
	return "application"
}

func (a *localApplication) tell(s *Switch, se *session, m Message) {
	if m.Kind != Dial && m.Kind != Answer {
		return
	}
	a.turn = Turn{
		Session: se.id, Phone: se.phone, Code: se.code, Dialled: se.dialled,
		Inputs: se.inputs[:len(se.inputs):len(se.inputs)], Number: a.turn.Number + 1, State: a.last.State,
	}
	a.busy = true
	turn := a.turn
	s.do(func(ctx context.Context) { s.ask(ctx, se, a, turn) })
}

// ask has an Application answer, on a goroutine of its own.
func (s *Switch) ask(ctx context.Context, se *session, a *localApplication, turn Turn) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	a.cancel = cancel
	if se.State == Closed {
		a.idle(s)
		s.mu.Unlock() // Serve is who calls, and will look again
		cancel()
		return
	}
	s.mu.Unlock()
	s.calls.Go(func() {
		defer cancel()
		reply, err := a.answers.Answer(ctx, turn)
		s.replied(se, a, reply, err)
	})
}

// idle notes that no Answer is at work, and lets the end be told.
func (a *localApplication) idle(s *Switch) {
	a.busy = false
	if a.summary == nil {
		return
	}
	summary := *a.summary
	s.do(func(ctx context.Context) { s.calls.Go(func() { a.answers.Ended(ctx, summary) }) })
}

// replied takes an Application's answer.
func (s *Switch) replied(se *session, a *localApplication, r Reply, err error) {
	now := s.lock()
	defer s.unlock()
	if se.State == Closed {
		a.idle(s)
		return
	}
	a.busy = false
	if err == nil {
		err = CheckText(r.Text)
	}
	if err != nil {
		s.finish(se, blame(err), err.Error(), now)
		return
	}
	a.last = r
	m := Message{Kind: Ask, Text: r.Text}
	if r.End {
		m.Kind = End
	}
	if s.down(se, m, now) != smpp.ROK {
		s.finish(se, ApplicationError, "it asked a handset that can be told only a last text", now)
	}
}

// blame is how a session ends whose Application failed.
func blame(err error) Result {
	if errors.Is(err, context.DeadlineExceeded) {
		return ApplicationTimeout
	}
	return ApplicationError
}

func (a *localApplication) over(s *Switch, se *session) {
	if cancel := a.cancel; cancel != nil {
		s.do(func(context.Context) { cancel() })
	}
	a.summary = &Summary{
		Turn: a.turn, Result: se.record.Result, Detail: se.record.Detail,
		Began: se.Began, Duration: se.record.Ended.Sub(se.Began), Last: a.last,
	}
	a.summary.Inputs = se.inputs
	if !a.busy {
		a.idle(s)
	}
}
