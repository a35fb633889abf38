package merchant_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// back is the callback about a refund of an order.
func (f *fakePlatform) back(o merchant.Order, n int, state platform.RefundState) api.Callback {
	c := f.result(o, "settled", "")
	r := platform.Refund{ID: platform.NewRefundID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ", n), State: state, Amount: 2500, Currency: "CNY"}
	c.Type, c.Data.Refund, c.Data.Refunded = "refund."+string(state), &r, 2500
	return c
}

// Who paid and who ordered are told of what came back, once each time; the order stays paid.
func TestRefundIsTold(t *testing.T) {
	w := open(t, nil).run(t)
	o := w.place(t, flight())
	send := func(id string, c api.Callback) {
		t.Helper()
		if status := call(t, w.url, id, c, nil); status != http.StatusNoContent {
			t.Fatalf("callback %s answered %d", id, status)
		}
	}
	send("evt_1", w.platform.result(o, "settled", ""))
	w.told(t, o.ID)
	before := len(w.texts.all())
	send("evt_2", w.platform.back(o, 1, platform.RefundPosted))
	send("evt_3", w.platform.back(o, 2, platform.RefundVoided))
	send("evt_4", w.platform.back(o, 1, platform.RefundPosted)) // as a shop that has forgotten the id of the first
	send("evt_5", w.platform.back(o, 3, platform.RefundPosted))
	o, err := w.Shop.Await(t.Context(), o.ID, func(o merchant.Order) bool {
		return len(o.Refunds) == 2 && o.Notices[len(o.Notices)-1].Progress != merchant.Queued
	})
	if err != nil || o.Status != merchant.Paid {
		t.Fatalf("%+v, %v", o, err)
	}
	one := []text{
		{payer, "Sky: CNY 25.00 of order " + string(o.ID) + " (CA1405 PEK-CTU 2026-12-01 12A) came back to your card."},
		{buyer, "Sky: CNY 25.00 of order " + string(o.ID) + " (CA1405 PEK-CTU 2026-12-01 12A) was given back to who paid."},
	}
	if diff := cmp.Diff(append(one, one...), w.texts.all()[before:], cmp.AllowUnexported(text{})); diff != "" {
		t.Error(diff)
	}
}
