package app

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform"
)

func TestRefundSendsTheOrder(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{}
	s.ready(readyFor(f.serve(t)))
	got := s.run("bill", "refund", "--amount", "2500", "--reason", "the seat was taken", "--reference", "back-1", "--idempotency-key", "k1", string(fakeBill))
	s.check(got, 0, "follow it: airtill bill refunds "+string(fakeBill))
	if want := (platform.RefundOrder{Amount: 2500, Reason: "the seat was taken", Reference: "back-1", IdempotencyKey: "k1"}); f.refundOrders[0] != want {
		t.Errorf("sent %+v", f.refundOrders[0])
	}
	if !strings.HasPrefix(got.stdout, "refund        refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1\nbill          "+string(fakeBill)+"\nstate         pending\namount        CNY 25.00\n") {
		t.Errorf("printed\n%s", got.stdout)
	}
}

// Without a reference one is made, and said before the request goes out.
func TestRefundMakesAReference(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{}
	s.ready(readyFor(f.serve(t)))
	for range 2 {
		if got := s.run("bill", "refund", string(fakeBill)); got.status != 0 || !strings.HasPrefix(got.stderr, "reference back_") {
			t.Fatalf("%+v", got)
		}
	}
	if a, b := f.refundOrders[0], f.refundOrders[1]; a.Reference == b.Reference || a.Amount != 0 {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestRefundWaits(t *testing.T) {
	refund := "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1"
	waiting := refund + " is on its way; waiting up to 150ms for its end"
	tests := map[string]struct {
		ends   []platform.RefundState
		status int
		lines  []string
	}{
		"posted": {[]platform.RefundState{platform.RefundPosted}, 0, []string{waiting}},
		"voided": {[]platform.RefundState{platform.RefundVoided}, 1, []string{waiting, "airtill bill refund: the refund is voided: not_enough_funds",
			"the merchant's account has too little for it; ask for another one with a new reference when it has more"}},
		"in vain": {nil, 1, []string{waiting, "airtill bill refund: the refund has not ended after 150ms: it is pending", "look again: airtill bill refunds " + string(fakeBill)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			s.ready(readyFor((&fakePlatform{ends: tt.ends}).serve(t)))
			got := s.run("bill", "refund", "--reference", "back-1", "--wait", "150ms", "--json", string(fakeBill))
			s.check(got, tt.status, tt.lines...)
			var r platform.Refund
			if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || string(r.ID) != refund || strings.Count(got.stdout, "\n") != 1 {
				t.Errorf("printed %s: %v", got.stdout, err)
			}
		})
	}
}

func TestRefundWrongly(t *testing.T) {
	s := newShell(t)
	for _, args := range [][]string{
		{"bill", "refund"}, {"bill", "refund", "x"}, {"bill", "refund", "--amount", "-1", string(fakeBill)},
		{"bill", "refund", "--amount", "1000000000000", string(fakeBill)}, {"bill", "refund", "--wait", "-1s", string(fakeBill)}, {"bill", "refunds", "x"},
	} {
		if got := s.run(args...); got.status != 2 || got.stdout != "" {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestRefundsListed(t *testing.T) {
	s := newShell(t)
	s.ready(readyFor((&fakePlatform{}).serve(t)))
	want := "REFUND                                 STATE   AMOUNT     CREATED                   ENDED  REFERENCE  REASON  FAILURE\n" +
		"refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1    posted  CNY 25.00  2026-11-23T11:00:00.000Z         back-1\n"
	if got := s.run("bill", "refunds", string(fakeBill)); strings.Join(strings.Fields(got.stdout), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got\n%s", got.stdout)
	}
}

func TestLimitFlags(t *testing.T) {
	s := newShell(t)
	for _, flag := range []string{"--limit-payment", "--limit-day", "--limit-card"} {
		for _, text := range []string{"CNY", "CNY=0", "CNY=x", "yuan=5", "CNY=1,CNY=2"} {
			got := s.run("dev", flag, text)
			if got.status != 2 || !strings.Contains(got.stderr, flag) {
				t.Errorf("%s %s: %+v", flag, text, got)
			}
		}
	}
}
