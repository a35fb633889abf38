package smsc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/gateway/msgstore"
)

// ErrOnItsWay says that a message cannot be taken back: it is on its way, or has ended.
var ErrOnItsWay = errors.New("the message is on its way, or has ended")

// Accounts is all accounts, with what they left out filled in and their rates of now,
// and without their passwords.
func (s *Server) Accounts() []Account {
	all := make([]Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		c := a.Account
		c.Password, c.OutbindPassword = "", ""
		if c.Rate = a.rate.rate(); c.Rate > 0 {
			c.Burst = int(a.rate.burst.Load())
		}
		all = append(all, c)
	}
	return all
}

// Cancel takes back the messages of an id, as Message finds them, that are not on
// their way; where the store is durable it answers when that is kept. It is
// ErrOnItsWay if none was taken back.
func (s *Server) Cancel(ctx context.Context, id string) error {
	found, err := s.Message(id)
	if err != nil {
		return fmt.Errorf("smsc: cancel: %w", err)
	}
	cancelled := 0
	for i := range found {
		if m := s.history.find(found[i].Serial); m != nil {
			cancelled += m.to.withdraw(func(w *message) bool { return w == m }, m.sm.Destination.Digits)
		}
	}
	if cancelled == 0 {
		return fmt.Errorf("smsc: cancel %q: %w", id, ErrOnItsWay)
	}
	if err := s.caughtUp(ctx); err != nil {
		return fmt.Errorf("smsc: cancel %q: %w", id, err)
	}
	return nil
}

// caughtUp waits until all that has changed by now is kept.
func (s *Server) caughtUp(ctx context.Context) error {
	c := s.committer.Load()
	if c == nil {
		return nil
	}
	kept := make(chan error, 1)
	c.Add(new(msgstore.Batch), func(err error) { kept <- err })
	select {
	case err := <-kept:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watch tells those who wait for messages to change. It costs nothing while nobody does.
type watch struct {
	waiting atomic.Int32
	mu      sync.Mutex
	change  chan struct{}
}

// Watch answers a channel that is closed when next a message is accepted, tried or
// ended; stop says that nobody waits for that any more. Who watches before looking
// misses nothing.
func (s *Server) Watch() (changed <-chan struct{}, stop func()) {
	w := &s.watch
	w.waiting.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.change == nil {
		w.change = make(chan struct{})
	}
	return w.change, sync.OnceFunc(func() { w.waiting.Add(-1) })
}

// tell tells of a change.
func (w *watch) tell() {
	if w.waiting.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.change != nil {
		close(w.change)
		w.change = nil
	}
}
