package world_test

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// The PIN: a wrong one is told and can be mended; it does not lead to another card.
func TestPIN_WrongOnce(t *testing.T) {
	byThemselves := person("wrong-pin-once", rich)
	byThemselves.Phone = "8613800000005"
	inBothSuites(t, people(person("manual", rich), byThemselves, plain()), func(r *rig) {
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
	inBothSuites(t, people(person("manual", rich, rich), plain()), func(r *rig) {
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
	inBothSuites(t, people(person("manual", rich, rich), plain()), func(r *rig) {
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

// The PIN: tries are kept over restarts of the platform, a locked card stays locked over
// them, and only an operator's act, of which the journal knows who and why, unlocks it.
func TestPIN_UnlockedByAnOperator(t *testing.T) {
	inBothSuites(t, people(person("manual", rich, rich)), func(r *rig) {
		first := r.send(order("over a restart"))
		r.phoneHas(payer, first.ID, handsetsim.StateShown)
		r.mistypes(first.ID, 1)
		r.mistypes(first.ID, 2)
		r.restart()
		r.pay(payer, first.ID, 1, wrongPIN)
		r.reaches(first.ID, "failed")
		if !r.card(payer, 1).Locked {
			r.t.Fatal("the third wrong PIN, after a restart, does not lock")
		}
		r.restart()
		second := r.send(order("locked"))
		r.phoneHas(payer, second.ID, handsetsim.StateShown)
		r.pay(payer, second.ID, 1, pin)
		if b := r.attempts(second.ID, 1); b.Reason != platform.ReasonPINLocked || !r.card(payer, 1).Locked {
			r.t.Errorf("a locked card after a restart: %s (%s)", b.State, b.Reason)
		}
		r.phoneHas(payer, second.ID, handsetsim.StateOpened)

		act := api.Unlock{Slot: 1, By: "Officer Ren", Note: "identity shown at the branch"}
		blames(r, r.Office.Unlock(r.ctx, payer, api.Unlock{Slot: 1, Note: act.Note}), "by")
		blames(r, r.Office.Unlock(r.ctx, payer, api.Unlock{Slot: 1, By: act.By}), "note")
		blames(r, r.Office.Unlock(r.ctx, payer, api.Unlock{Slot: 9, By: act.By, Note: act.Note}), "slot")
		blames(r, r.Office.Unlock(r.ctx, payer, api.Unlock{Slot: 2, By: act.By, Note: act.Note}), "slot")
		r.ok(r.Office.Unlock(r.ctx, payer, act))
		if r.card(payer, 1).Locked {
			r.t.Error("the card is locked after it was unlocked")
		}
		r.mistypes(second.ID, 2) // a first try again
		r.pay(payer, second.ID, 1, pin)
		r.reaches(second.ID, "settled")
		r.noted("unlock", act.By)
	})
}

// mistypes types a wrong PIN for the first card and waits for the word of it, the nth
// payment of the bill.
func (r *rig) mistypes(id platform.BillID, n int) {
	r.t.Helper()
	before, _ := r.onPhone(payer, id)
	r.pay(payer, id, 1, wrongPIN)
	r.attempts(id, n)
	r.until("the result on the phone", func() bool {
		shown, _ := r.onPhone(payer, id)
		return shown.WrongPINs == before.WrongPINs+1
	})
}

// noted checks that the journal has an operator's act.
func (r *rig) noted(act, by string) {
	r.t.Helper()
	for key, value := range r.dump() {
		if strings.HasSuffix(key, "}:journal") && strings.Contains(value, act) && strings.Contains(value, by) {
			return
		}
	}
	r.t.Errorf("the journal does not say that %s did %s", by, act)
}
