package world_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/gateway"
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
