package smsc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway"
)

// ErrServing says that the server is being served already.
var ErrServing = errors.New("smsc: serving already")

// Server is a short message service centre. What it keeps outlasts Serve.
type Server struct {
	config   Config
	accounts []*account
	byID     map[string]*account
	boot     uint32        // what message ids begin with
	ids      atomic.Uint64 // what they end with
	serving  atomic.Bool

	routesMu sync.RWMutex
	routes   map[string]*account // found ones; nil is a number that nobody owns
}

// mostRoutes bounds the memory of routes that were found.
const mostRoutes = 1 << 16

// New makes a server. Nothing happens before Serve.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.setDefaults()
	s := &Server{config: c, byID: make(map[string]*account), boot: c.Rand.Uint32(), routes: make(map[string]*account)}
	for _, ac := range c.Accounts {
		a := newAccount(s, ac)
		s.accounts = append(s.accounts, a)
		s.byID[ac.SystemID] = a
	}
	return s, nil
}

// Serve takes connections until ctx ends or the listener fails. At the end it
// takes no more, delivers no more, waits for unanswered requests, unbinds and
// closes every session; it returns when all it started has ended, nil if ctx was
// why. It closes the listener. It may be called again, but not twice at a time.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if !s.serving.CompareAndSwap(false, true) {
		return ErrServing
	}
	defer s.serving.Store(false)
	timers, stopTimers := context.WithCancel(context.WithoutCancel(ctx))
	ctx, stop := context.WithCancel(ctx)
	var clocks, sessions, closer sync.WaitGroup
	for _, a := range s.accounts {
		clocks.Go(func() { a.run(timers) })
	}
	closer.Go(func() { <-ctx.Done(); _ = ln.Close() })
	err := s.accept(ctx, ln, &sessions)
	stop()
	sessions.Wait()
	stopTimers()
	clocks.Wait()
	closer.Wait()
	return err
}

func (s *Server) accept(ctx context.Context, ln net.Listener, sessions *sync.WaitGroup) error {
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			sessions.Go(func() { newSession(s, conn).serve(ctx) })
		case ctx.Err() != nil:
			return nil
		case retryable(err):
			pause(ctx, 50*time.Millisecond)
		default:
			return fmt.Errorf("smsc: accept: %w", err)
		}
	}
}

// retryable says whether accepting may succeed later: out of file descriptors, or
// a connection that was gone before it was taken.
func retryable(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && !errors.Is(err, net.ErrClosed) && (t.Timeout() || isTemporary(err))
}

func isTemporary(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// routeKey is a number as routes and mailboxes know it.
func routeKey(digits string) string { return strings.TrimPrefix(digits, "+") }

// route is the account that owns a number, nil if none does.
func (s *Server) route(digits string) *account {
	number := routeKey(digits)
	if number == "" {
		return nil
	}
	s.routesMu.RLock()
	a, ok := s.routes[number]
	s.routesMu.RUnlock()
	if ok {
		return a
	}
	a = s.find(number)
	s.routesMu.Lock()
	defer s.routesMu.Unlock()
	if len(s.routes) >= mostRoutes {
		clear(s.routes)
	}
	s.routes[number] = a
	return a
}

func (s *Server) find(number string) *account {
	for _, a := range s.accounts {
		if a.owns(number) {
			return a
		}
	}
	return nil
}

// nextID names a message: what this server's ids begin with, and a rising number,
// 16 hexadecimal digits. For a peer older than 3.4 it is the number's last 8.
func (s *Server) nextID(oldPeer bool) gateway.MessageID {
	n := s.ids.Add(1)
	id := uint64(s.boot)<<32 + n
	if oldPeer {
		return gateway.MessageID(hex(n, 8))
	}
	return gateway.MessageID(hex(id, 16))
}

// hex writes the last digits of a number.
func hex(n uint64, digits int) string {
	var b [16]byte
	for i := digits - 1; i >= 0; i-- {
		b[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	return string(b[:digits])
}

// nudge wakes a channel's receiver, unless it is awake already.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
