package billing

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
)

// away is a phone whose partition is not its merchant's home.
func (b *bank) away(number int) *handset {
	b.t.Helper()
	for ; ; number++ {
		h := newHandset(number, bankCard{500000, "CNY"}, bankCard{500000, "USD"})
		if b.service.PhonePartition(h.phone) != b.service.merchantPartition(theShop) {
			return h.enrol(b)
		}
	}
}

// A sweep carries what was earned home under a number, is applied once, and settles the bills it paid for.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 4)
		h := b.away(1)
		origin, home := b.service.PhonePartition(h.phone), b.service.merchantPartition(theShop)
		first, second := b.order(h).ID, b.order(h, asking(2500, "CNY")).ID
		h.say(b, h.pay(b, first))
		h.say(b, h.pay(b, second))
		b.dues()
		out := b.take(EffectSweep)
		if len(out) != 1 || b.balance(ledger.Clearing("CNY")) != 12500 {
			t.Fatalf("%d sweeps, %d in clearing", len(out), b.balance(ledger.Clearing("CNY")))
		}
		if report := b.audit(); report.Clearing["CNY"] != 12500 {
			t.Errorf("the audit sees %d in clearing", report.Clearing["CNY"])
		}

		third := b.order(h).ID // while the sweep is on its way
		h.say(b, h.pay(b, third))
		b.pass(time.Minute)
		if n := len(b.take(EffectSweep)); n != 0 {
			t.Errorf("%d sweeps leave while one is on its way", n)
		}
		b.restart()
		for range 3 { // at least once
			b.effects = append(b.effects, out...)
			b.sweepHome()
		}
		b.want(first, bill.Settled)
		b.want(second, bill.Settled)
		b.want(third, bill.Paid)
		if b.parts[home].book.Balance(ledger.Home("acct_10000001", "CNY")) != 12500 {
			t.Error("the sweep was not applied once")
		}
		if n := len(b.take(EffectCallback)); n != 2 {
			t.Errorf("%d callbacks", n)
		}

		b.dues()
		sub := ledger.Sub("acct_10000001", "CNY")
		b.unchanged("an old half while the next sweep is on its way", func() { b.do(origin, Swept{Sub: sub, Number: 1}) })
		b.unchanged("a deadline while a sweep is on its way", func() { b.do(origin, engine.Due{ID: sweepID(sub)}) })
		b.sweepHome()
		b.want(third, bill.Settled)
		b.unchanged("an old half", func() { b.do(origin, Swept{Sub: ledger.Sub("acct_10000001", "CNY"), Number: 1}) })
		b.unchanged("a half of nothing", func() { b.do(origin, Swept{Sub: "sub:none:CNY", Number: 9}) })
		if b.balance(ledger.Clearing("CNY")) != 0 || b.balance(ledger.Sub("acct_10000001", "CNY")) != 0 {
			t.Error("something stays in clearing or in the sub-account")
		}
		b.audit()
	})
}

// Two currencies and two accounts are two sweeps; between two of one lies a while.
func TestSweepsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 4)
		h := b.away(1)
		yuan, dollars := b.order(h).ID, b.order(h, asking(100, "USD")).ID
		h.say(b, h.pay(b, yuan))
		h.say(b, h.pay(b, dollars, withCard(2)))
		b.dues()
		var lanes []string
		for _, d := range b.effects {
			if d.Kind == EffectSweep {
				lanes = append(lanes, d.Lane)
			}
		}
		slices.Sort(lanes)
		if !slices.Equal(lanes, []string{"sweep:sub:acct_10000001:CNY", "sweep:sub:acct_10000001:USD"}) {
			t.Errorf("lanes %q", lanes)
		}
		b.sweepHome()
		h.say(b, h.pay(b, b.order(h).ID))
		b.dues()
		if n := len(b.take(EffectSweep)); n != 0 {
			t.Error("the next sweep leaves at once")
		}
		b.pass(time.Second)
		if n := len(b.take(EffectSweep)); n != 1 {
			t.Errorf("%d sweeps after a second", n)
		}
		b.audit()
	})
}

// A sweep whose halves get lost is carried again until the origin knows that it is home.
func TestSweepHalvesGetLost(t *testing.T) {
	for name, lost := range map[string]func(in any) (before, after error){
		"the first": func(in any) (error, error) {
			if _, ok := in.(ApplySweep); ok {
				return engine.ErrUnavailable, nil
			}
			return nil, nil
		},
		"the answer to the first": func(in any) (error, error) {
			if _, ok := in.(ApplySweep); ok {
				return nil, engine.ErrUnknown
			}
			return nil, nil
		},
		"the second": func(in any) (error, error) {
			if _, ok := in.(Swept); ok {
				return engine.ErrBusy, nil
			}
			return nil, nil
		},
		"the answer to the second": func(in any) (error, error) {
			if _, ok := in.(Swept); ok {
				return nil, engine.ErrUnknown
			}
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBank(t, 4)
				h := b.away(1)
				id := b.order(h).ID
				h.say(b, h.pay(b, id))
				b.dues()
				out := b.take(EffectSweep)
				bad := Effects{Service: must(NewService(b.config, &badEngine{bank: b, fail: lost}, b.store))}
				if err := bad.Perform(t.Context(), out[0].partition, out[0].Effect); err == nil {
					t.Fatal("a sweep that got lost counts as done")
				}
				b.effects = append(b.effects, out...)
				b.sweepHome()
				b.want(id, bill.Settled)
				if b.balance(ledger.Home("acct_10000001", "CNY")) != 10000 || b.balance(ledger.Clearing("CNY")) != 0 {
					t.Error("the sweep was not applied once")
				}
				b.audit()
			})
		})
	}
}

// The home of an account is its merchant's, whatever the account is called.
func TestPayeeHome(t *testing.T) {
	for payee, want := range map[string]platform.MerchantID{
		"acct_10000001": "10000001", "acct_10000001_books": "10000001", "acct_10000001_a-b": "10000001",
	} {
		if got := payeeMerchant(payee); got != want {
			t.Errorf("%s is at %s", payee, got)
		}
	}
}
