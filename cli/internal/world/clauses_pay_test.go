package world_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// S10: the platform says that there is not enough money; the holder goes back to the
// same bill and picks another card, as often as it takes.
func TestS10_NoMoneyThenAnotherCard(t *testing.T) {
	everywhere(t, people(person("manual", 0, flightPrice-1, rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		for slot := 1; slot <= 2; slot++ {
			r.pay(payer, id, slot, pin)
			b := r.attempts(id, slot)
			if b.State != "opened" || b.Reason != platform.ReasonFunds {
				r.t.Fatalf("after card %d the bill is %s (%s)", slot, b.State, b.Reason)
			}
			shown := r.phoneHas(payer, id, handsetsim.StateOpened)
			if shown.Code != "51" || !strings.Contains(shown.Text, "another card") || len(shown.Declined) != slot || shown.Declined[slot-1] != slot {
				r.t.Errorf("after card %d the phone shows %+v", slot, shown)
			}
			if r.earned() != 0 || len(r.inbox(buyer)) != 0 {
				r.t.Error("somebody has money, or was told")
			}
		}
		r.pay(payer, id, 3, pin)
		r.endsAs(o.ID, merchant.Paid)
		if b := r.told(id); b.Attempts != 3 || b.Reason != "" || b.Card != r.card(payer, 3).Masked {
			r.t.Errorf("the bill ended as %+v", b)
		}
		if got := []moneyAmount{r.card(payer, 1).Balance, r.card(payer, 2).Balance, r.card(payer, 3).Balance}; !slices.Equal(got, []moneyAmount{0, flightPrice - 1, rich - flightPrice}) {
			r.t.Errorf("the cards have %v", got)
		}
		if n := len(of[*applet.Bill](r.heard(payer))); n != 1 {
			r.t.Errorf("the bill was pushed %d times: it is the same bill", n)
		}
		if got := codes(r.heard(payer)); !slices.Equal(got, []applet.ResponseCode{"51", "51", "00"}) {
			r.t.Errorf("the client was answered %v", got)
		}
		if n := count(names(r.events(id)), "decline"); n != 2 {
			r.t.Errorf("%d declines in the bill's story", n)
		}
	})
}

func count[E comparable](all []E, one E) int {
	n := 0
	for _, e := range all {
		if e == one {
			n++
		}
	}
	return n
}

// S10: people do so by themselves; with no card left they refuse, and nobody has paid.
func TestS10_NoCardLeft(t *testing.T) {
	other := person("poor-first-card", 0, rich)
	other.Phone = "8613800000003"
	everywhere(t, people(person("poor-first-card", 0, 1), other, plain()), func(r *rig) {
		none, some := r.place(flight, payer, buyer), r.place(flight, other.Phone, buyer)
		o := r.endsAs(none.ID, merchant.Refused)
		r.endsAs(some.ID, merchant.Paid)
		if b := r.bill(platform.BillID(o.Bill)); b.Attempts != 2 || b.Reason != platform.ReasonRefused {
			r.t.Errorf("without a card left the bill is %+v", b)
		}
		if r.earned() != flightPrice {
			r.t.Errorf("the shop has %d", r.earned())
		}
	})
}

// S11: the holder refuses; the client tells the platform, the platform the shop, and
// the shop the buyer.
func TestS11_RefusalReachesTheBuyer(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		_, err := r.Phones.Refuse(r.ctx, payer, fleet.Refusal{Bill: ref(id), Reason: "not_mine", Text: "not my order"})
		r.ok(err)
		o = r.endsAs(o.ID, merchant.Refused)
		b := r.told(id)
		if b.State != "refused" || b.Reason != platform.ReasonRefused || b.Attempts != 0 {
			r.t.Errorf("the bill is %+v", b)
		}
		said := of[*applet.Refuse](r.said(payer))
		if len(said) != 1 {
			r.t.Fatalf("%d refusals", len(said))
		}
		if m := said[0].message.(*applet.Refuse); m.Reason != applet.RefuseNotMine || m.Text != "not my order" || m.Ref != id.Ref() {
			r.t.Errorf("the client said %+v", m)
		}
		if text := r.texts(buyer, 1)[0]; !strings.Contains(text, "was refused by the holder of "+payer.Masked()) || !strings.Contains(text, "Nothing was charged") {
			r.t.Errorf("the buyer was told %q", text)
		}
		if r.card(payer, 1).Balance != rich || r.earned() != 0 || o.Ticket != "" {
			r.t.Error("something moved, or was delivered")
		}
		events := r.events(id)
		i := slices.IndexFunc(events, func(e platform.Event) bool { return e.Name == "refuse" })
		if i < 0 || events[i].Cause != "phone" || !strings.Contains(events[i].Detail, "not my order") {
			r.t.Errorf("its story: %s", last(events))
		}
		_, err = r.Phones.Pay(r.ctx, payer, fleet.Payment{Bill: ref(id), Slot: 1})
		if err == nil {
			r.t.Error("a refused bill can be paid from the phone")
		}
	})
}

