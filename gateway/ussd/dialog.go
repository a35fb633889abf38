package ussd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

var (
	// ErrNowhere says that a code leads to no application.
	ErrNowhere = errors.New("ussd: the code leads nowhere; see the routes for those that do")
	// ErrNoHandset says that a number is no handset's.
	ErrNoHandset = errors.New("ussd: no handset has this number")
	// ErrBusy says that the handset has a session, or the gateway too many.
	ErrBusy = errors.New("ussd: busy, try later")
)

// SessionError says that a session ended before it came to what was wanted.
type SessionError struct {
	Result Result
	Detail string
}

func (e *SessionError) Error() string {
	if e.Detail == "" {
		return "ussd: the session ended: " + e.Result.String()
	}
	return fmt.Sprintf("ussd: the session ended: %s: %s", e.Result, e.Detail)
}

// errorOf is a refusal as an error.
func errorOf(status smpp.Status) error {
	switch status {
	case smpp.ROK:
		return nil
	case smpp.RINVDSTADR:
		return ErrNowhere
	case smpp.RMSGQFUL, smpp.RTHROTTLED:
		return ErrBusy
	case smpp.RSYSERR:
		return ErrStopped
	default:
		return fmt.Errorf("%w: %s", ErrOrder, Statuses[status])
	}
}

// Screen is what a handset shows.
type Screen struct {
	Kind Kind // Ask wants a reply, Notify to be confirmed by one, End none
	Text string
}

// Dialog is a session on a handset that a program drives. It is for one goroutine.
type Dialog struct {
	s      *Switch
	se     *session
	screen Screen
	shown  chan Screen // what is shown next: one message at a time, and the end
	ended  chan *SessionError
}

// Dial dials a code for a number, which needs no handset of its own, and waits for the
// first text. A session that the number has is ended. If ctx ends first, the user gives up.
func (s *Switch) Dial(ctx context.Context, msisdn, code string) (*Dialog, error) {
	if CheckCode(code) != nil {
		return nil, fmt.Errorf("ussd: dial: %w", ErrCode) // without the code, in which there may be a PIN
	}
	phone, err := gateway.ParseMSISDN(msisdn)
	if err != nil {
		return nil, fmt.Errorf("ussd: dial: %w", err)
	}
	d := &Dialog{s: s, shown: make(chan Screen, 3), ended: make(chan *SessionError, 1)}
	se, status := s.dial(call{phone: phone.String(), dialled: code, handset: d})
	if status != smpp.ROK {
		return nil, fmt.Errorf("dial: %w", errorOf(status))
	}
	d.se = se
	if _, err := d.next(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Screen is what the handset shows.
func (d *Dialog) Screen() Screen { return d.screen }

// Reply answers the text that is shown, or confirms it, and waits for the next. A reply
// to the last text is ErrOrder. If ctx ends first, the user gives up. A *SessionError is
// an end without a last text.
func (d *Dialog) Reply(ctx context.Context, text string) (Screen, error) {
	if err := CheckText(text); err != nil {
		return Screen{}, fmt.Errorf("ussd: reply: %w", err)
	}
	m := Message{Kind: Answer, Text: text}
	if d.screen.Kind == Notify {
		m = Message{Kind: Ack}
	}
	if d.screen.Kind == End {
		return Screen{}, fmt.Errorf("%w: the session is over", ErrOrder)
	}
	now := d.s.lock()
	if d.se.State != Closed {
		_ = d.s.up(d.se, m, now) // if not now, then because its end is on the way
	}
	d.s.unlock()
	return d.next(ctx)
}

// Abort gives up. It may be called at any time.
func (d *Dialog) Abort() {
	now := d.s.lock()
	defer d.s.unlock()
	if d.se.State != Closed {
		_ = d.s.up(d.se, Message{Kind: Abort}, now)
	}
}

// next waits for what is shown next.
func (d *Dialog) next(ctx context.Context) (Screen, error) {
	select {
	case d.screen = <-d.shown:
		return d.screen, nil
	case <-ctx.Done():
		d.Abort()
		d.screen = Screen{Kind: End}
		return Screen{}, ctx.Err()
	case err := <-d.ended:
		d.screen = Screen{Kind: End}
		return Screen{}, err
	}
}

func (d *Dialog) show(s *Switch, _ *session, m Message) {
	s.do(func(context.Context) { d.shown <- Screen{m.Kind, m.Text} })
}

// over tells of an end that has not been shown.
func (d *Dialog) over(s *Switch, se *session) {
	r := se.record.Result
	if r == Completed && se.Opened == Dial || told[r].user {
		return
	}
	err := &SessionError{r, se.record.Detail}
	s.do(func(context.Context) { d.ended <- err })
}

// pusher is a program that pushes one text.
type pusher struct{ ended chan Record }

func (p *pusher) name() string { return "push" }

// tell takes the answer as all there was to know.
func (p *pusher) tell(s *Switch, se *session, m Message) {
	if m.Kind == Answer {
		s.down(se, Message{Kind: End}, time.Now())
	}
}

func (p *pusher) over(s *Switch, se *session) {
	r := se.record
	s.do(func(context.Context) { p.ended <- r })
}

// Push shows a text on a handset, from a code, and waits until it is answered (ask) or
// confirmed. It fails with ErrNoHandset, ErrBusy, or a *SessionError. If ctx ends first,
// the text is withdrawn.
func (s *Switch) Push(ctx context.Context, code, msisdn, text string, ask bool) (answer string, err error) {
	if err := CheckText(text); err != nil {
		return "", fmt.Errorf("ussd: push: %w", err)
	}
	msisdn = strings.TrimPrefix(msisdn, "+")
	fleet, phones := s.carrier.Owner(msisdn)
	if !phones || len(code) > maxAddress {
		return "", fmt.Errorf("push to %s: %w", msisdn, ErrNoHandset)
	}
	m := Message{Kind: Notify, Text: text}
	if ask {
		m.Kind = Ask
	}
	p := &pusher{ended: make(chan Record, 1)}
	se, status := s.pushFrom(p, &fleetHandset{fleet: fleet}, Message{Kind: m.Kind, Phone: msisdn, Code: code, Text: text})
	if status != smpp.ROK {
		return "", fmt.Errorf("push to %s: %w", msisdn, errorOf(status))
	}
	select {
	case r := <-p.ended:
		if r.Result != Completed {
			return "", &SessionError{r.Result, r.Detail}
		}
	case <-ctx.Done():
		s.withdraw(se)
		return "", ctx.Err()
	}
	if ask {
		return se.inputs[0], nil // nobody writes to a session that is over
	}
	return "", nil
}

// pushFrom begins a session that a program pushes.
func (s *Switch) pushFrom(p *pusher, h *fleetHandset, m Message) (*session, smpp.Status) {
	now := s.lock()
	defer s.unlock()
	if s.sessions[m.Phone] != nil {
		return nil, smpp.RMSGQFUL
	}
	if status := s.room(); status != smpp.ROK {
		return nil, status
	}
	se := s.newSession(m.Phone, m.Code, now)
	se.handset, se.application = h, p
	s.begin(se, m, now)
	return se, smpp.ROK
}

func (s *Switch) withdraw(se *session) {
	now := s.lock()
	defer s.unlock()
	if se.State != Closed {
		s.down(se, Message{Kind: End}, now)
	}
}

// ID is the session's, as records have it.
func (d *Dialog) ID() string { return d.se.id }
