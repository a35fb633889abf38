package applet

import (
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// each runs a benchmark in every suite that the process may have.
func each(b *testing.B, run func(b *testing.B, s scp80.Suite)) {
	for _, s := range suites() {
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			run(b, s)
		})
	}
}

// BenchmarkPINKey derives a PIN key as the platform does, with 8 one bits in its counter.
func BenchmarkPINKey(b *testing.B) {
	each(b, func(b *testing.B, s scp80.Suite) {
		key := initialKey(s)
		for b.Loop() {
			if _, err := DerivePINKey(s, key, keySerial, 0x0F0F); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkNextPINKey takes an element's next PIN key.
func BenchmarkNextPINKey(b *testing.B) {
	each(b, func(b *testing.B, s scp80.Suite) {
		k, err := NewPINKeys(s, initialKey(s), keySerial)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, _, err := k.Next(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPay encodes and decodes a PAY.
func BenchmarkPay(b *testing.B) {
	each(b, func(b *testing.B, s scp80.Suite) {
		m := samplePay(b, s)
		for b.Loop() {
			if _, err := Decode(s, Encode(s, m)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrapPay encodes a PAY and secures it, as an element does.
func BenchmarkWrapPay(b *testing.B) {
	each(b, func(b *testing.B, s scp80.Suite) {
		m, c := samplePay(b, s), channel(b, s)
		for b.Loop() {
			if _, err := c.Wrap(1, Encode(s, m)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpenPay opens a secured PAY and decodes it, as the platform does.
func BenchmarkOpenPay(b *testing.B) {
	each(b, func(b *testing.B, s scp80.Suite) {
		c := channel(b, s)
		packet, err := c.Wrap(1, Encode(s, samplePay(b, s)))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			_, payload, err := c.Open(packet)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := Decode(s, payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}
