package world_test

import (
	"testing"
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
)

// S1, wire.md 5: an element that somebody has copied says something that only a second
// one can. Its payments are held, over a restart of the platform too, nobody's money
// moves, an operator is told, and releases it.
func TestClone_NoticedHeldReleased(t *testing.T) {
	config := people(person("manual", rich), plain())
	config.Client.AnswerWithin = 200 * time.Millisecond
	inBothSuites(t, config, func(r *rig) {
		_, err := r.Phones.Clone(r.ctx, payer)
		r.ok(err)
		r.paid(r.send(order("with the element")))
		if p := r.enrolled(payer); p.Held {
			r.t.Fatal("a phone with one element is held")
		}
		_, err = r.Phones.Restore(r.ctx, payer) // the thief's copy
		r.ok(err)
		b := r.send(order("with its copy"))
		r.until("the copy to be noticed", func() bool { return r.enrolled(payer).Held })
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		r.held(b.ID)

		r.restart()
		if !r.enrolled(payer).Held {
			r.t.Fatal("a restart has ended the hold")
		}
		if all := r.alarms(platform.AlarmElement); len(all) != 1 || all[0].Phone != payer.Masked() || all[0].Count == 0 {
			r.t.Errorf("the operator is told %+v", all)
		}
		r.ok(r.Office.Release(r.ctx, payer, api.Release{By: "Officer Ren", Note: "element replaced"}))
		if r.enrolled(payer).Held || len(r.alarms(platform.AlarmElement)) != 0 {
			r.t.Error("it is held after its release")
		}
		r.until("the holder to have paid", func() bool {
			if now, _ := r.onPhone(payer, b.ID); now.State == handsetsim.StateOpened.String() || now.State == handsetsim.StateShown.String() {
				r.pay(payer, b.ID, 1, pin)
			}
			return r.bill(b.ID).State == "settled"
		})
		if n := r.debits(b.ID); n != 1 || r.card(payer, 1).Balance != rich-2*b.Amount {
			r.t.Errorf("it was paid %d times, the card has %d", n, r.card(payer, 1).Balance)
		}
	})
}

// held pays with the copy until a payment is judged: it is declined.
func (r *rig) held(id platform.BillID) {
	r.t.Helper()
	r.until("a payment of the copy to be declined", func() bool {
		if now, _ := r.onPhone(payer, id); now.State == handsetsim.StateOpened.String() || now.State == handsetsim.StateShown.String() {
			r.pay(payer, id, 1, pin)
		}
		return r.bill(id).Attempts > 0
	})
	if b := r.bill(id); b.State == "settled" || b.State == "paid" {
		r.t.Fatalf("a copy has paid: %+v", b)
	}
	if got := codes(r.heard(payer)); count(got, applet.CodeApproved) != 1 {
		r.t.Errorf("the phone was answered %v", got)
	}
}

func (r *rig) alarms(kind platform.AlarmKind) []platform.Alarm {
	r.t.Helper()
	told, err := r.Office.Alarms(r.ctx)
	r.ok(err)
	var all []platform.Alarm
	for _, a := range told.Alarms {
		if a.Kind == kind {
			all = append(all, platform.Alarm(a))
		}
	}
	return all
}
