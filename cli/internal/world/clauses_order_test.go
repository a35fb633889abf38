package world_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
)

// S4: an order has amount, payee and designated phone, and may have goods; it is
// answered at once, before the phone has reacted.
func TestS04_OrderIsAnsweredAtOnce(t *testing.T) {
	everywhere(t, people(person("pays", rich), plain()), func(r *rig) {
		_, err := r.Phones.Power(r.ctx, payer, false) // it cannot react
		r.ok(err)
		a := r.raw("POST", "/v1/bills", `{"reference":"order-1001","amount":128000,"currency":"CNY",
			"phone":"8613800000001","buyer_phone":"8613900000002","payee":"acct_10000001","expires_in":"15m",
			"callback_url":"http://127.0.0.1:9/airtill",
			"goods":{"kind":"flight","flight":"CA1405","date":"2026-12-01","seat":"12A","traveller":"Zhang San","address":"1 Long An Street"}}`,
			"Idempotency-Key", `"order-1001"`)
		b := read[api.Bill](r, a)
		if a.status != 202 || a.header.Get("Location") != "/v1/bills/"+string(b.ID) || b.State != "created" {
			r.t.Fatalf("answered %d, Location %q, state %q", a.status, a.header.Get("Location"), b.State)
		}
		if a.took > time.Second {
			r.t.Errorf("at once took %v", a.took)
		}
		shown := r.reaches(b.ID, "pushed") // and no further: the phone is off
		var goods map[string]string
		r.ok(json.Unmarshal(shown.Goods, &goods))
		if shown.Reference != "order-1001" || shown.Amount != 128000 || shown.Currency != "CNY" || shown.Payee != "acct_10000001" ||
			shown.Phone != "861*****0001" || shown.BuyerPhone != "861*****0002" || shown.Expires.Sub(shown.Created) != 15*time.Minute ||
			shown.CallbackURL != "http://127.0.0.1:9/airtill" || goods["traveller"] != "Zhang San" || goods["seat"] != "12A" || goods["address"] == "" {
			r.t.Errorf("the bill is %+v", shown)
		}
		if len(r.said(payer)) > 0 || shown.Attempts != 0 {
			r.t.Error("the phone reacted while it was off")
		}
	})
}

// S4: an order without one of the least that it carries is refused by the field's name.
func TestS04_WhatAnOrderNeeds(t *testing.T) {
	everywhere(t, people(person("pays", rich)), func(r *rig) {
		whole := map[string]any{"reference": "r", "amount": 100, "currency": "CNY", "phone": string(payer)}
		for field := range whole {
			some := make(map[string]any)
			for name, value := range whole {
				if name != field {
					some[name] = value
				}
			}
			text, err := json.Marshal(some)
			r.ok(err)
			r.refusedAs(r.raw("POST", "/v1/bills", string(text)), 422, platform.CodeInvalid, field)
		}
		r.refusedAs(r.raw("POST", "/v1/bills", `{"reference":"r","amount":100,"currency":"CNY","phone":"8613800000001","payee":"acct_20000002"}`),
			422, platform.CodeInvalid, "payee")
		b := r.send(api.Order{Reference: "least", Amount: 100, Currency: "CNY", Phone: payer})
		if b.Payee != world.ShopMerchant.DefaultPayee() || b.Expires.Sub(b.Created) != api.DefaultExpiry {
			r.t.Errorf("what was left out became %+v", b)
		}
		r.reaches(b.ID, "settled")
	})
}

// S5: the bill goes to the designated phone, which may be the buyer's own.
func TestS05_OwnPhone(t *testing.T) {
	everywhere(t, people(person("pays", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, "")
		o = r.endsAs(o.ID, merchant.Paid)
		if got := r.card(payer, 1).Balance; got != rich-flightPrice {
			r.t.Errorf("the payer has %d", got)
		}
		pushed := of[*applet.Bill](r.heard(payer))
		if len(pushed) != 1 || pushed[0].message.Reference() != platform.BillID(o.Bill).Ref() {
			r.t.Errorf("%d bills on the phone", len(pushed))
		}
		if notices := r.texts(payer, 2); !strings.Contains(notices[0], "is paid") || !strings.Contains(notices[1], o.Ticket) {
			r.t.Errorf("the payer, who is the buyer, was told %q", notices)
		}
		r.texts(buyer, 0)
	})
}

