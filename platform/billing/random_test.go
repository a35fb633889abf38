package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// chaos plays a day with a carrier that duplicates, drops and reorders, merchants that
// do not answer, effects that are done twice, and restarts.
type chaos struct {
	*bank
	t      *rapid.T
	phones []*handset
	bills  []platform.Bill
	wire   []Message // on their way from phones, in any order
	seen   []Message // captured by somebody
	done   []due     // effects that were done, and may be again
	sent   []Receipt // receipts that may come
	asked  []refundAsked
	looks  []Refund // requests that have looked, and have not come to their partition

	actions int
}

// Whatever happens on the wires, money moves at most once a bill and comes back at most
// once a refund, never more than was paid; the books sum to zero at every step, and memory
// is what was staged.
func TestMoneyMovesOnce(t *testing.T) { inBubbles(t, play) }

// inBubbles checks a property, each time in a bubble of its own.
func inBubbles(t *testing.T, property func(*rapid.T)) {
	rapid.Check(t, func(rt *rapid.T) {
		var stopped any // a property ends by a panic, which must not leave the bubble
		synctest.Test(t, func(*testing.T) {
			defer func() { stopped = recover() }()
			property(rt)
		})
		if stopped != nil {
			panic(stopped)
		}
	})
}

func play(t *rapid.T) {
	c := &chaos{bank: newBank(t, 3), t: t}
	c.strict = false
	for n := range 2 {
		c.phones = append(c.phones, c.away(10*n+1))
	}
	t.Repeat(map[string]func(*rapid.T){
		"order": c.placeOrder, "buy": c.buy, "buy more": c.buy, "say": c.personActs, "deliver": c.deliver, "replay": c.replayOne, "drop": c.lose,
		"refund": c.refundOne, "refund again": c.refundAgain, "look": c.look, "refund late": c.refundLate,
		"effect": c.performOne, "effect again": c.performAgain, "receipt": c.giveReceipt, "cancel": c.cancelOne,
		"time": c.letTimePass, "restart": func(*rapid.T) { c.restart() },
		"": c.checkNow,
	})
	c.drain()
	c.judge()
}

func pick[V any](t *rapid.T, from []V, what string) V {
	if len(from) == 0 {
		t.Skip("no " + what)
	}
	return rapid.SampledFrom(from).Draw(t, what)
}

func (c *chaos) placeOrder(t *rapid.T) {
	h := pick(t, c.phones, "payer")
	amount := money.Amount(rapid.SampledFrom([]int64{1, 10000, 300000, 900000}).Draw(t, "amount"))
	made := c.order(h, asking(amount, "CNY"), lasting(rapid.SampledFrom([]time.Duration{time.Minute, time.Hour}).Draw(t, "lasting")))
	c.bills = append(c.bills, made)
}

// buy orders and pays, with nothing between.
func (c *chaos) buy(t *rapid.T) {
	c.placeOrder(t)
	made := c.bills[len(c.bills)-1]
	h := c.payerOf(made)
	m := h.wrap(applet.Encode(scp80.Modern, h.pay(c.bank, made.ID)))
	c.seen = append(c.seen, m)
	h.send(c.bank, m)
}

func (c *chaos) payerOf(made platform.Bill) *handset {
	return c.phones[slices.IndexFunc(c.phones, func(h *handset) bool { return h.phone == made.Phone })]
}

// personActs has a person do something about a bill, whether or not it makes sense.
func (c *chaos) personActs(t *rapid.T) {
	made := pick(t, c.bills, "bill")
	h := c.payerOf(made)
	var m applet.Message
	switch rapid.SampledFrom([]string{"shown", "open", "defer", "refuse", "receipt", "pay", "pay", "pay", "dollars", "wrong", "another amount"}).Draw(t, "act") {
	case "shown":
		m = h.open(made.ID, applet.Delivered)
	case "open":
		m = h.open(made.ID, applet.Opened)
	case "defer":
		m = h.open(made.ID, applet.Deferred)
	case "refuse":
		m = h.refuse(made.ID)
	case "receipt":
		m = h.shown(made.ID)
	case "pay":
		m = h.pay(c.bank, made.ID)
	case "dollars":
		m = h.pay(c.bank, made.ID, withCard(2))
	case "wrong":
		m = h.pay(c.bank, made.ID, withPIN("000000"))
	case "another amount":
		m = h.pay(c.bank, made.ID, changed(func(p *applet.Pay) { p.Amount++ }))
	}
	for range rapid.IntRange(1, 2).Draw(t, "repeats") { // the client's own
		c.wire = append(c.wire, h.wrap(applet.Encode(scp80.Modern, m)))
	}
}

// deliver brings one of the messages on the wire, any.
func (c *chaos) deliver(t *rapid.T) {
	m := pick(t, c.wire, "message")
	c.wire = slices.DeleteFunc(c.wire, func(other Message) bool { return &other.Packet[0] == &m.Packet[0] })
	c.seen = append(c.seen, m)
	c.do(c.service.PhonePartition(m.Phone), m)
}

func (c *chaos) replayOne(t *rapid.T) {
	m := pick(t, c.seen, "captured")
	c.do(c.service.PhonePartition(m.Phone), m)
}

