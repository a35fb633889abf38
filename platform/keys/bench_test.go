package keys

import (
	"testing"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Warm: the element's channel is cached. Cold: its keys are derived each time, as for
// each element's first packet.
func eachCache(b *testing.B, run func(b *testing.B, v *Vault, at Binding)) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		for _, cached := range []int{cachedChannels, 0} {
			name := suite.String() + "/warm"
			if cached == 0 {
				name = suite.String() + "/cold"
			}
			b.Run(name, func(b *testing.B) {
				if suite == scp80.Legacy {
					needsTDEA(b)
				}
				v := generate(b, 1)
				v.current.Load().channels = newCache(cached)
				b.ReportAllocs()
				run(b, v, Binding{Element: element, Suite: suite, Version: 1})
			})
		}
	}
}

// BenchmarkOpenMO opens a packet with a PAY.
func BenchmarkOpenMO(b *testing.B) {
	eachCache(b, func(b *testing.B, v *Vault, at Binding) {
		mo, err := v.MO(at)
		if err != nil {
			b.Fatal(err)
		}
		packet, err := scp80.Wrap(at.Suite.Profile(scp80.MO, 1), mo, 1, make([]byte, 96))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, _, err := v.OpenMO(at, packet); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrapMT wraps a BILL.
func BenchmarkWrapMT(b *testing.B) {
	eachCache(b, func(b *testing.B, v *Vault, at Binding) {
		payload := make([]byte, 92)
		for b.Loop() {
			if _, err := v.WrapMT(at, 1, payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPayment is what a PAY costs in keys: packet, card and PIN.
func BenchmarkPayment(b *testing.B) {
	eachCache(b, func(b *testing.B, v *Vault, at Binding) {
		p := personalised(b, v, at.Suite)
		card, pin := p.Cards[0], mustPIN(b, "739158")
		reference := v.PINReference(card.Token, pin)
		pins, err := applet.NewPINKeys(at.Suite, p.Initial, p.KeyID)
		if err != nil {
			b.Fatal(err)
		}
		counter, key, err := pins.Next()
		if err != nil {
			b.Fatal(err)
		}
		block, err := applet.SealPIN(at.Suite, key, pin, card.Token, seeded(3))
		if err != nil {
			b.Fatal(err)
		}
		packet, err := scp80.Wrap(at.Suite.Profile(scp80.MO, 1), p.MO, 1, make([]byte, 96))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			_, _, openErr := v.OpenMO(at, packet)
			_, cardErr := v.CardRecord(at, card.Blob)
			got, pinErr := v.PIN(at, counter, card.Token, block)
			if openErr != nil || cardErr != nil || pinErr != nil || !v.VerifyPIN(reference, card.Token, got) {
				b.Fatal(openErr, cardErr, pinErr)
			}
		}
	})
}