// S5: or somebody else's: somebody else pays, and the buyer's phone sees no bill.
func TestS05_SomebodyElsePays(t *testing.T) {
	second := person("pays", rich)
	second.Phone = buyer
	everywhere(t, people(person("pays", rich), second), func(r *rig) {
		o := r.endsAs(r.place(flight, payer, buyer).ID, merchant.Paid)
		if got := r.card(payer, 1).Balance; got != rich-flightPrice {
			r.t.Errorf("the payer has %d", got)
		}
		if got := r.card(buyer, 1).Balance; got != rich {
			r.t.Errorf("the buyer has %d and paid nothing", got)
		}
		if got := r.earned(); got != flightPrice {
			r.t.Errorf("the shop has %d", got)
		}
		if len(r.heard(buyer)) > 0 || len(r.said(buyer)) > 0 {
			r.t.Error("the buyer's client was in it")
		}
		b := of[*applet.Bill](r.heard(payer))[0].message.(*applet.Bill)
		if b.Amount != flightPrice || b.Name != "Sky Travel" || b.Merchant != applet.MerchantNumber(world.ShopMerchant) ||
			b.Ref != platform.BillID(o.Bill).Ref() || !strings.Contains(b.Subject, "CA1405") {
			r.t.Errorf("the phone was pushed %+v", b)
		}
	})
}

// S6: the client shows the bill by itself when it arrives, and asks: nothing is paid
// before its holder has confirmed.
func TestS06_TheClientShowsTheBillByItself(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		shown := r.phoneHas(payer, id, handsetsim.StateShown)
		if shown.Amount != flightPrice || shown.Currency != "CNY" || shown.Name != "Sky Travel" || !strings.Contains(shown.Subject, "CA1405") {
			r.t.Errorf("it shows %+v", shown)
		}
		r.until("the client to say that it shows the bill", func() bool { return len(of[*applet.Open](r.said(payer))) == 1 })
		r.reaches(id, "delivered")
		kinds := phoneStory(r, payer)
		if i := slices.Index(kinds, handsetsim.Received); i < 0 || i+1 >= len(kinds) || kinds[i+1] != handsetsim.Shown {
			r.t.Errorf("on the phone: %v", kinds)
		}
		open := r.said(payer)[0].message.(*applet.Open)
		if open.Status != applet.Delivered || open.Slots != 1 || open.Ref != id.Ref() {
			r.t.Errorf("the client said %+v", open)
		}
		if b := r.bill(id); b.Attempts != 0 || len(pays(r.said(payer))) != 0 {
			r.t.Error("something was paid before it was confirmed")
		}
		_, err := r.Phones.Confirm(r.ctx, payer, fleet.Choice{Bill: ref(id)})
		r.ok(err)
		r.reaches(id, "opened")
		if len(pays(r.said(payer))) != 0 {
			r.t.Error("confirming paid")
		}
		r.pay(payer, id, 1, "")
		r.endsAs(o.ID, merchant.Paid)
	})
}

func phoneStory(r *rig, n gateway.MSISDN) []handsetsim.Kind {
	var kinds []handsetsim.Kind
	for _, one := range r.seen.all() {
		if one.event != nil && one.event.Phone == n {
			kinds = append(kinds, one.event.Kind)
		}
	}
	return kinds
}

// S6: the same bill once more, as a carrier may bring it, is one bill on the phone.
func TestS06_OneBillHoweverOftenItComes(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		b := r.send(order("twice"))
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		push := of[*applet.Bill](r.heard(payer))[0]
		guest := r.guest(nil)
		for range 3 { // the very same octets
			r.ok(resubmit(r, guest, push.hop))
		}
		r.until("the phone to drop the copies", func() bool {
			p, err := r.Phones.Phone(r.ctx, payer)
			r.ok(err)
			return p.Dropped == 3
		})
		all, err := r.Phones.Bills(r.ctx, payer)
		r.ok(err)
		if len(all) != 1 || len(r.seen.events(payer, handsetsim.Shown)) != 1 {
			r.t.Errorf("%d bills on the phone", len(all))
		}
	})
}

