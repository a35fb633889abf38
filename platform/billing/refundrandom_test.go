package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// Whoever asks for refunds, how often, from however old a look, with effects done twice or
// half and the actors falling between any two steps: each refund comes to its payer at most
// once, and no bill's come to more than was paid.
func TestRefundsNeverMore(t *testing.T) {
	inBubbles(t, func(t *rapid.T) {
		c := &chaos{bank: newBank(t, 2), t: t}
		c.strict = false
		h := c.away(1)
		c.phones = []*handset{h}
		for range 2 {
			id := c.settled(h)
			c.bills = append(c.bills, must(c.service.Bill(context.Background(), theShop, id)))
		}
		t.Repeat(map[string]func(*rapid.T){
			"refund": c.refundOne, "refund more": c.refundOne, "refund again": c.refundAgain, "look": c.look, "refund late": c.refundLate,
			"effect": c.performOne, "effect again": c.performAgain, "time": c.letTimePass,
			"restart": func(*rapid.T) { c.restart() },
			"forget":  func(*rapid.T) { c.forgetRefunds() },
			"":        c.checkNow,
		})
		c.drain()
		c.judge()
	})
}

// refundAsked is a request for a refund, which its merchant may repeat.
type refundAsked struct {
	bill platform.BillID
	o    platform.RefundOrder
}

// refundOne asks for a refund of any bill, whether or not it can have one.
func (c *chaos) refundOne(t *rapid.T) {
	made := pick(t, c.bills, "bill")
	amount := money.Amount(rapid.SampledFrom([]int64{0, 1, 5000, 10000, 300000}).Draw(t, "refund"))
	r := refundAsked{made.ID, platform.RefundOrder{Amount: amount, Reference: fmt.Sprintf("back-%d", len(c.asked))}}
	c.asked = append(c.asked, r)
	c.ask(t, r)
}

func (c *chaos) refundAgain(t *rapid.T) { c.ask(t, pick(t, c.asked, "request")) }

func (c *chaos) ask(t *rapid.T, r refundAsked) {
	_, err := c.service.Refund(context.Background(), theShop, r.bill, r.o)
	switch codeOf(err) {
	case "", "illegal-state id", "invalid amount":
	default:
		t.Fatal(err)
	}
}

// look reads what is kept of a settled bill's refunds, as a request does; it comes to its
// partition later, when others may have come before.
func (c *chaos) look(t *rapid.T) {
	made := pick(t, c.bills, "bill")
	kept, err := c.service.own(context.Background(), theShop, made.ID)
	if err != nil || refundable(kept) != nil {
		t.Skip("not to be refunded")
	}
	in := Refund{
		Merchant: theShop, Bill: Refundable{Result: api.CallbackOf(kept.Bill).Data, CallbackURL: kept.CallbackURL, Account: kept.Account},
		Order: platform.RefundOrder{Amount: kept.Amount, Reference: fmt.Sprintf("late-%d", len(c.looks)), Fingerprint: "late"},
	}
	if in.Kept, in.Seen, err = c.service.lookForRefunds(context.Background(), c.service.merchantPartition(theShop), made.ID); err != nil {
		t.Fatal(err)
	}
	c.looks = append(c.looks, in)
}

func (c *chaos) refundLate(t *rapid.T) {
	_, _ = c.Do(context.Background(), c.service.merchantPartition(theShop), pick(t, c.looks, "late request")) // refused or not
}

// performRefund carries a refund to the payer; it may get no further, and may come with
// what was read of it long ago.
func (c *chaos) performRefund(d due, well bool) {
	if well {
		if err := (&Effects{Service: c.service}).Perform(context.Background(), d.partition, d.Effect); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	var in Credit
	if err := json.Unmarshal(d.Body, &in); err != nil {
		c.t.Fatal(err)
	}
	c.done = append(c.done, d)
	c.effects = append(c.effects, d)
	_, _ = c.Do(context.Background(), engine.Partition(in.Refund.Bill().Partition()), in) // its look is from before all
}

// forgetRefunds makes the partitions forget what rests, as many others would.
func (c *chaos) forgetRefunds() {
	for _, p := range c.parts {
		for len(p.restingRefunds.queue) > 0 {
			first := p.restingRefunds.queue[0]
			p.forgetRefunds(first)
			p.restingRefunds.since, p.restingRefunds.queue = first.seq, p.restingRefunds.queue[1:]
		}
		for len(p.restingCredits.queue) > 0 {
			first := p.restingCredits.queue[0]
			p.transfers.Forget(first.name)
			p.restingCredits.since, p.restingCredits.queue = first.seq, p.restingCredits.queue[1:]
		}
	}
}

// back is what came back of a bill.
func (c *chaos) back(kept platform.Bill) (sum money.Amount) {
	references := make(map[string]bool)
	for _, r := range kept.Refunds {
		if references[r.Reference] {
			c.t.Fatalf("a request that was repeated is two refunds: %+v", kept.Refunds)
		}
		references[r.Reference] = true
		if !r.State.Ended() {
			c.t.Fatalf("%+v never ends", r)
		}
		if r.State == platform.RefundPosted {
			sum += r.Amount
		}
		if n := c.creditsOf(r.ID); n != b2i(r.State == platform.RefundPosted) {
			c.t.Fatalf("%+v was credited %d times", r, n)
		}
	}
	if sum > kept.Amount || sum != kept.Refunded {
		c.t.Fatalf("%+v: %d came back", kept, sum)
	}
	return sum
}

// creditsOf counts how often the journal takes a refund to a card.
func (c *chaos) creditsOf(id platform.RefundID) (n int) {
	for _, p := range c.parts {
		for _, entry := range c.store.Partition(p.number).Entries {
			for _, e := range entry.Events {
				if e.Subject == creditID(id) && e.To == string(ledger.Posted) {
					n++
				}
			}
		}
	}
	return n
}
