package fleet_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/nvm"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// again is a fleet that goes on with the memory of the one before.
func (b *bench) again(config fleet.Config) *bench {
	b.t.Helper()
	next := newBench(b.t, config)
	next.cards = b.cards
	return next
}

// TestElementsOutliveTheFleet: phones are there again with keys, cards and counters,
// also keys that came over the air; what they took before they do not take again, and
// what they make is new to the platform (bench.open sees to it).
func TestElementsOutliveTheFleet(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite, form string) {
		dir := t.TempDir()
		config := fleet.Config{Memory: must(nvm.Open(dir))(t)}
		b := newBench(t, config)
		b.enrolIn(suite, fleet.NewPhone{MSISDN: alice, Form: form, Persona: "manual"})
		if _, err := b.client.Add(t.Context(), fleet.NewPhone{MSISDN: bob, Form: "none"}); err != nil {
			t.Fatal(err)
		}
		b.run()
		reg := b.cards[alice]
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		must(b.client.Pay(t.Context(), alice, fleet.Payment{Slot: 1}))(t)
		first := b.expect("PAY").(*applet.Pay)
		b.push(0, alice, reg.renew(t))
		b.expect("KEYED")
		late := b.secure(alice, &applet.Bill{Ref: applet.BillRef{7: 2}, Amount: 1, Currency: "CNY", Merchant: "10000001"})
		b.smsc.deliver(0, late)
		b.expect("OPEN delivered")
		must(b.client.SetPersona(t.Context(), alice, "refuses"))(t)
		before := must(b.client.Phone(t.Context(), alice))(t)
		b.end()
		if err := config.Memory.Close(); err != nil {
			t.Fatal(err)
		}

		config = fleet.Config{Memory: must(nvm.Open(dir))(t)}
		b = b.again(config)
		b.run()
		phone := must(b.client.Phone(t.Context(), alice))(t)
		if phone.ElementID != before.ElementID || phone.Form != form || phone.Suite != suite.String() ||
			phone.KeyVersion != 2 || len(phone.Cards) != 2 || phone.Persona != "refuses" {
			t.Errorf("%+v, was %+v", phone, before)
		}
		if n := b.fleet.Counts().Phones; n != 1 {
			t.Errorf("%d phones, want the one with an element", n)
		}
		_, err := b.client.Add(t.Context(), fleet.NewPhone{MSISDN: alice, Form: form})
		problem(t, err, http.StatusConflict, "msisdn")
		must(b.client.SetPersona(t.Context(), alice, "manual"))(t)
		b.smsc.deliver(0, late)
		b.quiet(time.Minute)
		b.bill(0, alice, 3)
		b.expect("OPEN delivered")
		_, err = b.client.Pay(t.Context(), alice, fleet.Payment{Slot: 2})
		problem(t, err, http.StatusUnprocessableEntity, "pin") // nobody has kept it
		must(b.client.Pay(t.Context(), alice, fleet.Payment{Slot: 2, PIN: thePIN}))(t)
		if second := b.expect("PAY").(*applet.Pay); second.PINCounter <= first.PINCounter {
			t.Errorf("PIN key %d after %d", second.PINCounter, first.PINCounter)
		}
		b.end()
		if err := config.Memory.Close(); err != nil {
			t.Fatal(err)
		}
		if file := must(os.ReadFile(filepath.Join(dir, "elements.nvm")))(t); len(file) == 0 {
			t.Error("nothing was kept")
		} else {
			b.noPIN(file)
		}
	})
}

// TestNothingLeavesUnkept: when the memory takes nothing any more, nothing that an
// element made goes out, and what was taken stays unanswered.
func TestNothingLeavesUnkept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := must(nvm.Open(t.TempDir()))(t)
		b := newBench(t, fleet.Config{Memory: memory})
		b.enrol(alice, "sim", "manual")
		b.run()
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		if err := memory.Close(); err != nil {
			t.Fatal(err)
		}
		if status := b.bill(0, alice, 2); status != smpp.ROK {
			t.Error(status)
		}
		b.quiet(time.Hour)
		if _, err := b.client.Pay(t.Context(), alice, fleet.Payment{Slot: 1}); err == nil {
			t.Error("paid with a PIN key that is not kept")
		}
		b.quiet(time.Hour)
		b.end()
	})
}

// TestClone: a phone whose element was copied and put back says again what it has
// said: the very counters of before, which the platform has to notice.
func TestClone(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite, form string) {
		b := newBench(t, fleet.Config{})
		b.enrolIn(suite, fleet.NewPhone{MSISDN: alice, Form: form, Persona: "manual"})
		b.run()
		_, err := b.client.Restore(t.Context(), alice)
		problem(t, err, http.StatusConflict, "msisdn")
		must(b.client.Clone(t.Context(), alice))(t)
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		reg := b.cards[alice]
		must(b.client.Restore(t.Context(), alice))(t)
		if reg.in != 1 {
			t.Fatalf("counter %d", reg.in)
		}
		reg.in, reg.out = 0, 0 // the platform does not notice
		b.bill(0, alice, 1)    // the very packet of before
		b.expect("OPEN delivered")
		if reg.in != 1 {
			t.Errorf("counter %d, want 1 again", reg.in)
		}
		b.end()
	})
}
