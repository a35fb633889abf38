package world_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// bare is somebody whose phone has no payment client.
func bare(persona string, balances ...money.Amount) world.Person {
	p := person(persona, balances...)
	p.Form = platform.FormNone
	return p
}

// byUSSD is a network in which bills of up to so much may be paid over USSD.
func byUSSD(most money.Amount, all ...world.Person) world.Config {
	c := people(all...)
	c.USSDCap = map[money.Currency]money.Amount{money.CNY: most}
	return c
}

// screen waits until a phone shows a text with all of these in it.
func (r *rig) screen(n gateway.MSISDN, says ...string) fleet.Screen {
	r.t.Helper()
	var s fleet.Screen
	r.until("the phone to show "+strings.Join(says, ", "), func() bool {
		var err error
		s, err = r.Phones.Screen(r.ctx, n)
		r.ok(err)
		return !slices.ContainsFunc(says, func(word string) bool { return !strings.Contains(s.Text, word) })
	})
	return s
}

// types replies to what a phone shows, once it asks.
func (r *rig) types(n gateway.MSISDN, text string) {
	r.t.Helper()
	r.until("the phone to ask", func() bool {
		s, err := r.Phones.Screen(r.ctx, n)
		r.ok(err)
		return s.Asks
	})
	digits := fleet.Digits(text)
	_, err := r.Phones.USSD(r.ctx, n, fleet.USSD{Reply: &digits})
	r.ok(err)
}

func (r *rig) dials(n gateway.MSISDN, code string) {
	r.t.Helper()
	_, err := r.Phones.USSD(r.ctx, n, fleet.USSD{Dial: code})
	r.ok(err)
}

// moved are the events that moved a bill, without that the carrier took it: the holder
// may be faster.
func (r *rig) moved(id platform.BillID) []fsm.State {
	return slices.DeleteFunc(states(r.events(id)), func(s fsm.State) bool { return s == "pushed" })
}

// Issue 4, item 9: a phone without a payment client is pushed a menu: the bill shows
// itself, one card pays it, and everybody is told.
func TestUSSD_Pushed(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		s := r.screen(payer, "CNY 1,280.00 to Sky Travel", "1 Pay", "2 Refuse", "3 Later")
		if !s.Open || !s.Asks || s.Code != world.USSDCode {
			r.t.Errorf("the phone shows %+v", s)
		}
		r.types(payer, "1")
		r.screen(payer, "PIN")
		r.types(payer, pin)
		last := r.screen(payer, "Paid CNY 1,280.00 to Sky Travel")
		if last.Open || last.Asks {
			r.t.Error("the session is open after the last text")
		}
		r.endsAs(o.ID, merchant.Paid)
		b := r.told(id)
		if b.Attempts != 1 || b.Card != r.card(payer, 1).Masked || r.card(payer, 1).Balance != rich-flightPrice {
			r.t.Errorf("the bill is %+v", b)
		}
		if got, want := r.moved(id), []fsm.State{"delivered", "opened", "paid", "settled"}; !slices.Equal(got[len(got)-4:], want) {
			r.t.Errorf("it went %v", got)
		}
		if r.earned() != flightPrice {
			r.t.Errorf("the shop has %d", r.earned())
		}
		r.texts(buyer, 2)
		r.nowhere("a PIN", pin)
	})
}

// Issue 4, item 9: dialling lists the open bills, of which one is picked; what is dialled
// after the code is typed into the menu, but a PIN never.
func TestUSSD_Dialled(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", rich), plain()), func(r *rig) {
		later := func(item string) merchant.Order {
			o := r.place(item, payer, buyer)
			r.screen(payer, "to Sky Travel", "3 Later")
			r.types(payer, "3")
			r.screen(payer, "You can pay it later.")
			return o
		}
		first, second := later(tea), later(flight)
		r.dials(payer, world.USSDCode)
		r.screen(payer, "Bills to pay:", "1 Sky Travel CNY 88.00", "2 Sky Travel CNY 1,280.00")
		r.types(payer, "2")
		r.screen(payer, "CNY 1,280.00 to Sky Travel", "1 Pay", "0 Back")
		r.types(payer, "1")
		r.types(payer, pin)
		r.screen(payer, "Paid CNY 1,280.00")
		r.endsAs(second.ID, merchant.Paid)

		r.dials(payer, "*120*1*1*"+pin+"#")
		r.screen(payer, "Pay CNY 88.00 with", "PIN")
		if b := r.bill(platform.BillID(first.Bill)); b.Attempts != 0 || b.State != "opened" {
			r.t.Fatalf("a PIN that was dialled was taken: %+v", b)
		}
		r.types(payer, pin)
		r.screen(payer, "Paid CNY 88.00")
		r.endsAs(first.ID, merchant.Paid)
		r.dials(payer, world.USSDCode)
		r.screen(payer, "There is no bill to be paid here.")
	})
}

