package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// Whoever asks for refunds, how often, from however old a look, with effects done twice or
// half and the actors falling between any two steps: each refund comes to its payer at most
// once, and no bill's come to more than was paid. Whatever merchants answer, and whoever
// has callbacks made by hand, they are listed as they stand, and each merchant can be told.
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
			"gone":    c.wantsNoMore, "resend": c.resendOne, "resend more": c.resendOne, "take over": c.takeOver,
			"": func(t *rapid.T) { c.checkNow(t); c.checkListsNow() },
		})
		c.checkLists()
		c.drain()
		c.tellAll()
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

// wantsNoMore has the merchant answer a callback about a refund so that no more are made.
func (c *chaos) wantsNoMore(t *rapid.T) {
	calls := slices.DeleteFunc(slices.Clone(c.effects), func(d due) bool { return d.Kind != EffectCallback || !strings.HasPrefix(d.ID, "refund_") })
	d := pick(t, calls, "callback")
	var m Callback
	if err := json.Unmarshal(d.Body, &m); err != nil {
		t.Fatal(err)
	}
	c.do(d.partition, Reported{Bill: m.Bill, Refund: m.Refund, Attempt: m.Attempt, Status: 410, Problem: "answered 410"})
}

// resendOne has a callback about any refund made by hand, by its merchant or an operator.
func (c *chaos) resendOne(t *rapid.T) {
	made := pick(t, c.bills, "bill")
	id := platform.NewRefundID(made.ID, rapid.IntRange(1, 4).Draw(t, "number"))
	in := platform.Resend{Merchant: theShop, Bill: made.ID, Refund: id}
	if rapid.Bool().Draw(t, "by the office") {
		in = platform.Resend{Bill: made.ID, Refund: id, By: "Zhao Min", Note: "they asked"}
	}
	got, err := c.service.Resend(context.Background(), in)
	switch codeOf(err) {
	case "":
		if got.Next.IsZero() || got.Refund != id {
			t.Fatalf("%+v is not under way", got)
		}
	case "illegal-state id", "not-found id":
	default:
		t.Fatal(err)
	}
}

// takeOver restarts the partitions, which take up what was under way.
func (c *chaos) takeOver(*rapid.T) {
	c.restart()
	for n := range c.parts {
		c.do(engine.Partition(n), engine.Due{ID: resumeID, At: time.Now()})
	}
}

// standing are the callbacks about refunds in a state, as each of them is shown.
func (c *chaos) standing(s platform.CallbackState) (all []string) {
	for _, made := range c.bills {
		for _, r := range must(c.service.Refunds(context.Background(), theShop, made.ID)) {
			shown, err := c.service.Callback(context.Background(), "", aboutRefund(r.ID))
			if err == nil && shown.State == s && !shown.Failed.IsZero() {
				all = append(all, fmt.Sprintf("%s %s %d", r.ID, s, shown.Attempts))
			}
		}
	}
	slices.Sort(all)
	return all
}

// checkListsNow checks the lists as often as checkNow the memory.
func (c *chaos) checkListsNow() {
	if c.actions%10 == 0 {
		c.checkLists()
	}
}

// checkLists compares the lists with what each callback is shown as.
func (c *chaos) checkLists() {
	for _, s := range []platform.CallbackState{platform.CallbackPending, platform.CallbackExhausted} {
		listed := slices.DeleteFunc(c.listed(platform.CallbackQuery{State: s}), func(line string) bool { return strings.HasPrefix(line, "bill_") })
		slices.Sort(listed)
		if want := c.standing(s); !slices.Equal(listed, want) {
			c.t.Fatalf("%q are listed as %s, want %q", listed, s, want)
		}
	}
}

// tellAll has the callbacks made by hand that are exhausted, and taken: none is left.
func (c *chaos) tellAll() {
	for page := range 2 {
		all, err := c.service.Callbacks(context.Background(), platform.CallbackQuery{State: platform.CallbackExhausted, Limit: mostOnPage})
		if err != nil || page == 1 && len(all.Callbacks) > 0 {
			c.t.Fatalf("%+v, %v", all, err)
		}
		for _, one := range all.Callbacks {
			must(c.service.Resend(context.Background(), platform.Resend{Merchant: theShop, Bill: one.Bill, Refund: one.Refund}))
		}
		c.drain()
	}
	for _, made := range c.bills {
		for _, r := range must(c.service.Refunds(context.Background(), theShop, made.ID)) {
			if r.Acknowledged.IsZero() {
				c.t.Fatalf("its merchant was never told of %+v", r)
			}
		}
	}
}
