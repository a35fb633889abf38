package scp80

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzOpen feeds a channel any octets: nothing but what it would make itself opens.
func FuzzOpen(f *testing.F) {
	file := vectors(f)
	v := file.find(f, "pay-aes256-keyset1")
	c, err := NewChannel(Modern.Profile(MO, 1), keysOf(v.KIcKey, v.KIDKey))
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range file.Vectors {
		f.Add([]byte(v.Packet))
	}
	for _, n := range file.Negative {
		f.Add([]byte(n.Packet))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		cntr, payload, err := c.Open(packet)
		if err != nil {
			if !errors.Is(err, ErrRefused) || ReasonOf(err) == ReasonNone || payload != nil {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		again, err := c.Wrap(cntr, payload)
		if err != nil || !bytes.Equal(again, packet) {
			t.Fatalf("opened %x, which wraps as %x (%v)", packet, again, err)
		}
	})
}

// FuzzWrap wraps any payload and opens it again.
func FuzzWrap(f *testing.F) {
	c, err := NewChannel(Modern.Profile(MT, 1), keysOf(make([]byte, 32), make([]byte, 16)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(1), []byte("payload"))
	f.Add(uint64(MaxCounter), []byte{})
	f.Fuzz(func(t *testing.T, cntr uint64, payload []byte) {
		packet, err := c.Wrap(cntr, payload)
		if err != nil {
			if cntr <= MaxCounter && len(payload) < 0xFF00 {
				t.Fatal(err)
			}
			return
		}
		got, opened, err := c.Open(packet)
		if err != nil || got != cntr || !bytes.Equal(opened, payload) {
			t.Fatalf("opened %d %x, %v", got, opened, err)
		}
	})
}

func benchmarkChannel(b *testing.B) (*Channel, vector) {
	v := vectors(b).find(b, "pay-aes256-keyset1")
	c, err := NewChannel(Modern.Profile(MO, 1), keysOf(v.KIcKey, v.KIDKey))
	if err != nil {
		b.Fatal(err)
	}
	return c, v
}

// BenchmarkWrap secures a PAY with ready keys.
func BenchmarkWrap(b *testing.B) {
	c, v := benchmarkChannel(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Wrap(1, v.SecuredData); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a PAY with ready keys.
func BenchmarkOpen(b *testing.B) {
	c, v := benchmarkChannel(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Open(v.Packet); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenForged drops a forged PAY: what a flood costs.
func BenchmarkOpenForged(b *testing.B) {
	c, v := benchmarkChannel(b)
	packet := bytes.Clone(v.Packet)
	packet[len(packet)-1] ^= 1
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Open(packet); err == nil {
			b.Fatal("a forged packet opened")
		}
	}
}

// BenchmarkOpenWithKeys opens a PAY and makes the keys ready each time.
func BenchmarkOpenWithKeys(b *testing.B) {
	_, v := benchmarkChannel(b)
	keys := keysOf(v.KIcKey, v.KIDKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Open(Modern.Profile(MO, 1), keys, v.Packet); err != nil {
			b.Fatal(err)
		}
	}
}
