// Package webhook tells merchants how their bills ended: it performs the callback
// effects of the engine as signed POST requests.
//
//	Perform ──▶ the merchant's queue ──▶ attempt ──▶ Report, to the bill
//	(at once)    at most so many at a     15 s in all
//	             time; an endpoint that
//	             fails is left in peace
//
// An attempt is queued when [Deliverer.Perform] returns, and an engine's worker never
// waits for a merchant. An attempt that is performed again while it is made is made once.
// Each merchant has a queue of its own and so many attempts at a
// time, so that one that hangs delays nobody else. The queue is memory: the bill's own
// deadline stands for an attempt that is lost with the process.
//
// Only a 2xx answer is a success, once it is read to the end of its header, 15 s after
// the attempt began at most; redirects are failures and never followed; at most 4 KiB of
// an answer are read, and none of it is kept. The outcome, good or bad, goes back to the
// bill, whose own timetable says when the next attempt is: Retry-After is passed on, and
// so is 410, after which there is none.
//
// An endpoint is a merchant's URL without its query. After some failures in a row it
// is paused, for longer each time, and then tried with one attempt at a time; one that
// answers 429, 502, 503 or 504, or asks for a pause, gets fewer attempts at a time, and
// its pause. What waits for longer than some seconds is reported as failed without an
// attempt. An endpoint that answers 410, or with nothing but failures for days, is
// disabled by its merchant's partition: no attempt is made but by hand, and the first one
// that is acknowledged enables it.
//
// An attempt may be made again after a restart. Every attempt for one result has the
// same webhook-id, by which the merchant knows a repeat.
//
// A merchant's profile decides how a callback is signed: by Standard Webhooks alone; by
// that and RFC 9421; or as a legacy form, whose answer must be signed too and say
// success. Signing and verifying are in package api, because merchants need them too. [Dial]
// keeps callbacks away from addresses that are not public.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
)

// Bounds of an attempt and of what waits for one.
const (
	DefaultTimeout = 15 * time.Second
	MaxRetryAfter  = 24 * time.Hour // a merchant cannot put a callback off for longer at a time

	// DefaultConcurrency is how many attempts a merchant gets at the same time.
	DefaultConcurrency = 8
	// DefaultQueue is how many more may wait for their turn.
	DefaultQueue = 1024
	// DefaultWait is how long one waits for its turn.
	DefaultWait = 10 * time.Second

	maxAnswer       = 4 << 10         // octets of the answer's body
	maxAnswerHeader = 16 << 10        // octets of the answer's header
	idleOfHost      = 64              // a host may take callbacks of several merchants
	idleTimeout     = 4 * time.Second // many servers hang up after 5, and an attempt that comes then has failed
)

// Endpoints keep what is wrong with the places that callbacks go to. It is the billing
// service.
type Endpoints interface {
	Endpoint(ctx context.Context, m platform.MerchantID, url string) (e platform.Endpoint, failing bool, err error)
	EndpointFailed(ctx context.Context, in billing.EndpointFailed) error
	EndpointWorks(ctx context.Context, in billing.EndpointWorks) error
}

// Config is what a Deliverer works with. Partner and Report must be set.
type Config struct {
	// Dial opens a connection; nil dials TCP. Give it [Dial] where merchants are not trusted.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Partner finds a merchant's profile and what its callbacks are signed with.
	Partner func(ctx context.Context, m platform.MerchantID) (api.Partner, error)
	// Identity answers the platform's own keys; nil: all merchants are of profile key.
	Identity func(ctx context.Context) (api.Identity, error)
	// Report takes the outcome to the bill, in the partition that the effect came from.
	Report func(ctx context.Context, p engine.Partition, o billing.Reported) error
	// Endpoints hear of endpoints that fail and that work again; nil: none is ever disabled.
	Endpoints Endpoints

	Timeout     time.Duration // of one attempt; 0 is DefaultTimeout
	Concurrency int           // of a merchant; 0 is DefaultConcurrency
	Queue       int           // of a merchant; 0 is DefaultQueue
	Wait        time.Duration // of an attempt for its turn; 0 is DefaultWait
}

// Validate says what is missing.
func (c Config) Validate() error {
	switch {
	case c.Partner == nil:
		return errors.New("webhook: no merchants' secrets to sign with")
	case c.Report == nil:
		return errors.New("webhook: nobody to report to")
	case c.Timeout < 0 || c.Wait < 0:
		return errors.New("webhook: a negative timeout")
	case c.Concurrency < 0 || c.Queue < 0:
		return errors.New("webhook: a negative bound")
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Timeout = orDefault(c.Timeout, DefaultTimeout)
	c.Concurrency = orDefault(c.Concurrency, DefaultConcurrency)
	c.Queue = orDefault(c.Queue, DefaultQueue)
	c.Wait = orDefault(c.Wait, DefaultWait)
	return c
}

func orDefault[N int | time.Duration](n, otherwise N) N {
	if n == 0 {
		return otherwise
	}
	return n
}

// Deliverer makes callbacks. It is safe for concurrent use.
type Deliverer struct {
	config  Config
	http    *http.Client
	ctx     context.Context // of the attempts
	cancel  context.CancelFunc
	working sync.WaitGroup

	mu     sync.Mutex
	lines  map[platform.MerchantID]*line // those with something in them
	jobs   map[string]bool               // attempts whose outcome is not reported yet, by key
	closed bool
	stats  Stats
}

var _ engine.Performer = (*Deliverer)(nil)

// New makes a Deliverer; Close it when its effects have ended.
func New(config Config) (*Deliverer, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	d := &Deliverer{config: config.withDefaults(), lines: make(map[platform.MerchantID]*line), jobs: make(map[string]bool)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no Proxy: the environment has no say
			DialContext:            config.Dial,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswerHeader,
			// There is no bound over all hosts: the connection that is closed for its sake may be
			// one whose answer net/http has not handed on yet, and the attempt has failed.
			MaxIdleConnsPerHost: idleOfHost,
			IdleConnTimeout:     idleTimeout,
		},
	}
	return d, nil
}

// ErrClosed is for an effect that comes when no more are taken.
var ErrClosed = errors.New("webhook: no more callbacks are made")

// Perform queues one attempt, whose outcome is reported. An error means that there will
// be no outcome: the effect is to be performed again.
func (d *Deliverer) Perform(ctx context.Context, p engine.Partition, e engine.Effect) error {
	c, err := billing.OpenCallback(e)
	if err != nil {
		return fmt.Errorf("callback %s: %w", e.ID, err)
	}
	j := &job{partition: p, callback: c, endpoint: endpointOf(c.URL)}
	stop, err := d.prepare(ctx, j)
	if err != nil {
		return fmt.Errorf("callback %s: %w", e.ID, err)
	}
	if stop == nil {
		stop, err = d.enqueue(j)
	}
	if err == nil && stop != nil {
		err = d.config.Report(ctx, p, *stop)
	}
	if err != nil {
		return fmt.Errorf("callback %s: %w", e.ID, err)
	}
	return nil
}

// Drain takes no more effects, and waits until all attempts that are queued have had
// their outcome reported, or ctx has ended.
func (d *Deliverer) Drain(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	done := make(chan struct{})
	go func() { d.working.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		d.cancel()
		d.abandon()
		<-done
		return ctx.Err()
	}
}

// Close gives up what is queued and under way, and ends the connections that are kept.
func (d *Deliverer) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cancel()
	d.abandon()
	d.working.Wait()
	d.http.CloseIdleConnections()
}
