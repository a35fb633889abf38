package billing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// readOut is a statement read to its end.
type readOut struct {
	*platform.Statement
	lines       []platform.StatementLine
	differences []string
}

func (b *bank) statement(day string) readOut {
	b.t.Helper()
	s := must(b.service.Statement(b.t.(*testing.T).Context(), theShop, day))
	all := readOut{Statement: s}
	tally := platform.NewTally(s.Accounts)
	for l, err := range s.Lines {
		if err != nil {
			b.t.Fatal(err)
		}
		tally.Add(l)
		all.lines = append(all.lines, l)
	}
	all.differences = tally.Differences()
	return all
}

// short is an account in few words.
func short(a platform.StatementAccount) string {
	return fmt.Sprintf("%s %s %d +%dx%d -%dx%d = %d (%dx%d on its way)", a.Payee, a.Currency, a.Opening, a.Payments.Count, a.Payments.Amount,
		a.Settlements.Count, a.Settlements.Amount, a.Closing, a.OnItsWay.Count, a.OnItsWay.Amount)
}

// wantRefunds wants an account's refunds and closing, besides.
func (all readOut) wantRefunds(t *testing.T, count int, amount, closing money.Amount) {
	t.Helper()
	a := all.Accounts[0]
	if a.Refunds != (platform.Total{Count: count, Amount: amount}) || a.Closing != closing || len(all.differences) > 0 {
		t.Errorf("%s: %+v, differences %q", all.Day, a, all.differences)
	}
}

func (all readOut) want(t *testing.T, lines int, accounts ...string) {
	t.Helper()
	var have []string
	for _, a := range all.Accounts {
		have = append(have, short(a))
	}
	if !slices.Equal(have, accounts) || len(all.lines) != lines || len(all.differences) > 0 {
		t.Errorf("%s: %d lines, differences %q\nhave %s\nwant %s", all.Day, len(all.lines), all.differences,
			strings.Join(have, "\n     "), strings.Join(accounts, "\n     "))
	}
}

// Days go over into each other; what is on its way counts from when it was paid; a day
// that is over is told the same ever after.
func TestStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 4)
		near, far := b.away(1), b.away(20)
		first := b.paid(near)
		b.dues()
		b.sweepHome()
		b.statement("2000-01-01").want(t, 1, "acct_10000001 CNY 0 +1x10000 -0x0 = 10000 (0x0 on its way)")
		second := b.paid(near, asking(2500, "CNY")) // stays for a day
		all := b.statement("2000-01-01")
		all.want(t, 2, "acct_10000001 CNY 0 +2x12500 -0x0 = 12500 (1x2500 on its way)")
		if all.Complete || all.Name != "Sky Tickets" {
			t.Errorf("%+v", all.Statement)
		}
		l := all.lines[slices.IndexFunc(all.lines, func(l platform.StatementLine) bool { return l.ID == string(second) })]
		if !l.OnItsWay || l.Payer != near.phone.Masked() || l.Reference != "order-2" || !l.At.Equal(time.Now()) || l.Kind != platform.LinePayment {
			t.Errorf("%+v", l)
		}

		time.Sleep(24 * time.Hour) // no deadline is seen to: the sweep does not leave
		b.paid(far)
		b.statement("2000-01-01").want(t, 2, "acct_10000001 CNY 0 +2x12500 -0x0 = 12500 (1x2500 on its way)")
		b.statement("2000-01-02").want(t, 1, "acct_10000001 CNY 12500 +1x10000 -0x0 = 22500 (2x12500 on its way)")
		must(b.service.Settle(t.Context(), settling("s1")))
		b.statement("2000-01-02").want(t, 2, "acct_10000001 CNY 12500 +1x10000 -1x22500 = 0 (0x0 on its way)")
		b.statement("2000-01-01").want(t, 2, "acct_10000001 CNY 0 +2x12500 -0x0 = 12500 (0x0 on its way)")

		time.Sleep(72 * time.Hour)
		b.restart()
		b.paid(near)
		b.paid(far, asking(100, "USD"), func(o *platform.Order) { o.Payee = "acct_10000001_books" })
		b.statement("2000-01-03").want(t, 0, "acct_10000001 CNY 0 +0x0 -0x0 = 0 (0x0 on its way)")
		b.statement("2000-01-05").want(t, 1, "acct_10000001 CNY 0 +1x10000 -0x0 = 10000 (1x10000 on its way)")
		must(b.service.Settle(t.Context(), settling("s2")))
		outcome(b, first, Reported{Status: 204}) // filed, and found there
		b.pass(time.Hour)
		b.statement("1999-12-31").want(t, 0, "acct_10000001 CNY 0 +0x0 -0x0 = 0 (0x0 on its way)")
		b.statement("2000-01-01").want(t, 2, "acct_10000001 CNY 0 +2x12500 -0x0 = 12500 (0x0 on its way)")
		b.statement("2000-01-02").want(t, 2, "acct_10000001 CNY 12500 +1x10000 -1x22500 = 0 (0x0 on its way)")
		b.statement("2000-01-04").want(t, 0, "acct_10000001 CNY 0 +0x0 -0x0 = 0 (0x0 on its way)")
		b.statement("2000-01-05").want(t, 2, "acct_10000001 CNY 0 +1x10000 -1x10000 = 0 (0x0 on its way)")
		b.audit()
	})
}