// Who has nothing to pay here reads one and the same text: an enrolled phone, one with a
// payment client and an open bill, and one that nobody has enrolled.
func TestUSSD_NothingIsRevealed(t *testing.T) {
	none := bare("manual", rich)
	none.Phone = "8613800000006"
	everywhere(t, byUSSD(flightPrice, person("manual", rich), none, world.Person{Name: "Nobody", Phone: "8613800000007"}), func(r *rig) {
		r.phoneHas(payer, r.send(order("for a client")).ID, handsetsim.StateShown)
		for _, n := range []gateway.MSISDN{payer, none.Phone, "8613800000007"} {
			r.dials(n, "*120*1#")
			if s := r.screen(n, "There is no bill to be paid here."); s.Open || s.Shown != 1 {
				r.t.Errorf("%s shows %+v", n, s)
			}
		}
	})
}

// S11 over USSD.
func TestUSSD_Refused(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		r.screen(payer, "2 Refuse")
		r.types(payer, "2")
		r.screen(payer, "Refused.")
		r.endsAs(o.ID, merchant.Refused)
		if b := r.told(platform.BillID(o.Bill)); b.State != "refused" || b.Reason != platform.ReasonRefused || b.Attempts != 0 {
			r.t.Errorf("the bill is %+v", b)
		}
		if text := r.texts(buyer, 1)[0]; !strings.Contains(text, "refused") {
			r.t.Errorf("the buyer was told %q", text)
		}
	})
}

// S16 over USSD: it is put off, and paid from the list.
func TestUSSD_Later(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("pays-later", rich), plain()), func(r *rig) {
		o := r.place(tea, payer, buyer)
		r.endsAs(o.ID, merchant.Paid)
		got := r.moved(platform.BillID(o.Bill))
		if want := []fsm.State{"created", "delivered", "deferred", "opened", "paid"}; !slices.Equal(got[:min(len(got), 5)], want) {
			r.t.Errorf("it went %v", got)
		}
	})
}

// S10 over USSD: no money, then another card, from the same bill.
func TestUSSD_NoMoneyThenAnotherCard(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", 0, rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.types(payer, "1")
		r.screen(payer, "Pay CNY 1,280.00 with:", "1 Card 1 *", "2 Card 2 *")
		r.types(payer, "1")
		r.screen(payer, "PIN")
		r.types(payer, pin)
		r.screen(payer, "Not enough money.", "2 Card 2 *")
		if b := r.bill(id); b.State != "opened" || b.Reason != platform.ReasonFunds || b.Attempts != 1 || r.earned() != 0 {
			r.t.Errorf("after the first card the bill is %+v", b)
		}
		r.types(payer, "2")
		r.screen(payer, "PIN")
		r.types(payer, pin)
		r.endsAs(o.ID, merchant.Paid)
		if b := r.told(id); b.Attempts != 2 || b.Card != r.card(payer, 2).Masked {
			r.t.Errorf("the bill is %+v", b)
		}
	})
}