// S16: a bill may be paid later, from the client's list, e.g. after the goods came.
func TestS16_PaidLaterFromTheList(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		o := r.place(tea, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		_, err := r.Phones.Defer(r.ctx, payer, fleet.Choice{Bill: ref(id)})
		r.ok(err)
		r.reaches(id, "deferred")
		another := r.send(order("in between")) // life goes on
		r.phoneHas(payer, another.ID, handsetsim.StateShown)
		r.pay(payer, another.ID, 1, pin)
		r.reaches(another.ID, "settled")
		r.phoneHas(payer, another.ID, handsetsim.StatePaid) // which it hears after the platform has it
		if got := r.phoneHas(payer, id, handsetsim.StateDeferred); got.Amount != teaPrice {
			r.t.Errorf("in the list: %+v", got)
		}
		if b := r.bill(id); b.State != "deferred" || b.Attempts != 0 {
			r.t.Errorf("the deferred bill is %+v", b)
		}
		if now, _ := r.Merchant.Shop.Order(o.ID); !now.Status.Open() || len(r.inbox(buyer)) != 0 {
			r.t.Error("the shop takes the order for ended")
		}
		_, err = r.Phones.Confirm(r.ctx, payer, fleet.Choice{Bill: ref(id)})
		r.ok(err)
		r.reaches(id, "opened")
		r.pay(payer, id, 1, pin)
		r.endsAs(o.ID, merchant.Paid)
		moves := slices.DeleteFunc(states(r.events(id)), func(s fsm.State) bool { return s == "pushed" }) // the phone may be faster
		if want := []fsm.State{"created", "delivered", "deferred", "opened", "paid", "settled"}; !slices.Equal(moves, want) {
			r.t.Errorf("it went %v", moves)
		}
	})
}

// states are those that a bill went through.
func states(events []platform.Event) []fsm.State {
	var all []fsm.State
	for _, e := range events {
		if e.To != "" && e.To != e.From {
			all = append(all, e.To)
		}
	}
	return all
}

// S16: who puts bills off pays them in the end.
func TestS16_PeoplePayLater(t *testing.T) {
	everywhere(t, people(person("pays-later", rich), plain()), func(r *rig) {
		o := r.place(tea, payer, buyer)
		r.endsAs(o.ID, merchant.Paid)
		if !slices.Contains(states(r.events(platform.BillID(o.Bill))), "deferred") {
			r.t.Error("it was not put off")
		}
	})
}

// S17: e-tickets and virtual goods come to the buyer's phone after payment and not before.
func TestS17_TicketByText(t *testing.T) {
	everywhere(t, people(person("manual", rich), plain()), func(r *rig) {
		items := []struct{ item, says string }{{flight, "E-ticket 999-"}, {"train-g1", "E-ticket E"}, {voucher, "Code "}}
		for i, it := range items {
			o := r.place(it.item, payer, buyer)
			id := platform.BillID(o.Bill)
			r.phoneHas(payer, id, handsetsim.StateShown)
			if now, _ := r.Merchant.Shop.Order(o.ID); now.Ticket != "" || len(r.inbox(buyer)) != 2*i {
				r.t.Errorf("%s was delivered before it was paid", it.item)
			}
			r.pay(payer, id, 1, pin)
			o = r.endsAs(o.ID, merchant.Paid)
			texts := r.texts(buyer, 2*i+2)
			ticket := texts[2*i+1]
			if o.Ticket == "" || !strings.HasPrefix(ticket, it.says) || !strings.Contains(ticket, o.Ticket) || !strings.Contains(ticket, string(o.ID)) {
				r.t.Errorf("%s came as %q, the ticket is %q", it.item, ticket, o.Ticket)
			}
			if !strings.Contains(texts[2*i], "follows") {
				r.t.Errorf("the buyer was told %q", texts[2*i])
			}
		}
		o := r.place(tea, payer, buyer)
		r.phoneHas(payer, platform.BillID(o.Bill), handsetsim.StateShown)
		r.pay(payer, platform.BillID(o.Bill), 1, pin)
		if o = r.endsAs(o.ID, merchant.Paid); o.Ticket != "" {
			r.t.Error("tea was delivered by text")
		}
		r.texts(buyer, 7)
		for _, text := range r.inbox(payer) {
			if strings.Contains(text, "E-ticket") {
				r.t.Errorf("the payer, who did not buy, got %q", text)
			}
		}
	})
}