// S7: the client sends payer account, amount, payee account and phone number.
func TestS07_WhatAPaymentCarries(t *testing.T) {
	inBothSuites(t, people(person("manual", rich, rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		r.pay(payer, id, 2, pin)
		r.endsAs(o.ID, merchant.Paid)
		made := pays(r.said(payer))
		if len(made) != 1 {
			r.t.Fatalf("%d payments", len(made))
		}
		p := made[0]
		if p.Ref != id.Ref() || p.Amount != flightPrice || p.Currency != "CNY" || p.Phone != payer ||
			p.Payee != applet.MerchantNumber(world.ShopMerchant) || p.Identity.Reveal() != "1:"+identity || p.Transaction == 0 {
			r.t.Errorf("the payment says %+v", p)
		}
		element := r.bound(r.enrolled(payer).ElementID)
		card, err := r.vault.CardRecord(element, p.Blob)
		r.ok(err)
		if card.PAN.Reveal() != pan(1) || card.Slot != 2 {
			r.t.Errorf("the payer's account is of card %d", card.Slot)
		}
		typed, err := r.vault.PIN(element, p.PINCounter, r.vault.Token(card.PAN), p.PINBlock)
		r.ok(err)
		if typed.Reveal() != pin {
			r.t.Error("the PIN block holds another PIN")
		}
		story := phoneStory(r, payer)
		picked, typedAt := slices.Index(story, handsetsim.CardPicked), slices.Index(story, handsetsim.PINTyped)
		if picked < slices.Index(story, handsetsim.Confirmed) || typedAt < picked {
			r.t.Errorf("confirm, card, PIN: %v", story)
		}
		if r.card(payer, 1).Balance != rich || r.card(payer, 2).Balance != rich-flightPrice {
			r.t.Error("another card than the one picked paid")
		}
	})
}

// S8: a payment that is not what the bill asks for is refused and nothing moves; the
// right one then pays.
func TestS08_PaymentIsCheckedAgainstTheBill(t *testing.T) {
	forgeries := []struct {
		what  string
		forge func(g *glass, p *applet.Pay)
		code  applet.ResponseCode
	}{
		{"less money", func(_ *glass, p *applet.Pay) { p.Amount-- }, applet.CodeMismatch},
		{"more money", func(_ *glass, p *applet.Pay) { p.Amount++ }, applet.CodeMismatch},
		{"another currency", func(_ *glass, p *applet.Pay) { p.Currency = "USD" }, applet.CodeMismatch},
		{"another payee", func(_ *glass, p *applet.Pay) { p.Payee = "20000002" }, applet.CodeMismatch},
		{"no payee", func(_ *glass, p *applet.Pay) { p.Payee, p.Transaction = "", 0 }, applet.CodeMismatch},
		{"another phone", func(_ *glass, p *applet.Pay) { p.Phone = buyer }, applet.CodeMismatch},
		{"another person", func(g *glass, p *applet.Pay) {
			other, err := applet.ParseIdentity(applet.ResidentID, "110105194912310021")
			g.r.ok(err)
			p.Identity = other
		}, applet.CodeMismatch},
		{"a PIN block of before", func(_ *glass, p *applet.Pay) { p.PINCounter = 1 }, applet.CodeMismatch},
		{"another element's card", func(g *glass, p *applet.Pay) {
			key, err := g.r.vault.CardDataKey(g.r.bound("89860000000000000002"))
			g.r.ok(err)
			number, err := applet.ParsePAN(pan(0))
			g.r.ok(err)
			p.Blob, err = applet.SealCard(g.r.suite, key, applet.CardRecord{PAN: number, Expiry: 3012, Slot: 1})
			g.r.ok(err)
		}, applet.CodeUnknownCard},
		{"a card never bound", func(g *glass, p *applet.Pay) {
			number, err := applet.ParsePAN(pan(9))
			g.r.ok(err)
			p.Blob, err = applet.SealCard(g.r.suite, g.inside.CardData, applet.CardRecord{PAN: number, Expiry: 3012, Slot: 1})
			g.r.ok(err)
		}, applet.CodeUnknownCard},
		{"card 2 in the place of card 1", func(g *glass, p *applet.Pay) {
			number, err := applet.ParsePAN(pan(0))
			g.r.ok(err)
			p.Blob, err = applet.SealCard(g.r.suite, g.inside.CardData, applet.CardRecord{PAN: number, Expiry: 3012, Slot: 2})
			g.r.ok(err)
		}, applet.CodeUnknownCard},
	}
	inBothSuites(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich, rich))
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		asked := g.bill(id)
		first := g.pay(asked, 1, pin) // its PIN key is used up
		g.say(&applet.Open{Ref: asked.Ref, Status: applet.Opened, Time: time.Now(), Slots: 2, Version: 1})
		r.reaches(id, "opened")
		warm := g.pay(asked, 2, wrongPIN)
		g.say(warm) // so that a lower PIN counter is one of before
		r.hears(payer, 1)
		for i, f := range forgeries {
			p := g.pay(asked, 1, pin)
			f.forge(g, p)
			if f.what == "a PIN block of before" {
				p.PINCounter, p.PINBlock = first.PINCounter, first.PINBlock
			}
			g.say(p)
			got := r.hears(payer, i+2)
			if got[i+1] != f.code {
				r.t.Errorf("%s: answered %s, want %s", f.what, got[i+1], f.code)
			}
			b := r.bill(id)
			if b.State != "opened" || r.card(payer, 1).Balance != rich || r.card(payer, 2).Balance != rich || r.earned() != 0 {
				r.t.Fatalf("%s moved something: %s, %d, %d", f.what, b.State, r.card(payer, 1).Balance, r.earned())
			}
		}
		if calls := r.seen.calls("shop", "POST", "/airtill"); len(calls) > 0 {
			r.t.Errorf("the shop was told %s", calls[0].body)
		}
		g.say(g.pay(asked, 1, pin))
		r.endsAs(o.ID, merchant.Paid)
		if r.card(payer, 1).Balance != rich-flightPrice || r.earned() != flightPrice {
			r.t.Error("the right payment did not pay")
		}
	})
}

