package platform_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform"
)

// A refund's id says which bill it is of.
func TestRefundID(t *testing.T) {
	const bill = platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ")
	id := platform.NewRefundID(bill, 12)
	if id != "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_12" || id.Bill() != bill {
		t.Errorf("%s of %s", id, id.Bill())
	}
	if parsed, err := platform.ParseRefundID(strings.Replace(string(id), "JDXK", "jdxk", 1)); err != nil || parsed != id {
		t.Errorf("%s, %v", parsed, err)
	}
	for _, wrong := range []string{
		"", "refund_", string(bill), string(bill) + "_1", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_0",
		"refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_01", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_+1", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_100", "refund_01JDXK3Z7M0003ZZZZZZZZZZZ_1", "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1_1",
	} {
		id, err := platform.ParseRefundID(wrong)
		if refusal, ok := errors.AsType[*platform.Error](err); !ok || id != "" || refusal.Field != "id" {
			t.Errorf("%q is read as %q, %v", wrong, id, err)
		}
	}
}

// Whatever is read as an id is written the same way ever after.
func FuzzParseRefundID(f *testing.F) {
	for _, seed := range []string{"refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_1", "refund_7zzzzzzzzzzzzzzzzzzzzzzzzz_99", "refund__", "bill_01JDXK3Z7M0003ZZZZZZZZZZZZ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := platform.ParseRefundID(s)
		if err != nil {
			return
		}
		again, err := platform.ParseRefundID(string(id))
		if err != nil || again != id || !strings.EqualFold(string(id), s) || !strings.HasPrefix(string(id.Bill()), "bill_") {
			t.Errorf("%q is read as %s, then %s, %v", s, id, again, err)
		}
	})
}

func TestRefunded(t *testing.T) {
	all := []platform.Refund{{Amount: 1, State: platform.RefundPending}, {Amount: 20, State: platform.RefundPosted}, {Amount: 300, State: platform.RefundVoided}, {Amount: 4000, State: platform.RefundPosted}}
	if got := platform.Refunded(all); got != 4020 {
		t.Errorf("%d", got)
	}
}
