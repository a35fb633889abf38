package world_test

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
)

// The merchant may cancel a bill before it is paid; its phone is told; after that nobody pays it.
func TestCancelBeforePaid(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		b, err := r.Bills.CancelBill(r.ctx, id)
		r.ok(err)
		if b.State != "cancelled" || b.Reason != platform.ReasonCancelled {
			r.t.Errorf("cancelling answered %+v", b)
		}
		again, err := r.Bills.CancelBill(r.ctx, id)
		r.ok(err)
		if again.State != "cancelled" || !again.Ended.Equal(b.Ended) {
			r.t.Errorf("cancelling again answered %+v", again)
		}
		if shown := r.phoneHas(payer, id, handsetsim.StateClosed); shown.Code != "CN" {
			r.t.Errorf("the phone shows %+v", shown)
		}
		if _, err := r.Phones.Pay(r.ctx, payer, fleet.Payment{Bill: ref(id), Slot: 1}); err == nil {
			r.t.Error("the phone pays a cancelled bill")
		}
		r.endsAs(o.ID, merchant.Cancelled)
		if text := r.texts(buyer, 1)[0]; !strings.Contains(text, "was cancelled") {
			r.t.Errorf("the buyer was told %q", text)
		}
		paid := r.send(order("paid first"))
		r.phoneHas(payer, paid.ID, handsetsim.StateShown)
		r.pay(payer, paid.ID, 1, pin)
		r.reaches(paid.ID, "settled")
		r.refusedAs(r.raw("POST", "/v1/bills/"+string(paid.ID)+"/cancel", ""), 409, platform.CodeIllegalState, "id")
		if r.card(payer, 1).Balance != rich-paid.Amount {
			r.t.Error("a refused cancel gave money back")
		}
	})
}

// A payment that is on its way when the bill is cancelled is answered so.
func TestCancelThenPaid(t *testing.T) {
	everywhere(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich))
		b := r.send(order("withdrawn"))
		asked := g.bill(b.ID)
		_, err := r.Bills.CancelBill(r.ctx, b.ID)
		r.ok(err)
		r.hears(payer, 1)
		g.say(g.pay(asked, 1, pin))
		if got := r.hears(payer, 2); got[1] != applet.CodeCancelled || r.card(payer, 1).Balance != rich {
			r.t.Errorf("answered %v", got)
		}
	})
}

// The same order again is the same bill, whatever key it comes with; other content
// under the same key or reference is refused.
func TestRepeatedOrder(t *testing.T) {
	everywhere(t, people(person("manual", rich)), func(r *rig) {
		const body = `{"reference":"order-7","amount":500,"currency":"CNY","phone":"8613800000001"}`
		const same = ` {"phone":"+8613800000001", "currency":"CNY","amount":500,"reference":"order-7","expires_in":"900s"} `
		first := r.raw("POST", "/v1/bills", body, "Idempotency-Key", `"key-7"`)
		b := read[api.Bill](r, first)
		if first.header.Get("Idempotent-Replayed") != "" {
			r.t.Error("the first order is said to be a repeat")
		}
		for _, repeat := range []struct{ body, key string }{{body, `"key-7"`}, {body, "key-7"}, {same, `"key-7"`}} {
			again := r.raw("POST", "/v1/bills", repeat.body, "Idempotency-Key", repeat.key)
			if got := read[api.Bill](r, again); again.status != 202 || got.ID != b.ID || again.header.Get("Idempotent-Replayed") != "true" {
				r.t.Errorf("%s with %s answered %d %s %v", repeat.body, repeat.key, again.status, got.ID, again.header)
			}
		}
		other := strings.Replace(body, "500", "501", 1)
		r.refusedAs(r.raw("POST", "/v1/bills", other, "Idempotency-Key", `"key-7"`), 422, platform.CodeIdempotencyMismatch, "Idempotency-Key")
		r.refusedAs(r.raw("POST", "/v1/bills", strings.Replace(body, "order-7", "order-8", 1), "Idempotency-Key", `"key-7"`), 422, platform.CodeIdempotencyMismatch, "Idempotency-Key")
		r.refusedAs(r.raw("POST", "/v1/bills", other), 409, platform.CodeReferenceTaken, "reference")
		r.refusedAs(r.raw("POST", "/v1/bills", other, "Idempotency-Key", `"key-8"`), 409, platform.CodeReferenceTaken, "reference")
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		page, err := r.Bills.Bills(r.ctx, api.Query{})
		r.ok(err)
		if len(page.Bills) != 1 || page.Bills[0].Amount != 500 || len(of[*applet.Bill](r.heard(payer))) != 1 {
			r.t.Errorf("%d bills, %d pushed", len(page.Bills), len(of[*applet.Bill](r.heard(payer))))
		}
		r.pay(payer, b.ID, 1, pin)
		r.reaches(b.ID, "settled")
		again := read[api.Bill](r, r.raw("POST", "/v1/bills", body, "Idempotency-Key", `"key-7"`))
		if again.ID != b.ID || again.State != "settled" || r.card(payer, 1).Balance != rich-500 {
			r.t.Errorf("a repeat after the end answered %s %s", again.ID, again.State)
		}
	})
}
