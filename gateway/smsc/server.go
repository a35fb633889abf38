package smsc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/msgstore"
)

var (
	// ErrServing says that the server is being served already.
	ErrServing = errors.New("smsc: serving already")
	// ErrUnknownAccount says that there is no account of a system_id.
	ErrUnknownAccount = errors.New("no such account")
)

// Server is a short message service centre. What it keeps outlasts Serve.
type Server struct {
	config    Config
	accounts  []*account
	byID      map[string]*account
	serial    atomic.Uint64 // of the newest message
	before    atomic.Uint64 // of the newest one that the durable store had
	history   *history
	canned    map[uint8]canned
	guesses   guesses
	noise     pace // of connections that speak no SMPP
	doors     doors
	later     later
	watch     watch
	serving   atomic.Bool
	loaded    bool // what the durable store had
	committer atomic.Pointer[msgstore.Committer]

	routesMu sync.RWMutex
	routes   map[string]*account // found ones; nil is a number that nobody owns

	sessionsMu sync.Mutex
	sessions   map[uint64]*session
	sessionID  uint64
}

// mostRoutes bounds the memory of routes that were found.
const mostRoutes = 1 << 16

// New makes a server. Nothing happens before Serve.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.setDefaults()
	s := &Server{
		config: c, byID: make(map[string]*account), routes: make(map[string]*account),
		history: newHistory(c.History, c.HistoryAge), sessions: make(map[uint64]*session),
		guesses: guesses{most: c.GuessDelay, wrong: make(map[string]guess)}, later: later{kick: make(chan struct{}, 1)},
		doors: doors{peers: make(map[string]int), mostAll: c.Connections, mostPeer: c.PerPeer},
	}
	s.canned = c.encodeCanned()
	s.serial.Store(firstSerial(time.Now(), c.Rand))
	for _, ac := range c.Accounts {
		a := newAccount(s, ac)
		s.accounts = append(s.accounts, a)
		s.byID[ac.SystemID] = a
	}
	c.Radio.Watch(s.back)
	return s, nil
}

// Serve takes connections until ctx ends, or a listener or the durable store fails. A
// listener may be of any kind, one of crypto/tls too. At the end it takes no more,
// delivers no more, waits for unanswered requests, unbinds and closes every session;
// it returns when all it started has ended, nil if ctx was why. It closes the
// listeners. It may be called again, but not twice at a time.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	if !s.serving.CompareAndSwap(false, true) {
		return ErrServing
	}
	defer s.serving.Store(false)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	fail := func(err error) {
		select {
		case failed <- err:
		default: // the first one counts
		}
		cancel()
	}
	var closer sync.WaitGroup
	for _, ln := range listeners {
		closer.Go(func() { <-ctx.Done(); _ = ln.Close() })
	}
	err := s.serve(ctx, fail, listeners)
	cancel()
	closer.Wait()
	select {
	case err = <-failed:
	default:
	}
	return err
}

// serve runs what a server consists of; each part ends after those that need it.
func (s *Server) serve(ctx context.Context, fail func(error), listeners []net.Listener) error {
	endStore, err := s.openStore(ctx, fail)
	if err != nil {
		return err
	}
	timers, stopTimers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTimers()
	var clocks, sessions, accepting sync.WaitGroup
	clocks.Go(func() { s.later.run(timers) })
	for _, a := range s.accounts {
		clocks.Go(func() { a.run(timers) })
		if a.Outbind != "" {
			accepting.Go(func() { a.callOut(ctx) })
		}
	}
	for _, ln := range listeners {
		accepting.Go(func() {
			if err := s.accept(ctx, ln, &sessions); err != nil {
				fail(err)
			}
		})
	}
	<-ctx.Done()
	accepting.Wait()
	sessions.Wait()
	stopTimers()
	clocks.Wait()
	endStore()
	return nil
}

// openStore loads what a durable store has, once, and has it written until end is called.
func (s *Server) openStore(ctx context.Context, fail func(error)) (end func(), err error) {
	if !s.durable() {
		return func() {}, nil
	}
	committer := msgstore.NewCommitter(msgstore.CommitterConfig{Store: s.config.Durable, Log: s.config.Log})
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	s.committer.Store(committer)
	if !s.loaded {
		if err := s.load(ctx); err != nil {
			stopWriting()
			s.committer.Store(nil)
			return nil, err
		}
		s.loaded = true
	}
	wg.Go(func() {
		if err := committer.Serve(writing); err != nil {
			fail(fmt.Errorf("smsc: keep messages: %w", err))
		}
	})
	return func() {
		stopWriting()
		wg.Wait()
		s.committer.Store(nil)
	}, nil
}

func (s *Server) accept(ctx context.Context, ln net.Listener, sessions *sync.WaitGroup) error {
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			s.welcome(ctx, conn, sessions)
		case ctx.Err() != nil:
			return nil
		case retryable(err):
			pause(ctx, 50*time.Millisecond)
		default:
			return fmt.Errorf("smsc: accept: %w", err)
		}
	}
}

// welcome serves a connection, unless there are too many.
func (s *Server) welcome(ctx context.Context, conn net.Conn, sessions *sync.WaitGroup) {
	peer := peerOf(conn)
	if !s.doors.enter(peer) {
		s.config.Log.Warn().Str("peer", peer).Msg("connection refused: too many are open")
		_ = conn.Close()
		return
	}
	sessions.Go(func() {
		defer s.doors.leave(peer)
		newSession(s, conn, s.config.Trace.Accepted).serve(ctx)
	})
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

// Owner says whose number it is, and whether it is a phone's; empty if nobody's.
func (s *Server) Owner(number string) (systemID string, phones bool) {
	a := s.route(number)
	if a == nil {
		return "", false
	}
	return a.SystemID, a.Kind == Subscribers
}
