package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/history"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// Bounds of the load: few enough that the network is never behind for long, so that a
// run comes to rest soon.
const (
	workers  = 12
	waitMost = 1500 * time.Millisecond // for a bill's end, before the next order
	soon     = 8 * time.Second         // for who does not pay
)

// load has orders placed until the function that it answers is called, which waits until
// every outcome is certain, or something is found that may keep it from that.
func (s *site) load(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	more, done := make(chan struct{}), make(chan struct{})
	var work sync.WaitGroup
	for n := range workers {
		work.Go(func() { s.orders(ctx, n, more) })
	}
	work.Go(func() { s.mistype(ctx, more) })
	return func() {
		close(more)
		go func() { defer close(done); work.Wait() }()
		until(ctx, settleTime, func() bool { return s.broken() || closed(done) })
		cancel()
		<-done
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (s *site) orders(ctx context.Context, worker int, more <-chan struct{}) {
	random := s.config.generator(uint64(100 + worker))
	for n := 0; ; n++ {
		select {
		case <-more:
			return
		case <-ctx.Done():
			return
		default:
		}
		who := s.people[random.IntN(payers)]
		o := s.shop.newOrder(fmt.Sprintf("t%d-%d", worker, n), who, random)
		s.shop.foresee(o, who)
		if !s.shop.place(ctx, o) {
			continue
		}
		s.shop.bother(ctx, o, random)
		select {
		case <-s.shop.ended(o.bills[0]):
		case <-time.After(waitMost):
		case <-more:
		case <-ctx.Done():
		}
	}
}

func (h *shop) newOrder(reference string, who *person, random *rand.Rand) *order {
	o := &order{Order: api.Order{
		Reference: reference, Amount: money.Amount(1 + random.IntN(9999)), Currency: money.CNY, Phone: who.phone,
		ExpiresIn: api.Duration(h.site.config.Expiry),
	}}
	if who.habit == persona.Never {
		o.ExpiresIn = api.Duration(min(soon, h.site.config.Expiry))
	}
	if random.IntN(2) == 0 {
		o.key = "key-" + reference
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.orders[reference] = o
	return o
}

// foresee writes down what others may do to the bill, at some moment or never.
func (h *shop) foresee(o *order, who *person) {
	ends := []string{string(bill.Expired), string(bill.Undelivered), string(bill.Failed)}
	switch who.habit {
	case persona.Never:
	case persona.Refuses:
		ends = append(ends, string(bill.Refused))
	case persona.PoorFirstCard, persona.Manual, persona.WrongPINOnce: // several bills at a time can lock a card
		ends = append(ends, string(bill.Refused), string(bill.Paid))
	default:
		ends = append(ends, string(bill.Paid))
	}
	for _, end := range ends {
		h.history.Ask(o.Reference, history.End{State: end})
	}
}

// bother repeats an order, comes with another one under its reference, looks, and withdraws.
func (h *shop) bother(ctx context.Context, o *order, random *rand.Rand) {
	id := o.bills[0]
	if random.IntN(3) == 0 {
		if b, err := h.order(ctx, o.Order, o.key); err == nil {
			h.made(o, b)
		}
	}
	if random.IntN(8) == 0 {
		changed := o.Order
		changed.Amount += 10_000
		if b, err := h.order(ctx, changed, ""); err == nil {
			h.site.differ(double, "another order under the reference %s was taken too, as %s", o.Reference, b.ID)
		}
	}
	if random.IntN(2) == 0 {
		h.look(ctx, o, id)
	}
	if random.IntN(12) == 0 {
		h.withdraw(ctx, o, id)
	}
}
