package ussd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/internal/due"
	"github.com/airtill/airtill/gateway/smpp"
)

var (
	// ErrServing says that the Switch is being served already.
	ErrServing = errors.New("ussd: serving already")
	// ErrStopped says that no sessions can be had: Serve has ended.
	ErrStopped = errors.New("ussd: stopped")
)

// Statuses is what Take answers with beside ESME_ROK, and why. A message that cannot be
// read has the status of [Dialect.Decode].
var Statuses = map[smpp.Status]string{
	smpp.RMSGQFUL:        "the handset has another session: try later",
	smpp.RSUBMITFAIL:     "no session is open, or it is not your turn, or the text is none",
	smpp.RINVOPTPARAMVAL: "the session of this id is over, or the op is not of the dialect",
	smpp.RINVDSTADR:      "the code leads nowhere, or the number is no handset's",
	smpp.RINVMSGLEN:      "the text is longer than a USSD message",
	smpp.RTHROTTLED:      "too many sessions are open",
	smpp.RSYSERR:         "the gateway is stopping",
}

// Switch holds the open sessions. It decides under its lock and acts on the goroutine of
// Serve, so that what goes to one side goes in order.
type Switch struct {
	config  Config
	carrier Carrier
	routes  atomic.Pointer[routes]
	serving atomic.Bool
	kick    chan struct{}  // there is something to do
	calls   sync.WaitGroup // Applications at work

	mu       sync.Mutex
	stopped  bool
	sessions map[string]*session
	pasts    map[string]past
	due      due.Heap[*session]
	armed    time.Time // when Serve looks at due by itself
	order    uint64
	lastID   uint16
	outbox   []effect
	finished ring
}

// effect is something decided, yet to be done; ctx is that of Serve.
type effect func(ctx context.Context)

// New makes a Switch. What it takes before Serve waits for it.
func New(c Config, carrier Carrier) (*Switch, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if carrier == nil {
		return nil, errors.New("ussd: no carrier to send with")
	}
	c.setDefaults()
	s := &Switch{
		config: c, carrier: carrier, kick: make(chan struct{}, 1),
		sessions: make(map[string]*session), pasts: make(map[string]past), finished: ring{most: c.Finished},
	}
	if err := s.SetRoutes(c.Routes); err != nil {
		return nil, err
	}
	return s, nil
}

// SetRoutes changes where codes lead, for sessions to come.
func (s *Switch) SetRoutes(list []Route) error {
	rs, err := newRoutes(list)
	if err != nil {
		return fmt.Errorf("ussd: routes: %w", err)
	}
	s.routes.Store(&rs)
	return nil
}

// Serve runs sessions until ctx ends. Then those that are open end as a network-error,
// of which ESMEs and handsets hear nothing, and Serve returns nil when all it started has ended.
// It may be called again, but not twice at a time.
func (s *Switch) Serve(ctx context.Context) error {
	if !s.serving.CompareAndSwap(false, true) {
		return ErrServing
	}
	defer s.serving.Store(false)
	clock := time.NewTimer(0)
	defer clock.Stop()
	s.start()
	for ctx.Err() == nil {
		clock.Reset(s.work(ctx))
		select {
		case <-ctx.Done():
		case <-s.kick:
		case <-clock.C:
		}
	}
	s.stop()
	s.work(ctx)
	s.calls.Wait()
	s.work(ctx) // what the last calls caused
	s.calls.Wait()
	return nil
}

func (s *Switch) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = false
}

// idle is how long Serve sleeps when nothing is due.
const idle = time.Hour

// work ends what is overdue, does what was decided, and says how long there is nothing to do.
func (s *Switch) work(ctx context.Context) time.Duration {
	for {
		now := s.lock()
		todo := s.outbox
		s.outbox = nil
		wait := idle
		if s.due.Len() > 0 {
			wait = s.due.Next().Sub(now)
		}
		s.armed = now.Add(wait)
		s.mu.Unlock()
		if len(todo) == 0 {
			return wait
		}
		for _, do := range todo {
			do(ctx)
		}
	}
}

func (s *Switch) expire(now time.Time) {
	for t := s.due.Take(now); t != nil; t = s.due.Take(now) {
		r, _ := t.Of.Overdue(now)
		s.finish(t.Of, r, "", now)
	}
}

// stop ends what is open, without a word to ESMEs and handsets.
func (s *Switch) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	now := time.Now()
	for s.due.Len() > 0 {
		s.close(s.due.First().Of, NetworkError, "the gateway stopped", now)
	}
}

// lock takes the lock and ends what is overdue: a word in the very instant is too late.
func (s *Switch) lock() (now time.Time) {
	s.mu.Lock()
	now = time.Now()
	s.expire(now)
	return now
}

