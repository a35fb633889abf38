package world_test

import (
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// The network's clock is moved ahead: what falls due comes at once, for the platform and
// for the phones, and what is ordered afterwards goes on as always. It does not go back.
func TestClockAdvances(t *testing.T) {
	config := people(person("never", rich), plain())
	config.Movable = true
	everywhere(t, config, func(r *rig) {
		o := api.Order{Reference: "waits", Amount: 1250, Currency: money.CNY, Phone: payer, CallbackURL: r.Merchant.URL() + world.CallbackPath}
		b := r.send(o) // of 15 minutes
		r.reaches(b.ID, "delivered")
		r.phoneHas(payer, b.ID, handsetsim.StateShown)
		for _, wrong := range []time.Duration{0, -time.Minute, 2 * api.MostAdvance} {
			if _, err := r.Office.AdvanceClock(r.ctx, wrong); err == nil {
				r.t.Errorf("the clock was moved by %s", wrong)
			}
		}
		reading, err := r.Office.AdvanceClock(r.ctx, 20*time.Minute)
		r.ok(err)
		if !reading.Movable || reading.Ahead != api.Duration(20*time.Minute) {
			r.t.Errorf("the clock reads %+v", reading)
		}
		if b = r.told(b.ID); b.State != "expired" || b.Ended.Sub(b.Created) < 15*time.Minute {
			r.t.Errorf("the bill is %+v", b)
		}
		r.until("the bill to be over on the phone", func() bool {
			on, _ := r.onPhone(payer, b.ID)
			return on.State == "expired"
		})
		_, err = r.Phones.SetPersona(r.ctx, payer, "pays")
		r.ok(err)
		r.reaches(r.send(order("after it")).ID, fsm.State("settled"))
	})
}

// A network that is not made for it goes by the machine's clock.
func TestClockIsTheMachines(t *testing.T) {
	over(t, kinds()[:1], people(), func(r *rig) {
		reading, err := r.Office.Clock(r.ctx)
		r.ok(err)
		if reading.Movable || !reading.Network.Equal(reading.Wall) {
			r.t.Errorf("the clock reads %+v", reading)
		}
		if _, err := r.Office.AdvanceClock(r.ctx, time.Minute); err == nil {
			r.t.Error("it was moved")
		}
	})
}
