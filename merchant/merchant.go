// Package merchant is a shop that sells by phone payment: the platform's built-in
// one, or any merchant's own system, for the flow is the same (S15).
//
// A customer orders something from the catalogue and names the phone that is to pay,
// which may be somebody else's. The shop sends the order to the platform at once
// (S4) and hears of the end by a signed callback, which it verifies, takes once and
// acknowledges at once. Then it tells the buyer and the payer by SMS (S9, S11, S18)
// and delivers e-tickets and virtual goods to the buyer's phone (S17). To the platform
// it speaks platform/api, to the carrier SMPP.
//
// Its own face is small HTTP, without customer accounts:
//
//	GET  /v1/catalogue    200  {"items":[...]}
//	POST /v1/orders       201  takes a Request, answers the order with its bill's id
//	GET  /v1/orders       200  {"orders":[...]}, newest first; status=, limit= (1 to 200, else 50)
//	GET  /v1/orders/{id}  200  one order; phone numbers are masked
//	POST /airtill         204  the platform's callbacks
//	GET  /livez           200
//
// Errors are application/problem+json as the platform's are.
//
// With a [Book] an order is kept before anybody is answered, and a callback's result
// before it is acknowledged: a shop that starts again asks the platform about orders that
// it may not have taken, and sends the notices that were not sent; one that was being
// sent goes out twice. Without a book orders end with the process, and callbacks about
// those of before are acknowledged and forgotten. Left
// out: stock and seats (a seat can be sold twice), refunds, delivery by mail, and
// idempotency of POST /v1/orders.
package merchant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/api"
)

// Platform takes the shop's orders; it is an *api.Client.
type Platform interface {
	CreateBill(ctx context.Context, order api.Order, idempotencyKey string) (api.Bill, error)
}

var _ Platform = (*api.Client)(nil)

// Texter sends a text to a phone. It returns once the carrier has taken all of it, or
// with an error when it is not going to; trying again is its own affair.
type Texter interface {
	SendText(ctx context.Context, to gateway.MSISDN, text string) error
}

// Config is what a shop is made of. Name, Platform, Texter and Secrets or Callbacks must be set.
type Config struct {
	Name        string // as customers read it in every notice
	Catalogue   []Item // nil: DefaultCatalogue
	Platform    Platform
	Secrets     []api.WebhookSecret // that callbacks are verified with: two while they change
	Callbacks   api.CallbackReader  // of the shop's profile, instead of Secrets; nil: profile key
	Texter      Texter
	CallbackURL string        // where this shop's /airtill is reached; empty: as the platform knows it
	ExpiresIn   time.Duration // of a bill; 0 is 15 minutes
	AskAgain    time.Duration // before the platform is asked again, then 4 and 16 times that; 0 is 100 ms
	Workers     int           // that follow up callbacks; 0 is 8
	Queue       int           // callbacks taken and not followed up; 0 is 4096; more are refused for a while
	Keep        int           // orders remembered; 0 is 100000; the oldest are forgotten
	Book        Book          // that keeps orders; nil: they end with the process
	Orders      []Order       // that the book had, oldest first
	Random      io.Reader     // for order numbers, tickets and codes; nil is crypto/rand
	Log         zerolog.Logger
}

const (
	defaultAskAgain = 100 * time.Millisecond
	defaultWorkers  = 8
	defaultQueue    = 4096
	defaultKeep     = 100_000
)

// Validate says what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return errors.New("merchant: no name")
	case c.Platform == nil:
		return errors.New("merchant: no platform")
	case len(c.Secrets) == 0 && c.Callbacks == nil:
		return errors.New("merchant: no secret to verify callbacks with")
	case c.Texter == nil:
		return errors.New("merchant: no way to send texts")
	case c.Workers < 0 || c.Queue < 0 || c.Keep < 0 || c.ExpiresIn < 0 || c.AskAgain < 0:
		return errors.New("merchant: a negative number")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Callbacks == nil {
		c.Callbacks = api.Webhooks(c.Secrets)
	}
	if c.Catalogue == nil {
		c.Catalogue = DefaultCatalogue()
	}
	if c.ExpiresIn == 0 {
		c.ExpiresIn = api.DefaultExpiry
	}
	if c.AskAgain == 0 {
		c.AskAgain = defaultAskAgain
	}
	if c.Workers == 0 {
		c.Workers = defaultWorkers
	}
	if c.Queue == 0 {
		c.Queue = defaultQueue
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}

// Shop is one shop. It is safe for concurrent use.
type Shop struct {
	config  Config
	orders  *orders
	inbox   chan OrderID // whose notices are to be sent
	sending senders
	had     *seen
	mux     *http.ServeMux

	drawing sync.Mutex // one draws from Random at a time
}

// New makes a shop. Its callbacks are followed up while it runs.
func New(config Config) (*Shop, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	s := &Shop{
		config:  config,
		orders:  newOrders(config.Keep, config.Orders),
		inbox:   make(chan OrderID, config.Queue),
		sending: senders{more: make(map[OrderID]bool)},
		had:     newSeen(config.Keep),
	}
	s.mux = s.routes()
	return s, nil
}

// Run follows up callbacks until ctx ends, and returns when all it started has ended.
// Callbacks are acknowledged whether it runs or not.
func (s *Shop) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.resume(ctx) })
	for range s.config.Workers {
		wg.Go(func() { s.work(ctx) })
	}
	wg.Wait()
	return nil
}

// resume goes on with what a run before this one left: somebody is to be told how an
// order ended, or the platform is to be asked about it.
func (s *Shop) resume(ctx context.Context) {
	for _, o := range s.config.Orders {
		if o.untold() {
			s.send(ctx, o.ID)
		}
		if o.Status != Placed {
			continue
		}
		if _, err := s.bill(ctx, o); err != nil && ctx.Err() == nil {
			s.config.Log.Warn().Err(err).Msg("an order of before is not billed")
		}
	}
}

func (s *Shop) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-s.inbox:
			s.send(ctx, id)
		}
	}
}

// draw takes n octets of randomness.
func (s *Shop) draw(n int) ([]byte, error) {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	b := make([]byte, n)
	if _, err := io.ReadFull(s.config.Random, b); err != nil {
		return nil, fmt.Errorf("draw a random number: %w", err)
	}
	return b, nil
}

// Order is one order as it stands.
func (s *Shop) Order(id OrderID) (Order, bool) { return s.orders.get(id) }

// Orders lists up to limit orders, newest first, in one status or in any.
func (s *Shop) Orders(status Status, limit int) []Order { return s.orders.list(status, limit) }

// Await waits until an order is as asked.
func (s *Shop) Await(ctx context.Context, id OrderID, is func(Order) bool) (Order, error) {
	for {
		changed := s.orders.watch()
		o, ok := s.orders.get(id)
		if !ok {
			return o, fmt.Errorf("no order %s", id)
		}
		if is(o) {
			return o, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return o, fmt.Errorf("order %s is %s: %w", id, o.Status, context.Cause(ctx))
		}
	}
}