func (c *chaos) lose(t *rapid.T) {
	if len(c.wire) == 0 {
		t.Skip("nothing to lose")
	}
	c.wire = c.wire[1:]
}

func (c *chaos) performOne(t *rapid.T) {
	d := pick(t, c.effects, "effect")
	i := slices.IndexFunc(c.effects, func(other due) bool { return other.ID == d.ID })
	c.effects = slices.Delete(c.effects, i, i+1)
	c.done = append(c.done, d)
	c.perform(d, rapid.Bool().Draw(t, "well"))
}

func (c *chaos) performAgain(t *rapid.T) {
	c.perform(pick(t, c.done, "effect done"), rapid.Bool().Draw(t, "well"))
}

// perform does an effect as its performer would; well says how it goes.
func (c *chaos) perform(d due, well bool) {
	switch d.Kind {
	case EffectPush:
		c.pushOut(d, well)
	case EffectCallback:
		var m Callback
		if err := json.Unmarshal(d.Body, &m); err != nil {
			c.t.Fatal(err)
		}
		out := Reported{Bill: m.Bill, Refund: m.Refund, Attempt: m.Attempt, Status: 204}
		if !well {
			out.Status, out.Problem = 500, "answered 500"
		}
		c.do(d.partition, out)
	case EffectRefund:
		c.performRefund(d, well)
	case EffectOpen, EffectSweep:
		if err := (&Effects{Service: c.service}).Perform(context.Background(), d.partition, d.Effect); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *chaos) pushOut(d due, well bool) {
	m := c.opened(d)
	if !well {
		c.do(d.partition, Submitted{Bill: m.Bill, Refused: "throttled"})
		return
	}
	c.pushes++
	id := gateway.MessageID(fmt.Sprintf("%X", c.pushes))
	c.sent = append(c.sent, Receipt{Phone: m.Phone, MessageID: id, State: gateway.Delivered})
	if c.pushes%3 == 0 { // the receipt overtakes
		c.do(d.partition, c.sent[len(c.sent)-1])
	}
	c.do(d.partition, Submitted{Bill: m.Bill, MessageID: id})
}

func (c *chaos) giveReceipt(t *rapid.T) {
	r := pick(t, c.sent, "receipt")
	r.State = rapid.SampledFrom([]gateway.MessageState{gateway.Delivered, gateway.Expired, gateway.Enroute}).Draw(t, "state")
	c.do(c.service.PhonePartition(r.Phone), r)
}

func (c *chaos) cancelOne(t *rapid.T) {
	made := pick(t, c.bills, "bill")
	_, err := c.service.CancelBill(context.Background(), theShop, made.ID)
	if code := codeOf(err); code != "" && code != "illegal-state id" {
		t.Fatal(err)
	}
}

func (c *chaos) letTimePass(t *rapid.T) {
	c.pass(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, 10 * time.Minute}).Draw(t, "time"))
}

// drain lets everything come to its end: effects are done well, each of them twice,
// everything captured comes once more, and time runs out.
func (c *chaos) drain() {
	for range 100 {
		for len(c.effects) > 0 {
			d := c.effects[0]
			c.effects = c.effects[1:]
			c.perform(d, true)
			c.perform(d, true)
		}
		for _, m := range c.seen {
			c.do(c.service.PhonePartition(m.Phone), m)
		}
		if c.live() == 0 && len(c.effects) == 0 {
			return
		}
		c.pass(time.Hour)
	}
	c.t.Fatalf("%d bills never end", c.live())
}

// checkNow holds memory against the store after every tenth action, which keeps this quick.
func (c *chaos) checkNow(*rapid.T) {
	if c.actions++; c.actions%10 == 0 {
		c.checkAll()
	}
}

func (c *chaos) checkAll() {
	for n := range c.parts {
		c.check(engine.Partition(n))
	}
}

// judge holds the books against what the bills say.
func (c *chaos) judge() {
	c.checkAll()
	var earned money.Amount
	for _, made := range c.bills {
		kept, err := c.service.Bill(context.Background(), theShop, made.ID)
		if err != nil || !bill.Ended(kept.State) || kept.Acknowledged.IsZero() {
			c.t.Fatalf("%+v, %v", kept, err)
		}
		paid := kept.State == bill.Settled
		if n := c.debits(made.ID); n != b2i(paid) {
			c.t.Fatalf("a bill that is %s was debited %d times", kept.State, n)
		}
		if paid {
			earned += kept.Amount - c.back(kept)
		}
	}
	left := money.Amount(0)
	for _, h := range c.phones {
		left += c.balance(cardAccount(h, 1))
	}
	home := c.balance(ledger.Home("acct_10000001", "CNY"))
	if home != earned || left != money.Amount(500000*len(c.phones))-earned {
		c.t.Fatalf("bills of %d were paid, home holds %d, the cards %d", earned, home, left)
	}
	if sum := c.balance(ledger.Clearing("CNY")) + c.balance(ledger.Sub("acct_10000001", "CNY")); sum != 0 {
		c.t.Fatalf("%d are still on their way", sum)
	}
	if report := c.audit(); report.LedgerSum() != 0 || report.DuplicateDebits != 0 || report.Bills != len(c.bills) {
		c.t.Fatalf("%+v", report)
	}
}