// The PIN over USSD: three wrong ones lock the card, and the bill fails. The operator's
// act unlocks it as it does for a card in an element.
func TestUSSD_ThreeWrongPINsLock(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", rich, rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.types(payer, "1")
		r.screen(payer, "with:")
		r.types(payer, "1")
		for n, says := range []string{"PIN (0", "Wrong PIN, 2 tries left.", "Wrong PIN, 1 try left."} {
			r.screen(payer, says)
			r.types(payer, wrongPIN)
			r.attempts(id, n+1)
		}
		r.screen(payer, "locked")
		r.endsAs(o.ID, merchant.Failed)
		if b := r.told(id); b.State != "failed" || b.Reason != platform.ReasonPINLocked || b.Attempts != 3 {
			r.t.Errorf("the bill is %+v", b)
		}
		if !r.card(payer, 1).Locked || r.card(payer, 2).Locked || r.earned() != 0 {
			r.t.Error("not the card, or not only it, is locked, or money has moved")
		}
		next := r.send(order("with the other card"))
		r.screen(payer, "CNY 12.50")
		r.types(payer, "1") // the locked one is not offered
		r.screen(payer, "Pay CNY 12.50 with Card 2 *", "PIN")
		r.types(payer, pin)
		r.reaches(next.ID, "settled")
		r.nowhere("a PIN", pin, wrongPIN)
	})
}

// The policy: without a cap no bill is paid over USSD, with one none above it; the order
// is refused with what to do about it. Who has an element is not asked.
func TestUSSD_OverTheCap(t *testing.T) {
	client := person("pays", rich)
	client.Phone = "8613800000008"
	everywhere(t, byUSSD(5000, bare("pays", rich), client), func(r *rig) {
		over := r.raw("POST", "/v1/bills", asks(payer, "5001"))
		r.refusedAs(over, 422, platform.CodeInvalid, "amount")
		other := r.raw("POST", "/v1/bills", strings.Replace(asks(payer, "50"), "CNY", "USD", 1))
		r.refusedAs(other, 422, platform.CodeInvalid, "phone")
		for _, a := range []answered{over, other} {
			if !strings.Contains(string(a.body), "--ussd-cap") {
				r.t.Errorf("it does not say what to do: %s", a.body)
			}
		}
		if a := r.raw("POST", "/v1/bills", asks(client.Phone, "5001")); a.status != 202 {
			r.t.Errorf("with an element: %d %s", a.status, a.body)
		}
		if a := r.raw("POST", "/v1/bills", asks(payer, "5000")); a.status != 202 {
			r.t.Errorf("at the cap: %d %s", a.status, a.body)
		}
		r.screen(payer, "Paid CNY 50.00")
	})
}

// asks is an order for a phone in the octets of its request.
func asks(phone gateway.MSISDN, amount string) string {
	return `{"reference":"` + string(phone) + amount + `","amount":` + amount + `,"currency":"CNY","phone":"` + string(phone) + `"}`
}

// The policy is off unless somebody says how much.
func TestUSSD_OffByDefault(t *testing.T) {
	everywhere(t, people(bare("pays", rich)), func(r *rig) {
		r.refusedAs(r.raw("POST", "/v1/bills", asks(payer, "1")), 422, platform.CodeInvalid, "phone")
	})
}

// A phone that is off is sent an SMS that says how to pay, which it gets when it is on.
func TestUSSD_PhoneOffThenOn(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("pays", rich), plain()), func(r *rig) {
		_, err := r.Phones.Power(r.ctx, payer, false)
		r.ok(err)
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.reaches(id, "pushed")
		r.until("the SMS to wait", func() bool {
			deferred := r.seen.hops(func(h *hop) bool { return h.kind == gateway.MessageDeferred && h.Destination == gateway.Address(payer) })
			return len(deferred) > 0
		})
		_, err = r.Phones.Power(r.ctx, payer, true)
		r.ok(err)
		r.endsAs(o.ID, merchant.Paid)
		if inbox := r.inbox(payer); !strings.Contains(inbox[0], "Bill of CNY 1,280.00 to Sky Travel") || !strings.Contains(inbox[0], "Dial *120# to pay.") {
			r.t.Errorf("the phone has %q", inbox)
		}
		if got := r.moved(id); !slices.Equal(got[:min(len(got), 4)], []fsm.State{"created", "delivered", "opened", "paid"}) {
			r.t.Errorf("it went %v", got)
		}
	})
}

