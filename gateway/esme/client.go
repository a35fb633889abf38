package esme

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// Client is an ESME. Its methods may be called from any goroutine.
type Client struct {
	config Config

	mu      sync.Mutex
	current *session      // the bound one, if there is one
	changed chan struct{} // closed when current or ended changes
	ended   error         // why Run returned, once it has
	since   time.Time     // when it came to be bound, or not bound
	lost    error         // why the last session ended
}

// New makes a client. Nothing happens before Run.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.setDefaults()
	return &Client{config: c, changed: make(chan struct{})}, nil
}

// Run keeps a session bound until ctx ends, then lets unanswered requests be
// answered, unbinds and returns nil. A bind that is refused for what the client
// is (0x0D, 0x0E, 0x0F) is returned as a *smpp.StatusError; all else is tried again.
// Run is called once; when it returns, all it started has ended.
func (c *Client) Run(ctx context.Context) error {
	if c.config.Outbind != nil {
		defer c.config.Outbind.Listener.Close()
	}
	pause := firstReconnect
	for ctx.Err() == nil {
		wasBound, err := c.session(ctx)
		c.lose(err)
		if ctx.Err() != nil {
			break
		}
		if refusal, ok := errors.AsType[*smpp.StatusError](err); ok && !wasBound && hopeless(refusal.Status) {
			c.end(err)
			return err
		}
		if wasBound {
			pause = firstReconnect
		}
		c.config.Log.Warn().Err(err).Str("system_id", c.config.SystemID).Dur("pause", pause).Msg("smpp session lost")
		wait(ctx, pause)
		pause = min(2*pause, c.config.ReconnectMost)
	}
	c.end(ErrNotBound)
	return nil
}

// hopeless says whether a bind refused so will be refused again.
func hopeless(s smpp.Status) bool {
	return s == smpp.RBINDFAIL || s == smpp.RINVPASWD || s == smpp.RINVSYSID
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// session is one connection's life. It says whether it came to be bound.
func (c *Client) session(ctx context.Context) (wasBound bool, err error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return false, err
	}
	s := newSession(&c.config, conn)
	defer s.end()
	s.start()
	if err := s.bind(ctx); err != nil {
		return false, fmt.Errorf("esme: bind: %w", err)
	}
	c.set(s)
	defer c.set(nil)
	return true, s.watch(ctx, func() { c.set(nil) })
}

// set changes the current session and tells who waits for that.
func (c *Client) set(s *session) {
	c.mu.Lock()
	was := c.changed
	if (c.current == nil) != (s == nil) {
		c.since = time.Now()
	}
	c.current, c.changed = s, make(chan struct{})
	c.mu.Unlock()
	close(was)
}

func (c *Client) end(err error) {
	c.mu.Lock()
	c.ended = err
	c.mu.Unlock()
	c.set(nil)
}

func (c *Client) now() (s *session, changed <-chan struct{}, ended error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.changed, c.ended
}

// WaitBound returns once a session is bound, or with why there will be none: Run
// has returned, or ctx has ended.
func (c *Client) WaitBound(ctx context.Context) error {
	for {
		s, changed, ended := c.now()
		if s != nil {
			return nil
		}
		if ended != nil {
			return ended
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("esme: wait for bind: %w", context.Cause(ctx))
		}
	}
}

// Submit sends a message and waits for its id, first for a place in the window.
//
// A *smpp.StatusError says that the SMSC refused the message, or that a field
// of it does not fit. ErrUnknown says that it was sent and nothing is known of it.
// Any other error, ErrNotBound foremost, says that it was not sent. So it is with all
// requests.
func (c *Client) Submit(ctx context.Context, sm *smpp.SubmitSM) (gateway.MessageID, error) {
	resp, err := request[*smpp.SubmitSMResp](ctx, c, sm)
	if err != nil {
		return "", err
	}
	return gateway.MessageID(resp.MessageID), nil
}

// request sends a request and waits for its own response.
func request[R smpp.Body](ctx context.Context, c *Client, body smpp.Body) (resp R, err error) {
	s, _, _ := c.now()
	if s == nil {
		return resp, ErrNotBound
	}
	p, err := s.request(ctx, body)
	if err != nil {
		return resp, fmt.Errorf("esme: %v: %w", body.CommandID(), err)
	}
	if p.Status != smpp.ROK {
		return resp, fmt.Errorf("esme: %v: %w", body.CommandID(), p.Status.Err())
	}
	resp, ok := p.Body.(R)
	if !ok {
		return resp, fmt.Errorf("%w: answered with %v", ErrUnknown, p.Body.CommandID())
	}
	return resp, nil
}
