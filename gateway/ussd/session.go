package ussd

import (
	"errors"
	"fmt"
	"time"
)

// State is whose turn it is in a session.
type State uint8

// The states of a session.
const (
	Closed            State = iota // there is none, or it is over
	AwaitsApplication              // the application is to say what comes next
	AwaitsUser                     // the user is to answer
	AwaitsAck                      // the handset is to confirm
)

var stateNames = [...]string{"closed", "awaits-application", "awaits-user", "awaits-ack"}

func (s State) String() string { return name(stateNames[:], int(s), "state") }

// MarshalText writes a state as its name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ErrOrder says that a message is not legal in the state its session is in.
var ErrOrder = errors.New("ussd: not now")

// rules says what is legal when, and whose turn it is then (SMPP 3.4 §5.3.2.44, TS
// 22.090). What has no entry is illegal.
var rules = map[State]map[Kind]State{
	Closed:            {Dial: AwaitsApplication, Ask: AwaitsUser, Notify: AwaitsAck},
	AwaitsApplication: {Ask: AwaitsUser, Notify: AwaitsAck, End: Closed, Abort: Closed},
	AwaitsUser:        {Answer: AwaitsApplication, End: Closed, Abort: Closed},
	AwaitsAck:         {Ack: AwaitsApplication, End: Closed, Abort: Closed},
}

// Session is the rules of one conversation. The zero Session is closed, with no time
// to do anything in.
type Session struct {
	State    State
	Opened   Kind // how it began: Dial, Ask or Notify
	Phase1   bool // the handset takes nothing but an End
	Limits   Timeouts
	Began    time.Time
	Deadline time.Time // when it is overdue
}

// Apply takes one message, or answers ErrOrder and changes nothing. A session that a
// Notify opened is over when that is confirmed.
func (s *Session) Apply(k Kind, now time.Time) error {
	next, ok := rules[s.State][k]
	if !ok || s.Phase1 && (k == Ask || k == Notify) {
		return fmt.Errorf("%w: %s while a session %s", ErrOrder, k, s.State)
	}
	if s.State == Closed {
		s.Opened, s.Began = k, now
	}
	if k == Ack && s.Opened == Notify {
		next = Closed
	}
	s.State = next
	s.Deadline = s.deadline(now)
	return nil
}

func (s *Session) deadline(now time.Time) time.Time {
	at := now
	switch s.State {
	case Closed:
		return time.Time{}
	case AwaitsApplication:
		at = now.Add(s.Limits.Application)
	case AwaitsUser, AwaitsAck:
		at = now.Add(s.Limits.User)
	}
	if last := s.Began.Add(s.Limits.Session); last.Before(at) {
		return last
	}
	return at
}

// Overdue says whether time is up, and whose fault it is.
func (s *Session) Overdue(now time.Time) (Result, bool) {
	switch {
	case s.State == Closed || now.Before(s.Deadline):
		return 0, false
	case s.State == AwaitsApplication:
		return ApplicationTimeout, true
	default:
		return UserTimeout, true
	}
}

// CollisionWinner says who has the handset when a message comes to begin a session
// while another is open: the newcomer if the user dials, else the session that is open.
func CollisionWinner(newcomer Kind) (wins bool) { return newcomer == Dial }

// told says whom the gateway tells that a session ended with a result, beside the one
// whose word it was.
var told = map[Result]struct{ user, application bool }{
	Completed:          {},
	UserAbort:          {application: true},
	UserTimeout:        {user: true, application: true},
	ApplicationTimeout: {user: true, application: true},
	ApplicationError:   {user: true},
	Collision:          {application: true},
	NetworkError:       {application: true},
}
