// Package peer takes inputs to the process that has their partition, when several
// platform processes share a store.
//
// A [Router] stands where the engine stood: for an input whose partition is served here
// it is the engine; any other it sends over HTTP to the address that the partition's
// lease tells, and brings the answer back. The process that is asked never sends it on: it
// answers that it has not got the partition, and the first looks at the lease again.
//
//	Router.Do ─▶ served here? ─▶ engine
//	                 │ no
//	                 └─▶ POST http://OWNER/peer ─▶ Router.ServeHTTP ─▶ its engine
//
// Calls and answers hold phone numbers and PINs. Both are sealed with the vault's key at
// rest, which all processes of one platform have and nobody else: who has no vault can
// neither read nor make one. A call says whom it is for and has a number that is taken
// once, so that one which somebody has recorded does nothing when it is sent again; an
// answer says which call it is to.
//
// The error of an input is one of the engine's: ErrUnavailable was surely not run,
// ErrUnknown may have been, and its source repeats it to find out. What the actor said no
// to with a *platform.Error comes through as it is.
package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/keys"
)

// Path is where a platform's HTTP server takes calls.
const Path = "/peer"

// Engine runs the partitions that are here, and knows where the others are.
type Engine interface {
	Do(ctx context.Context, p engine.Partition, in any) (any, error)
	Post(p engine.Partition, in any, done func(reply any, err error)) error
	Owner(p engine.Partition) engine.Ownership
	Owners() []engine.Ownership
	Ready(ctx context.Context) error
}

// Config is what a router needs. Engine, Vault, ID and Dial must be set.
type Config struct {
	Engine Engine
	Vault  keys.Rest
	ID     string // under which this process takes partitions
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)

	Timeout  time.Duration // of a call; 0 is 10 s
	Patience time.Duration // how long an input whose partition nobody has is held; 0 is 5 s
	Most     int           // calls and waiting inputs at a time; 0 is 4096
	Log      zerolog.Logger
}

// Validate says what is missing.
func (c Config) Validate() error {
	switch {
	case c.Engine == nil:
		return errors.New("peer: no engine")
	case c.Vault == nil:
		return errors.New("peer: no vault")
	case c.ID == "":
		return errors.New("peer: no ID")
	case c.Dial == nil:
		return errors.New("peer: no way to the others")
	case c.Timeout < 0 || c.Patience < 0 || c.Most < 0:
		return errors.New("peer: a bound is negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	if c.Most == 0 {
		c.Most = 4096
	}
	return c
}

// Router hands inputs to whoever has their partition. It is safe for concurrent use.
type Router struct {
	config Config
	client *http.Client
	number atomic.Uint64 // of the last call
	taken  taken
	room   chan struct{} // holds a token for each call and each input that waits

	ctx     context.Context // of inputs that were posted
	close   context.CancelFunc
	mu      sync.Mutex // of closed, for working
	closed  bool
	working sync.WaitGroup
}

// New makes a router. Close ends it.
func New(c Config) (*Router, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	r := &Router{config: c, room: make(chan struct{}, c.Most)}
	r.client = &http.Client{
		Transport: &http.Transport{
			DialContext: r.dial, MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r.ctx, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Close gives up the inputs that were posted and are on their way, and waits until they
// are answered.
func (r *Router) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.close()
	r.working.Wait()
	r.client.CloseIdleConnections()
}

// Do hands an input to whoever has the partition and answers what its actor did. While
// nobody has it, it waits for a while, as a partition that changes hands soon has an owner.
func (r *Router) Do(ctx context.Context, p engine.Partition, in any) (any, error) {
	if r.config.Engine.Owner(p).Here {
		if reply, err := r.config.Engine.Do(ctx, p, in); !errors.Is(err, engine.ErrUnavailable) {
			return reply, err
		}
	}
	if !r.enter() {
		return nil, engine.ErrBusy
	}
	defer r.leave()
	return r.seek(ctx, p, in)
}

func (r *Router) enter() bool {
	select {
	case r.room <- struct{}{}:
		return true
	default:
		return false
	}
}

func (r *Router) leave() { <-r.room }

// The pause before the owner is asked for again, doubling.
const (
	pauseMin = 10 * time.Millisecond
	pauseMax = 200 * time.Millisecond
)

// seek tries the owner, and whoever is it next, until the input was run or may have been.
func (r *Router) seek(ctx context.Context, p engine.Partition, in any) (any, error) {
	until := time.Now().Add(r.config.Patience)
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		reply, err := r.try(ctx, p, in)
		if !errors.Is(err, engine.ErrUnavailable) || !time.Now().Before(until) || !sleep(ctx, pause) {
			return reply, err
		}
	}
}

func (r *Router) try(ctx context.Context, p engine.Partition, in any) (any, error) {
	owner := r.config.Engine.Owner(p)
	if owner.Here || !owner.Live || owner.Address == "" || owner.Owner == r.config.ID {
		return r.config.Engine.Do(ctx, p, in)
	}
	return r.call(ctx, owner, in)
}

// Post hands an input over and does not wait; done, which may be nil, is called once with
// what Do would answer. When Post answers an error the input was not taken.
func (r *Router) Post(p engine.Partition, in any, done func(any, error)) error {
	if done == nil {
		done = func(any, error) {}
	}
	if r.config.Engine.Owner(p).Here {
		err := r.config.Engine.Post(p, in, func(reply any, err error) {
			if errors.Is(err, engine.ErrUnavailable) && r.later(p, in, done) == nil {
				return // it has changed hands
			}
			done(reply, err)
		})
		if !errors.Is(err, engine.ErrUnavailable) {
			return err
		}
	}
	return r.later(p, in, done)
}

// later seeks the owner of an input that was posted.
func (r *Router) later(p engine.Partition, in any, done func(any, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return engine.ErrUnavailable
	case !r.enter():
		return engine.ErrBusy
	}
	r.working.Go(func() {
		defer r.leave()
		done(r.seek(r.ctx, p, in))
	})
	return nil
}

// Ready waits until every partition has an owner that can be reached. Its error says
// which one has not.
func (r *Router) Ready(ctx context.Context) error {
	for {
		err := r.config.Engine.Ready(ctx)
		if err == nil {
			err = r.reachAll(ctx)
		}
		if err == nil || !sleep(ctx, pauseMax) {
			return err
		}
	}
}

// reachAll asks every owner elsewhere whether it is there.
func (r *Router) reachAll(ctx context.Context) error {
	asked := make(map[string]error)
	for _, o := range r.config.Engine.Owners() {
		if o.Here {
			continue
		}
		if _, known := asked[o.Owner]; !known {
			_, asked[o.Owner] = r.call(ctx, o, nil)
		}
		if err := asked[o.Owner]; err != nil {
			return fmt.Errorf("partition %s is at %s: %w", o.Partition, o.Address, err)
		}
	}
	return nil
}

// sleep waits, and says false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
