package billing

import (
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

func yuan(a money.Amount) map[money.Currency]money.Amount {
	return map[money.Currency]money.Amount{"CNY": a}
}

// limited is a bank with limits.
func (b *bank) limited(l Limits) {
	b.config.Limits = l
	b.restart()
}

// tryToPay orders and pays, and answers what the phone is told.
func (b *bank) tryToPay(h *handset, slot int, a money.Amount, c money.Currency) (applet.ResponseCode, platform.BillID) {
	b.t.Helper()
	id := b.order(h, asking(a, c)).ID
	h.say(b, h.pay(b, id, withCard(slot)))
	codes := b.results(h)
	b.effects = nil
	return codes[len(codes)-1], id
}

// Each limit declines what is over it, by the card, the currency and the day, and what was
// declined does not count; nor is a day's limit forgotten by a restart.
func TestLimits(t *testing.T) {
	type try struct {
		slot     int
		amount   money.Amount
		currency money.Currency
		code     applet.ResponseCode
	}
	const ok, over = applet.CodeApproved, applet.CodeOverLimit
	tests := map[string]struct {
		limits Limits
		tries  []try
	}{
		"none":                {Limits{}, []try{{1, 400000, "CNY", ok}}},
		"of a payment":        {Limits{Payment: yuan(1000)}, []try{{1, 1000, "CNY", ok}, {1, 1001, "CNY", over}, {1, 1000, "CNY", ok}}},
		"of a day":            {Limits{Day: yuan(1000)}, []try{{1, 600, "CNY", ok}, {2, 401, "CNY", over}, {2, 400, "CNY", ok}, {1, 1, "CNY", over}}},
		"of a card":           {Limits{Card: yuan(1000)}, []try{{1, 600, "CNY", ok}, {1, 401, "CNY", over}, {2, 1000, "CNY", ok}, {1, 400, "CNY", ok}}},
		"of another currency": {Limits{Payment: yuan(1), Day: yuan(1), Card: yuan(1)}, []try{{3, 900, "USD", ok}}},
		"in two currencies":   {Limits{Day: yuan(1000)}, []try{{3, 900, "USD", ok}, {1, 1000, "CNY", ok}}},
		"the lowest counts":   {Limits{Payment: yuan(500), Day: yuan(800), Card: yuan(600)}, []try{{1, 500, "CNY", ok}, {1, 101, "CNY", over}, {2, 301, "CNY", over}, {2, 300, "CNY", ok}}},
		"before the money":    {Limits{Payment: yuan(1000)}, []try{{2, 5001, "CNY", over}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				b.limited(tt.limits)
				h := b.payer(1)
				for n, try := range tt.tries {
					code, id := b.tryToPay(h, try.slot, try.amount, try.currency)
					if code != try.code {
						t.Fatalf("payment %d: %s, want %s", n, code, try.code)
					}
					if made := b.record(id); try.code == over && (made.State != bill.Opened || made.Reason != platform.ReasonOverLimit) {
						t.Errorf("payment %d: the bill is %s, %s", n, made.State, made.Reason)
					}
					b.restart()
				}
				b.audit()
			})
		})
	}
}

// The next day, by UTC, begins anew; the day before is gone from the store.
func TestLimitsByDay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.limited(Limits{Day: yuan(1000)})
		h := b.payer(1)
		b.pass(24*time.Hour - time.Second)
		for _, want := range []applet.ResponseCode{applet.CodeApproved, applet.CodeOverLimit} {
			if code, _ := b.tryToPay(h, 1, 1000, "CNY"); code != want {
				t.Errorf("%s, want %s", code, want)
			}
		}
		b.pass(time.Second)
		if code, _ := b.tryToPay(h, 2, 1000, "CNY"); code != applet.CodeApproved {
			t.Errorf("on the next day: %s", code)
		}
		kept := b.store.Partition(0).Hashes["counters"][b.parts[0].phones[h.phone].id]
		if !strings.Contains(kept, `"spent":{"day":"2000-01-02","cards":{"2":1000}}`) {
			t.Errorf("kept as %s", kept)
		}
		b.audit()
	})
}

// A card that is over its limit leaves the bill open for another one.
func TestAnotherCardWithinItsLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.limited(Limits{Card: yuan(1000)})
		h := b.payer(1)
		b.tryToPay(h, 1, 900, "CNY")
		code, id := b.tryToPay(h, 1, 200, "CNY")
		if code != applet.CodeOverLimit {
			t.Fatal(code)
		}
		h.say(b, h.pay(b, id, withCard(2)))
		if codes := b.results(h); codes[0] != applet.CodeApproved {
			t.Errorf("with another card: %s", codes)
		}
	})
}

// What was refunded counts as paid on its day.
func TestRefundGivesNoLimitBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.limited(Limits{Day: yuan(10000)})
		h := b.payer(1)
		b.give(b.settled(h), 0, "all")
		b.refundAll()
		b.effects = nil
		if code, _ := b.tryToPay(h, 1, 1, "CNY"); code != applet.CodeOverLimit {
			t.Errorf("after a refund: %s", code)
		}
	})
}

func TestLimitsThatCannotBe(t *testing.T) {
	for name, l := range map[string]Limits{
		"nothing":       {Payment: yuan(0)},
		"less":          {Day: yuan(-1)},
		"no currency":   {Card: map[money.Currency]money.Amount{"yuan": 1}},
		"more than can": {Card: yuan(money.Max + 1)},
	} {
		c := Config{Vault: vault(), Random: strings.NewReader(""), Limits: l}
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "billing: limit of a ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