// What was given back is told on the day when it left; of a refund that is voided, it is
// told again when it comes back.
func TestStatementOfRefunds(t *testing.T) {
	apart(t, func(t *testing.T, b *bank, h *handset) {
		first, second := b.settled(h), b.settled(h)
		b.give(first, 3000, "r-1")
		b.refundAll()
		gone := b.give(second, 500, "r-2")
		out := b.take(EffectRefund)
		all := b.statement("2000-01-01")
		all.wantRefunds(t, 2, 3500, 16500)
		l := all.lines[2]
		if l.Kind != platform.LineRefund || l.Amount != -3000 || l.Bill != first || l.ID != string(platform.NewRefundID(first, 1)) || l.Reference != "r-1" || !l.At.Equal(time.Now()) {
			t.Errorf("%+v", l)
		}

		time.Sleep(48 * time.Hour)
		b.restart()
		var in Credit
		if err := json.Unmarshal(out[0].Body, &in); err != nil {
			t.Fatal(err)
		}
		in.Account = "card:none/1:CNY"
		out[0].Body = body(in)
		b.effects = append(b.effects, out...)
		b.refundAll()
		if r := b.refundNow(gone.ID); r.State != platform.RefundVoided {
			t.Fatalf("%+v", r)
		}
		b.give(first, 7000, "r-3")
		b.refundAll()
		b.statement("2000-01-01").wantRefunds(t, 2, 3500, 16500)
		b.statement("2000-01-02").wantRefunds(t, 0, 0, 16500)
		b.statement("2000-01-03").wantRefunds(t, 2, 6500, 10000)
		must(b.service.Settle(t.Context(), settling("s1")))
		all = b.statement("2000-01-03")
		all.wantRefunds(t, 2, 6500, 0)
		if home := b.balance(homeAccount); home != 0 || len(all.lines) != 3 || all.lines[2].Kind != platform.LineSettlement {
			t.Errorf("home holds %d; %+v", home, all.lines)
		}
	})
}

// A bill that is gone, or asks for another amount, makes a difference that names it.
func TestStatementThatDoesNotAddUp(t *testing.T) {
	record := func(b *bank, key, was, is string) {
		kept := b.store.Partition(0).Records
		kept[key] = strings.ReplaceAll(kept[key], was, is)
	}
	plants := map[string]struct {
		plant func(b *bank, id platform.BillID)
		want  string
	}{
		"a bill is gone": {
			func(b *bank, id platform.BillID) { delete(b.store.Partition(0).Records, recordKey(id)) },
			"acct_10000001 CNY: the books have 2 payments of 20000 together, the lines are 1 of 10000",
		},
		"a bill of another account": {
			func(b *bank, id platform.BillID) {
				record(b, recordKey(id), `"payee":"acct_10000001"`, `"payee":"acct_x"`)
			},
			"is on acct_x CNY, which is no account of the statement",
		},
		"other sums": {
			func(b *bank, _ platform.BillID) { b.parts[0].pools["sub:acct_10000001:CNY"].Taken.Amount++ },
			"the books have 2 payments of 20001",
		},
		"another total": {
			func(b *bank, _ platform.BillID) {
				record(b, settlementKey(theShop, "s1"), `"total":20000`, `"total":19999`)
			},
			"acct_10000001 CNY: opening 0 and the movements come to 0, closing is 1",
		},
	}
	for name, tt := range plants {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				id := b.paid(h)
				b.paid(h)
				must(b.service.Settle(t.Context(), settling("s1")))
				b.strict = false
				tt.plant(b, id)
				if d := strings.Join(b.statement(today()).differences, "; "); !strings.Contains(d, tt.want) {
					t.Errorf("nothing says %q in %q", tt.want, d)
				}
			})
		})
	}
}

func TestStatementRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		for name, tt := range map[string]struct {
			m    platform.MerchantID
			day  string
			want string
		}{
			"no day":      {theShop, "", "invalid day"},
			"a day ahead": {theShop, "2000-01-02", "invalid day"},
			"no merchant": {"99999999", "2000-01-01", "not-found merchant"},
		} {
			if _, err := b.service.Statement(t.Context(), tt.m, tt.day); codeOf(err) != tt.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
