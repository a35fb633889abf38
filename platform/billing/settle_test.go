package billing

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

func today() string { return time.Now().UTC().Format(time.DateOnly) }

func settling(id string) platform.Settle {
	return platform.Settle{ID: id, Merchant: theShop, Day: today(), By: "Zhao Min"}
}

// paid makes a bill and pays it.
func (b *bank) paid(h *handset, change ...func(*platform.Order)) platform.BillID {
	b.t.Helper()
	id := b.order(h, change...).ID
	h.say(b, h.pay(b, id))
	return id
}

// A settlement brings home what is on its way, pays all of it out, and does so once for an id.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 4)
		near, far := b.away(1), b.away(20)
		b.paid(near)
		b.dues() // one sweep is on its way
		b.paid(near, asking(2500, "CNY"))
		b.paid(far, func(o *platform.Order) { o.Payee = "acct_10000001_books" })
		s, err := b.service.Settle(t.Context(), settling("day-1"))
		if err != nil || s.Repeated || s.Day != today() || !s.At.Equal(time.Now()) {
			t.Fatalf("%+v, %v", s, err)
		}
		want := []platform.Payout{
			{Payee: "acct_10000001", Currency: "CNY", Amount: 12500, Total: 12500}, {Payee: "acct_10000001_books", Currency: "CNY", Amount: 10000, Total: 10000},
		}
		if !slices.Equal(s.Payouts, want) {
			t.Errorf("%+v", s.Payouts)
		}
		if held, paid := b.balance(ledger.Home("acct_10000001", "CNY")), b.balance(ledger.Payout("acct_10000001", "CNY")); held != 0 || paid != 12500 {
			t.Errorf("home holds %d, the bank %d", held, paid)
		}
		b.sweepHome() // its effects come late, and to nothing
		for _, when := range []string{"at once", "after a restart", "after an hour"} {
			goOn(t, b, near, "", when)
			b.unchanged("the settlement again "+when, func() {
				again, err := b.service.Settle(t.Context(), settling("day-1"))
				if err != nil || !again.Repeated || !slices.Equal(again.Payouts, want) || !again.At.Equal(s.At) {
					t.Errorf("%+v, %v", again, err)
				}
			})
		}
		b.paid(near)
		second := must(b.service.Settle(t.Context(), settling("day-1b")))
		if !slices.Equal(second.Payouts, []platform.Payout{{Payee: "acct_10000001", Currency: "CNY", Amount: 10000, Total: 22500}}) {
			t.Errorf("%+v", second.Payouts)
		}
		if r := b.audit(); r.Clearing["CNY"] != 0 {
			t.Errorf("%d in clearing", r.Clearing["CNY"])
		}
	})
}

// Nothing to pay out is no settlement: its id is free for when there is something.
func TestSettleNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		b.unchanged("a settlement of nothing", func() {
			if s, err := b.service.Settle(t.Context(), settling("a")); err != nil || len(s.Payouts) != 0 {
				t.Errorf("%+v, %v", s, err)
			}
		})
		b.paid(h)
		if s, err := b.service.Settle(t.Context(), settling("a")); err != nil || s.Repeated || len(s.Payouts) != 1 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestSettleRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.paid(b.payer(1))
		must(b.service.Settle(t.Context(), settling("a")))
		tests := map[string]struct {
			change func(*platform.Settle)
			want   string
		}{
			"no id":           {func(s *platform.Settle) { s.ID = "" }, "invalid id"},
			"an odd id":       {func(s *platform.Settle) { s.ID = "a:b" }, "invalid id"},
			"nobody":          {func(s *platform.Settle) { s.By = " " }, "invalid by"},
			"no day":          {func(s *platform.Settle) { s.Day = "yesterday" }, "invalid day"},
			"a day to come":   {func(s *platform.Settle) { s.Day = "2000-01-02" }, "invalid day"},
			"no merchant":     {func(s *platform.Settle) { s.Merchant = "99999999" }, "not-found merchant"},
			"for another day": {func(s *platform.Settle) { s.Day = "1999-12-31" }, "idempotency-mismatch id"},
		}
		for name, tt := range tests {
			s := settling("a")
			tt.change(&s)
			b.unchanged(name, func() {
				if _, err := b.service.Settle(t.Context(), s); codeOf(err) != tt.want {
					t.Errorf("%s: %v, want %s", name, err, tt.want)
				}
			})
		}
	})
}

// A partition that does not remember an id, and a source that looked too long ago, look again.
func TestSettleLookedTooLongAgo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		b.paid(h)
		looked := b.seqs[0]
		must(b.service.Settle(t.Context(), settling("a")))
		time.Sleep(claimsKept + time.Second)
		b.paid(h)
		must(b.service.Settle(t.Context(), settling("b")))                                                      // a is forgotten
		if _, err := b.Do(t.Context(), 0, Settle{Settle: settling("a"), Looked: looked}); err != ErrLookAgain { //nolint:errorlint // it is answered bare
			t.Error(err)
		}
		if total := b.balance(ledger.Payout("acct_10000001", "CNY")); total != 20000 {
			t.Errorf("%d paid out", total)
		}
	})
}

// When money cannot be brought home nothing is paid out.
func TestSettleCannotDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 4)
		b.paid(b.away(1))
		bad := &badEngine{bank: b, fail: func(in any) (error, error) {
			if _, ok := in.(ApplySweep); ok {
				return engine.ErrUnavailable, nil
			}
			return nil, nil
		}}
		service := must(NewService(b.config, bad, b.store))
		if _, err := service.Settle(t.Context(), settling("a")); codeOf(err) != string(platform.CodeUnavailable) {
			t.Error(err)
		}
		if s := must(b.service.Settle(t.Context(), settling("a"))); len(s.Payouts) != 1 || s.Payouts[0].Amount != money.Amount(10000) {
			t.Errorf("%+v", s)
		}
		b.audit()
	})
}
