package world_test

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
)

// The PIN: a wrong one is told and can be mended; it does not lead to another card.
func TestPIN_WrongOnce(t *testing.T) {
	byThemselves := person("wrong-pin-once", rich)
	byThemselves.Phone = "8613800000005"
	everywhere(t, people(person("manual", rich), byThemselves, plain()), func(r *rig) {
		other := r.place(flight, byThemselves.Phone, buyer)
		b := r.send(order("mistyped"))
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		r.pay(payer, b.ID, 1, wrongPIN)
		if b := r.attempts(b.ID, 1); b.State != "opened" || b.Reason != platform.ReasonWrongPIN {
			r.t.Errorf("the bill is %s (%s)", b.State, b.Reason)
		}
		if shown := r.phoneHas(payer, b.ID, handsetsim.StateOpened); shown.Code != "55" || shown.TriesLeft != 2 || shown.WrongPINs != 1 {
			r.t.Errorf("the phone shows %+v", shown)
		}
		r.pay(payer, b.ID, 1, pin)
		if b := r.reaches(b.ID, "settled"); b.Attempts != 2 || b.Reason != "" {
			r.t.Errorf("it ended as %+v", b)
		}
		if c := r.card(payer, 1); c.Locked || c.Balance != rich-b.Amount {
			r.t.Errorf("the card is %+v", c)
		}
		o := r.endsAs(other.ID, merchant.Paid)
		if b := r.bill(platform.BillID(o.Bill)); b.Attempts != 2 {
			r.t.Errorf("who mistypes once needed %d payments", b.Attempts)
		}
		r.nowhere("a PIN", pin, wrongPIN)
	})
}

// The PIN: three wrong ones in a row lock the card, over bills too, and the bill fails.
func TestPIN_ThreeWrongLock(t *testing.T) {
	everywhere(t, people(person("manual", rich, rich), plain()), func(r *rig) {
		first := r.send(order("two tries"))
		r.phoneHas(payer, first.ID, handsetsim.StateShown)
		for n := 1; n <= 2; n++ {
			r.pay(payer, first.ID, 1, wrongPIN)
			r.attempts(first.ID, n)
			r.until("the result on the phone", func() bool {
				shown, _ := r.onPhone(payer, first.ID)
				return shown.WrongPINs == n && shown.TriesLeft == 3-n
			})
		}
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		r.pay(payer, id, 1, wrongPIN)
		o = r.endsAs(o.ID, merchant.Failed)
		if b := r.told(id); b.State != "failed" || b.Reason != platform.ReasonPINLocked || b.Attempts != 1 {
			r.t.Errorf("the bill is %+v", b)
		}
		if !r.card(payer, 1).Locked || r.card(payer, 2).Locked {
			r.t.Error("not the card, or not only it, is locked")
		}
		if shown := r.phoneHas(payer, id, handsetsim.StateClosed); shown.Code != "75" {
			r.t.Errorf("the phone shows %+v", shown)
		}
		if text := r.texts(buyer, 1)[0]; !strings.Contains(text, "could not be paid") {
			r.t.Errorf("the buyer was told %q", text)
		}
		if r.earned() != 0 || o.Ticket != "" {
			r.t.Error("something moved")
		}
		r.pay(payer, first.ID, 2, pin) // the other card still pays
		r.reaches(first.ID, "settled")
	})
}

// A card that is locked is declined as a card: the bill stays open for another one.
func TestPIN_LockedCardThenAnother(t *testing.T) {
	everywhere(t, people(person("manual", rich, rich), plain()), func(r *rig) {
		failed := r.send(order("locks"))
		r.phoneHas(payer, failed.ID, handsetsim.StateShown)
		for n := 1; n <= 3; n++ {
			r.pay(payer, failed.ID, 1, wrongPIN)
			r.attempts(failed.ID, n)
			r.until("the result on the phone", func() bool {
				shown, _ := r.onPhone(payer, failed.ID)
				return shown.WrongPINs == n || shown.Code == "75"
			})
		}
		r.reaches(failed.ID, "failed")
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		r.phoneHas(payer, id, handsetsim.StateShown)
		r.pay(payer, id, 1, pin) // the right one, too late
		if b := r.attempts(id, 1); b.State != "opened" || b.Reason != platform.ReasonPINLocked {
			r.t.Errorf("the bill is %s (%s)", b.State, b.Reason)
		}
		if shown := r.phoneHas(payer, id, handsetsim.StateOpened); len(shown.Declined) != 1 || shown.Declined[0] != 1 {
			r.t.Errorf("the phone shows %+v", shown)
		}
		r.pay(payer, id, 2, pin)
		r.endsAs(o.ID, merchant.Paid)
		if r.card(payer, 1).Balance != rich || r.card(payer, 2).Balance != rich-flightPrice {
			r.t.Error("the locked card paid")
		}
	})
}
