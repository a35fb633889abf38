package fleet_test

import (
	"crypto/fips140"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// suites are those that may be used: FIPS 140 knows no 3DES any more.
func suites() []scp80.Suite {
	if fips140.Enforced() {
		return []scp80.Suite{scp80.Modern}
	}
	return []scp80.Suite{scp80.Modern, scp80.Legacy}
}

// inEach runs a test in each suite with each form of element (S2).
func inEach(t *testing.T, test func(t *testing.T, suite scp80.Suite, form string)) {
	t.Helper()
	for _, suite := range suites() {
		for _, form := range []string{"standalone", "sim", "sdtf"} {
			t.Run(suite.String()+" "+form, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, suite, form) })
			})
		}
	}
}

// TestKeys: new packet keys reach the element in two short messages, whatever the
// order and however often, are used at once, and the phone says KEYED. A bill is paid
// under them.
func TestKeys(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite, form string) {
		b := newBench(t, fleet.Config{})
		b.enrolIn(suite, fleet.NewPhone{MSISDN: alice, Form: form, Persona: "pays"})
		b.run()
		reg := b.cards[alice]
		for version := uint8(2); version < 6; version++ {
			keys := reg.renew(t)
			parts := b.secureAll(alice, keys)
			if suite == scp80.Modern && len(parts) != 2 {
				t.Fatalf("KEYS in %d parts", len(parts))
			}
			slices.Reverse(parts)
			for _, sm := range slices.Concat(parts, parts) { // each twice, as a carrier may
				if status := b.smsc.deliver(0, sm); status != smpp.ROK {
					t.Fatal(status)
				}
			}
			if keyed := b.expect("KEYED").(*applet.Keyed); keyed.Version != version || reg.uses != version {
				t.Fatalf("KEYED %d under version %d, want %d", keyed.Version, reg.uses, version)
			}
			if p := must(b.client.Phone(t.Context(), alice))(t); p.KeyVersion != version || p.Suite != suite.String() || p.Form != form {
				t.Errorf("shown as %s, %s, version %d", p.Form, p.Suite, p.KeyVersion)
			}
			b.push(0, alice, keys) // again under the new ones, as if KEYED were late
			b.expect("KEYED")
		}
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		b.expect("PAY")
		b.result(0, alice, 1, applet.CodeApproved)
		b.expect("RECEIPT")
		b.end()
	})
}

// TestKeysInPieces: a part of KEYS alone does nothing, whoever sent it, and a part
// that waited too long serves nobody; floods of parts are bounded.
func TestKeysInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fleet.Config{})
		b.enrol(alice, "sim", "manual")
		b.run()
		reg := b.cards[alice]
		parts := b.secureAll(alice, reg.renew(t))
		b.smsc.deliver(0, parts[0])
		time.Sleep(11 * time.Minute)
		b.smsc.deliver(0, parts[1])
		b.quiet(time.Hour)
		endless := *parts[0]
		endless.ShortMessage = slices.Clone(parts[0].ShortMessage)
		endless.ShortMessage[4], endless.ShortMessage[5] = 255, 1 // of 255 parts
		if status := b.smsc.deliver(0, &endless); status != smpp.RXRAPPN {
			t.Errorf("a packet of 255 parts: %v", status)
		}
		b.smsc.deliver(0, parts[0])
		for ref := range byte(200) { // first parts of nothing, from anybody
			flood := *parts[0]
			flood.Source.Digits = "8613700000000"
			flood.ShortMessage = slices.Clone(parts[0].ShortMessage)
			flood.ShortMessage[3] = ref
			b.smsc.deliver(0, &flood)
		}
		b.smsc.deliver(0, parts[1])
		b.expect("KEYED")
		if p := must(b.client.Phone(t.Context(), alice))(t); p.KeyVersion != 2 || p.Dropped != 0 {
			t.Errorf("%+v", p)
		}
		b.end()
	})
}

// TestBothSuites: a bill is paid in each suite, and a phone of one drops in silence
// what is made as for one of the other.
func TestBothSuites(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite, form string) {
		b := newBench(t, fleet.Config{})
		b.enrolIn(suite, fleet.NewPhone{MSISDN: alice, Form: form, Persona: "pays"})
		b.run()
		reg := b.cards[alice]
		other := *reg
		for _, s := range suites() {
			if s != suite {
				other.suite, other.versions = s, []packetKeys{{newKeys(t, s), newKeys(t, s)}}
			}
		}
		if other.suite != suite {
			b.cards[alice] = &other
			b.bill(0, alice, 1)
			b.quiet(time.Minute)
			b.cards[alice] = reg
		}
		b.bill(0, alice, 1)
		b.expect("OPEN delivered")
		b.expect("OPEN opened")
		if pay := b.expect("PAY").(*applet.Pay); pay.Amount != 128000 || pay.PINCounter == 0 {
			t.Errorf("%+v", pay)
		}
		b.result(0, alice, 1, applet.CodeApproved)
		b.expect("RECEIPT")
		b.end()
	})
}