// unlock gives the lock back, and wakes Serve if there is something to do.
func (s *Switch) unlock() {
	wake := len(s.outbox) > 0 || s.due.Len() > 0 && s.due.Next().Before(s.armed)
	s.mu.Unlock()
	if !wake {
		return
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// do has something done after what was decided before. The caller holds the lock.
func (s *Switch) do(e effect) { s.outbox = append(s.outbox, e) }

// Take takes a USSD message (see [IsUSSD]) that an account has submitted, and says what
// to answer. A message whose source is a number of the account's own phones comes from a
// handset, any other from an application. It does not block.
func (s *Switch) Take(from string, sm *smpp.SubmitSM) smpp.Status {
	if owner, phones := s.carrier.Owner(sm.Source.Digits); phones && owner == from {
		return s.takeUp(from, sm)
	}
	return s.takeDown(from, sm)
}

// takeUp takes what a handset of a fleet says.
func (s *Switch) takeUp(fleet string, sm *smpp.SubmitSM) smpp.Status {
	m, err := Spec.Decode(true, sm)
	if err != nil {
		return statusOf(err)
	}
	if m.Kind == Dial {
		dialled := m.Code
		if m.Text != "" {
			dialled = m.Text
		}
		h := &fleetHandset{fleet: fleet, id: m.ID}
		_, status := s.dial(call{phone: m.Phone, dialled: dialled, phase1: m.Phase1, handset: h})
		return status
	}
	now := s.lock()
	defer s.unlock()
	se := s.sessions[m.Phone]
	if se == nil {
		return smpp.RSUBMITFAIL
	}
	h, ok := se.handset.(*fleetHandset)
	switch {
	case !ok || h.fleet != fleet:
		return smpp.RSUBMITFAIL
	case m.ID != 0 && m.ID != h.id:
		return smpp.RINVOPTPARAMVAL
	}
	return s.up(se, m, now)
}

// up takes a step of a session's user. The caller holds the lock.
func (s *Switch) up(se *session, m Message, now time.Time) smpp.Status {
	if m.Kind == Abort {
		s.finish(se, UserAbort, "", now)
		return smpp.ROK
	}
	if err := se.Apply(m.Kind, now); err != nil {
		return smpp.RSUBMITFAIL
	}
	se.say(s, m, now)
	if m.Kind == Answer {
		se.inputs = append(se.inputs, m.Text)
	}
	s.due.Set(&se.timer, se.Deadline)
	se.application.tell(s, se, m)
	if m.Kind == Ack && se.State == Closed {
		s.close(se, Completed, "", now)
	}
	return smpp.ROK
}

// takeDown takes what an ESME says.
func (s *Switch) takeDown(from string, sm *smpp.SubmitSM) smpp.Status {
	m, err := s.config.Accounts[from].Dialect.Decode(false, sm)
	if err != nil {
		return statusOf(err)
	}
	fleet, phones := s.carrier.Owner(m.Phone)
	now := s.lock()
	defer s.unlock()
	se := s.sessions[m.Phone]
	switch {
	case se == nil && !phones:
		return smpp.RINVDSTADR
	case se == nil:
		return s.pushed(from, fleet, m, now)
	}
	if status := mine(se, from, m); status != smpp.ROK {
		return status
	}
	return s.down(se, m, now)
}

// mine says whether an ESME's message is of the session that is open. What would begin
// another one has lost to it.
func mine(se *session, from string, m Message) smpp.Status {
	a, ok := se.application.(*esmeApplication)
	ok = ok && a.system == from
	switch begins := m.Kind != End || m.Pushes; {
	case ok && (m.ID == 0 || m.ID == a.id):
		return smpp.ROK
	case begins:
		return smpp.RMSGQFUL
	case ok:
		return smpp.RINVOPTPARAMVAL
	default:
		return smpp.RSUBMITFAIL
	}
}

// down takes a step of a session's application. The caller holds the lock.
func (s *Switch) down(se *session, m Message, now time.Time) smpp.Status {
	if err := se.Apply(m.Kind, now); err != nil {
		return smpp.RSUBMITFAIL
	}
	se.say(s, m, now)
	s.due.Set(&se.timer, se.Deadline)
	se.handset.show(s, se, m)
	if m.Kind == End {
		s.close(se, Completed, "", now)
	}
	return smpp.ROK
}

// finish ends a session for a reason of its user's or the gateway's, and tells who has to know.
func (s *Switch) finish(se *session, r Result, detail string, now time.Time) {
	if told[r].user {
		m := Message{Kind: End, Text: s.config.text(r)}
		se.say(s, m, now)
		se.handset.show(s, se, m)
	}
	if told[r].application {
		m := Message{Kind: Abort, Reason: r.String()}
		se.say(s, m, now)
		se.application.tell(s, se, m)
	}
	s.close(se, r, detail, now)
}

// close takes a session out.
func (s *Switch) close(se *session, r Result, detail string, now time.Time) {
	se.State = Closed
	s.due.Set(&se.timer, time.Time{})
	delete(s.sessions, se.phone)
	se.record.Result, se.record.Detail, se.record.Ended = r, detail, now
	s.remember(se, now)
	se.handset.over(s, se)
	se.application.over(s, se)
	done := se.snapshot()
	s.finished.add(entry{done, se.Order})
	if tell := s.config.Observer; tell != nil {
		s.do(func(context.Context) { tell(done) })
	}
}

// failed ends a session whose other side did not take a message.
func (s *Switch) failed(se *session, r Result, status smpp.Status) {
	if status == smpp.ROK {
		return
	}
	now := s.lock()
	defer s.unlock()
	if se.State != Closed {
		s.finish(se, r, "deliver_sm: "+status.String(), now)
	}
}
