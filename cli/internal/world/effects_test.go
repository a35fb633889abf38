package world_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// twice does every effect, and is never told that the first time did it: as when the
// process ends between doing and noting.
type twice struct {
	engine.Performer
	mu    sync.Mutex
	done  map[string]int // how often, by id
	kinds map[string]int // effects done twice
}

func (p *twice) Perform(ctx context.Context, n engine.Partition, e engine.Effect) error {
	if err := p.Performer.Perform(ctx, n, e); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done[e.ID]++; p.done[e.ID] == 1 {
		return errors.New("it was done, and not noted")
	}
	p.kinds[e.Kind]++
	return nil
}

// Effects are done at least once, and their receivers take a repeat as one: handset,
// carrier's receipts, merchant, and other partitions. Nobody pays twice, is told twice,
// or is paid twice.
func TestEveryEffectTwice(t *testing.T) {
	const bills = 3
	again := &twice{done: map[string]int{}, kinds: map[string]int{}}
	config := people(person("pays", rich), plain())
	config.Perform = func(p engine.Performer) engine.Performer { again.Performer = p; return again }
	over(t, kinds()[:1], config, func(r *rig) {
		var orders []merchant.Order
		for range bills {
			orders = append(orders, r.endsAs(r.place(tea, payer, buyer).ID, merchant.Paid))
		}
		for _, o := range orders {
			r.told(platform.BillID(o.Bill))
		}
		if got, want := r.card(payer, 1).Balance, rich-bills*teaPrice; got != want {
			r.t.Errorf("the card has %d, want %d", got, want)
		}
		r.until("the merchant to have its money", func() bool {
			all, err := r.Office.Merchants(r.ctx)
			r.ok(err)
			var sum money.Amount
			for _, m := range all {
				sum += m.Balances["CNY"]
			}
			if sum > bills*teaPrice {
				r.t.Fatalf("the merchant has %d", sum)
			}
			return sum == bills*teaPrice
		})
		r.until("all kinds of effects to be done twice", func() bool {
			again.mu.Lock()
			defer again.mu.Unlock()
			for _, kind := range []string{"open", "push", "result", "callback", "sweep"} {
				if again.kinds[kind] < 1 {
					return false
				}
			}
			return true
		})
		r.resendOnce(orders[0])
		r.metricsSay()
		if texts := r.texts(buyer, bills); len(texts) != bills {
			r.t.Errorf("the buyer was told %d times: %q", len(texts), texts)
		}
	})
}

// resendOnce has a callback made by hand that was acknowledged: the shop gets it again,
// and does nothing.
func (r *rig) resendOnce(o merchant.Order) {
	r.t.Helper()
	id := o.Bill
	before, err := r.Bills.Callback(r.ctx, id)
	r.ok(err)
	made, err := r.Bills.Resend(r.ctx, string(before.ID))
	r.ok(err)
	came := func() (n int) {
		for _, c := range r.seen.calls("shop", "POST", "/airtill") {
			if c.header.Get("Webhook-Id") == string(made.ID) {
				n++
			}
		}
		return n
	}
	r.until("the attempt by hand to be acknowledged", func() bool {
		now, err := r.Bills.Callback(r.ctx, string(made.ID))
		r.ok(err)
		last := now.Tries[len(now.Tries)-1]
		return now.State == platform.CallbackDelivered && last.ByHand && last.OK && len(now.Tries) == made.Attempts
	})
	if came() < 2 || made.Attempts != before.Attempts+1 {
		r.t.Errorf("it came %d times, attempt %d after %d", came(), made.Attempts, before.Attempts)
	}
	after, _ := r.Merchant.Shop.Order(o.ID)
	if fmt.Sprint(after) != fmt.Sprint(o) {
		r.t.Errorf("the repeat changed the order: %+v, %+v", o, after)
	}
}

// metricsSay compares what the metrics say with what was done.
func (r *rig) metricsSay() {
	r.t.Helper()
	if a := r.raw("GET", "/readyz", ""); a.status != http.StatusOK || !strings.Contains(string(a.body), `{"part":"carrier","ok":true`) {
		r.t.Errorf("readyz: %d %s", a.status, a.body)
	}
	r.until("the metrics to say what was done", func() bool {
		text := string(r.raw("GET", "/metrics", "", "Authorization", "Bearer "+r.World.Ready().OperatorKey).body)
		lines := slices.Collect(strings.Lines(text))
		for _, want := range []string{
			"airtill_ready 1\n", `airtill_partition_queue{partition="p00"} 0` + "\n", "airtill_callbacks_pending 0\n",
			fmt.Sprintf("airtill_callback_attempts_total{outcome=%q} %d\n", "acknowledged", len(r.seen.calls("shop", "POST", "/airtill"))),
		} {
			if !slices.Contains(lines, want) {
				return false
			}
		}
		return true
	})
}