// Who gives up has seen the bill; an SMS says how to pay it, once, and reminders come as menus.
func TestUSSD_GivenUp(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.screen(payer, "1 Pay")
		_, err := r.Phones.USSD(r.ctx, payer, fleet.USSD{Abort: true})
		r.ok(err)
		r.reaches(id, "delivered")
		if text := r.texts(payer, 1)[0]; !strings.Contains(text, "Dial *120# to pay.") {
			r.t.Errorf("the holder was told %q", text)
		}
		r.dials(payer, "*120*1#")
		r.screen(payer, "1 Pay", "0 Back")
		r.types(payer, "1")
		r.types(payer, pin)
		r.endsAs(o.ID, merchant.Paid)
	})
}

// S18 over USSD: who does nothing is reminded, and the bill expires.
func TestUSSD_RemindedThenExpired(t *testing.T) {
	c := byUSSD(flightPrice, bare("manual", rich), plain())
	c.Expiry = 3 * time.Second
	everywhere(t, c, func(r *rig) {
		o := r.place(flight, payer, buyer)
		first := r.screen(payer, "1 Pay")
		_, err := r.Phones.USSD(r.ctx, payer, fleet.USSD{Abort: true})
		r.ok(err)
		r.until("the menu again", func() bool {
			s, err := r.Phones.Screen(r.ctx, payer)
			r.ok(err)
			return s.Asks && s.Shown > first.Shown
		})
		r.endsAs(o.ID, merchant.Expired)
		r.types(payer, "1")
		r.screen(payer, "This bill has expired.")
		r.texts(payer, 1)
		if r.card(payer, 1).Balance != rich {
			r.t.Error("an expired bill moved money")
		}
	})
}

// People without a client do with a menu what they would do with one.
func TestUSSD_People(t *testing.T) {
	habits := []struct {
		persona string
		cards   []money.Amount
		ends    merchant.Status
	}{
		{"pays", []money.Amount{rich}, merchant.Paid},
		{"pays", []money.Amount{0}, merchant.Refused},
		{"refuses", []money.Amount{rich}, merchant.Refused},
		{"poor-first-card", []money.Amount{0, rich}, merchant.Paid},
		{"poor-first-card", []money.Amount{0, 0}, merchant.Refused},
		{"wrong-pin-once", []money.Amount{rich, rich}, merchant.Paid},
		{"pays-later", []money.Amount{rich}, merchant.Paid},
		{"away", []money.Amount{rich}, merchant.Paid},
	}
	c := byUSSD(flightPrice, plain())
	for i, h := range habits {
		p := bare(h.persona, h.cards...)
		p.Phone = gateway.MSISDN("861380000010" + string(rune('0'+i)))
		c.People = append(c.People, p)
	}
	everywhere(t, c, func(r *rig) {
		var placed []merchant.Order
		for _, p := range c.People[1:] {
			placed = append(placed, r.place(tea, p.Phone, buyer))
		}
		for i, h := range habits {
			if o := r.ended(placed[i].ID); o.Status != h.ends {
				r.t.Errorf("%s with %v ended as %s (%s), want %s", h.persona, h.cards, o.Status, o.Reason, h.ends)
			}
		}
		r.nowhere("a PIN", pin, wrongPIN)
	})
}

// A platform that is started again knows nothing of the menus that were open: they close,
// and the bill is paid from the list, once.
func TestUSSD_PlatformRestarts(t *testing.T) {
	everywhere(t, byUSSD(flightPrice, bare("manual", rich), plain()), func(r *rig) {
		o := r.place(flight, payer, buyer)
		r.types(payer, "1")
		r.screen(payer, "PIN")
		r.restart()
		r.types(payer, pin)
		r.until("the menu to close", func() bool {
			s, err := r.Phones.Screen(r.ctx, payer)
			r.ok(err)
			return !s.Open
		})
		if b := r.bill(platform.BillID(o.Bill)); b.State != "opened" || b.Attempts != 0 {
			r.t.Errorf("the bill is %+v", b)
		}
		r.dials(payer, "*120*1*1#")
		r.screen(payer, "PIN")
		r.types(payer, pin)
		r.endsAs(o.ID, merchant.Paid)
		if r.card(payer, 1).Balance != rich-flightPrice {
			r.t.Error("it was not paid once")
		}
	})
}