// S18: nobody has to remember: a bill is pushed, reminded of, and expires with a result
// that the shop and the buyer are told of.
func TestS18_RemindedThenExpired(t *testing.T) {
	config := people(person("never", rich), plain())
	config.Expiry = 1500 * time.Millisecond
	everywhere(t, config, func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		o = r.endsAs(o.ID, merchant.Expired)
		b := r.told(id)
		if b.State != "expired" || b.Reason != platform.ReasonExpired || b.Ended.Before(b.Expires) || b.Ended.Sub(b.Expires) > 5*time.Second {
			r.t.Errorf("the bill is %+v", b)
		}
		if len(r.seen.events(payer, handsetsim.Shown)) != 1 || len(r.seen.events(payer, handsetsim.ShownAgain)) == 0 {
			r.t.Error("the holder was not reminded")
		}
		if n := count(names(r.events(id)), "remind"); n == 0 || len(of[*applet.Bill](r.heard(payer))) != n+1 {
			r.t.Errorf("%d reminders: %s", n, last(r.events(id)))
		}
		if text := r.texts(buyer, 1)[0]; !strings.Contains(text, "was not paid in time") {
			r.t.Errorf("the buyer was told %q", text)
		}
		if calls := r.seen.calls("shop", "POST", "/airtill"); len(calls) != 1 || !strings.Contains(string(calls[0].body), `"bill.expired"`) {
			r.t.Errorf("%d callbacks", len(calls))
		}
		r.phoneHas(payer, id, handsetsim.StateExpired)
		if r.card(payer, 1).Balance != rich || o.Ticket != "" {
			r.t.Error("an expired bill moved money or delivered")
		}
	})
}

// S18: a payment that comes after the end is answered so and moves nothing.
func TestS18_TooLate(t *testing.T) {
	config := people(plain())
	config.Expiry = time.Second
	everywhere(t, config, func(r *rig) {
		g := r.glass(person("manual", rich))
		o := r.place(flight, payer, buyer)
		asked := g.bill(platform.BillID(o.Bill))
		r.endsAs(o.ID, merchant.Expired)
		g.say(g.pay(asked, 1, pin))
		if got := r.hears(payer, 1); got[0] != applet.CodeExpired {
			r.t.Errorf("answered %v", got)
		}
		if r.card(payer, 1).Balance != rich || r.earned() != 0 {
			r.t.Error("it was paid too late")
		}
	})
}

// S18: a phone that is not reached in the bill's life ends it as undelivered.
func TestS18_PhoneNeverReached(t *testing.T) {
	config := people(person("pays", rich), plain())
	config.Expiry = time.Second
	everywhere(t, config, func(r *rig) {
		_, err := r.Phones.Power(r.ctx, payer, false)
		r.ok(err)
		o := r.place(flight, payer, buyer)
		o = r.endsAs(o.ID, merchant.Undelivered)
		b := r.told(platform.BillID(o.Bill))
		if b.State != "undelivered" || b.Reason != platform.ReasonUnreachable {
			r.t.Errorf("the bill is %+v", b)
		}
		if text := r.texts(buyer, 1)[0]; !strings.Contains(text, "could not be reached") {
			r.t.Errorf("the buyer was told %q", text)
		}
		_, err = r.Phones.Power(r.ctx, payer, true)
		r.ok(err)
		if r.card(payer, 1).Balance != rich || len(pays(r.said(payer))) != 0 {
			r.t.Error("a bill that is over was paid")
		}
	})
}

// S18: a phone that is off for a while gets the bill when it is on, and pays it once.
func TestS18_PhoneOffForAWhile(t *testing.T) {
	away := person("away", rich)
	away.Phone = "8613800000004"
	everywhere(t, people(person("pays", rich), away, plain()), func(r *rig) {
		_, err := r.Phones.Power(r.ctx, payer, false)
		r.ok(err)
		byHand, byItself := r.place(flight, payer, buyer), r.place(flight, away.Phone, buyer)
		id := platform.BillID(byHand.Bill)
		r.until("the carrier to find the phone off", func() bool {
			deferred := r.seen.hops(func(h *hop) bool { return h.kind == gateway.MessageDeferred && h.Destination == gateway.Address(payer) })
			return len(deferred) > 0 && len(r.seen.events(payer, handsetsim.Missed)) > 0
		})
		r.reaches(id, "pushed") // and no further
		_, err = r.Phones.Power(r.ctx, payer, true)
		r.ok(err)
		r.endsAs(byHand.ID, merchant.Paid)
		r.endsAs(byItself.ID, merchant.Paid)
		if r.card(payer, 1).Balance != rich-flightPrice || r.card(away.Phone, 1).Balance != rich-flightPrice {
			r.t.Error("they have not paid once each")
		}
	})
}