// S8: a bill is paid by the phone that it went to, not by another one that is enrolled.
func TestS08_AnotherPhoneCannotPay(t *testing.T) {
	everywhere(t, people(person("manual", rich)), func(r *rig) {
		other := person("manual", rich)
		other.Phone, other.Cards[0].PAN = "8613800000066", pan(5)
		g := r.glass(other)
		b := r.send(order("not for that phone"))
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		r.reaches(b.ID, "delivered")
		asked := of[*applet.Bill](r.heard(payer))[0].message.(*applet.Bill)
		g.say(g.pay(asked, 1, pin))
		p := g.pay(asked, 1, pin)
		p.Phone = payer // and saying that it is the right one
		g.say(p)
		g.say(&applet.Refuse{Ref: asked.Ref, Time: time.Now()})
		if b := r.bill(b.ID); b.State != "delivered" || b.Attempts != 0 {
			r.t.Errorf("the bill is %s after %d attempts", b.State, b.Attempts)
		}
		if len(r.heard(other.Phone)) != 0 {
			r.t.Error("the other phone was answered")
		}
		if n := r.dropped(billing.DropNoBill); n != 3 {
			r.t.Errorf("%d drops were told", n)
		}
	})
}

// S9: the shop, told of the payment, tells payer and buyer; the platform tells the client.
func TestS09_EverybodyIsTold(t *testing.T) {
	everywhere(t, people(person("pays", rich), plain()), func(r *rig) {
		o := r.endsAs(r.place(tea, payer, buyer).ID, merchant.Paid)
		id := platform.BillID(o.Bill)
		r.told(id)
		calls := r.seen.calls("shop", "POST", "/airtill")
		if len(calls) != 1 || calls[0].status != 204 {
			r.t.Fatalf("%d callbacks", len(calls))
		}
		var c api.Callback
		r.ok(json.Unmarshal(calls[0].body, &c))
		if c.Type != "bill.settled" || c.Data.ID != id || c.Data.Reference != string(o.ID) || c.Data.Amount != teaPrice ||
			c.Data.Payer != payer.Masked() || c.Data.Buyer != buyer.Masked() || c.Data.Card == "" {
			r.t.Errorf("the shop was told %+v", c)
		}
		forPayer, forBuyer := r.texts(payer, 1)[0], r.texts(buyer, 1)[0]
		if !strings.Contains(forPayer, "you paid CNY 88.00") || !strings.Contains(forPayer, string(o.ID)) {
			r.t.Errorf("the payer was told %q", forPayer)
		}
		if !strings.Contains(forBuyer, "is paid, CNY 88.00") || !strings.Contains(forBuyer, string(o.ID)) {
			r.t.Errorf("the buyer was told %q", forBuyer)
		}
		texts := r.seen.hops(func(h *hop) bool { return h.kind == gateway.MessageDelivered && h.Source == world.ShopAddress })
		if len(texts) != 2 {
			r.t.Errorf("the shop sent %d texts", len(texts))
		}
		onPhone := r.phoneHas(payer, id, handsetsim.StatePaid)
		if onPhone.Code != "00" || !strings.Contains(onPhone.Text, "Paid CNY 88.00") {
			r.t.Errorf("the client shows %+v", onPhone)
		}
		r.until("the phone's receipt for the result", func() bool { return slices.Contains(names(r.events(id)), "receipt") })
	})
}

// last is the story of a bill with causes, for failures.
func last(events []platform.Event) string {
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprintf("%s>%s by %s (%s)", e.Name, e.To, e.Cause, e.Detail))
	}
	return strings.Join(all, "; ")
}
