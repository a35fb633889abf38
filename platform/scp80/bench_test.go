package scp80

import (
	"bytes"
	"testing"
)

// pays runs a benchmark with a PAY of each suite: its channel, keys, payload and packet.
func pays(b *testing.B, run func(b *testing.B, c *Channel, v vector)) {
	b.Helper()
	for _, id := range []string{"pay-aes256-keyset1", "pay-3des2-keyset3"} {
		v := vectors(b).find(b, id)
		b.Run(suiteOf(v).String(), func(b *testing.B) {
			if v.needsTDES() {
				legacy(b)
			}
			c, err := NewChannel(suiteOf(v).Profile(MO, 1), keysOf(v.KIcKey, v.KIDKey))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			run(b, c, v)
		})
	}
}

func suiteOf(v vector) Suite {
	if v.needsTDES() {
		return Legacy
	}
	return Modern
}

// BenchmarkWrap secures a PAY with ready keys.
func BenchmarkWrap(b *testing.B) {
	pays(b, func(b *testing.B, c *Channel, v vector) {
		for b.Loop() {
			if _, err := c.Wrap(1, v.SecuredData); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpen opens a PAY with ready keys.
func BenchmarkOpen(b *testing.B) {
	pays(b, func(b *testing.B, c *Channel, v vector) {
		for b.Loop() {
			if _, _, err := c.Open(v.Packet); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpenForged drops a forged PAY: what a flood costs.
func BenchmarkOpenForged(b *testing.B) {
	pays(b, func(b *testing.B, c *Channel, v vector) {
		packet := bytes.Clone(v.Packet)
		packet[len(packet)-1] ^= 1
		for b.Loop() {
			if _, _, err := c.Open(packet); err == nil {
				b.Fatal("a forged packet opened")
			}
		}
	})
}

// BenchmarkOpenWithKeys opens a PAY and makes the keys ready each time.
func BenchmarkOpenWithKeys(b *testing.B) {
	pays(b, func(b *testing.B, c *Channel, v vector) {
		keys := keysOf(v.KIcKey, v.KIDKey)
		for b.Loop() {
			if _, _, err := Open(c.profile, keys, v.Packet); err != nil {
				b.Fatal(err)
			}
		}
	})
}
