package tpdu_test

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/tpdu"
)

// benchmarkTexts are one part each.
var benchmarkTexts = map[string]string{
	"default": strings.Repeat("Your bill of 12.50 is paid. ", 5), "extension": strings.Repeat("[5€] ", 20),
	"turkish": strings.Repeat("Ödemeniz alındı, teşekkürler. ", 4), "hindi": strings.Repeat("आपका भुगतान ", 10), "ucs2": strings.Repeat("请支付", 20),
}

func BenchmarkCompose(b *testing.B) {
	for name, text := range benchmarkTexts {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tpdu.Compose(text, tpdu.Smallest(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	for name, text := range benchmarkTexts {
		s, err := tpdu.Compose(text, tpdu.Smallest(text))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Text(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	s, err := tpdu.Compose(strings.Repeat(benchmarkTexts["default"], 5), tpdu.Writing{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Divide(tpdu.ByHeader8, 7); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	septets := []byte(strings.Repeat("a", tpdu.MaxSeptets))
	b.ReportAllocs()
	for b.Loop() {
		tpdu.Pack(septets, 0)
	}
}

func BenchmarkUnpack(b *testing.B) {
	packed := tpdu.Pack([]byte(strings.Repeat("a", tpdu.MaxSeptets)), 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpdu.Unpack(packed, tpdu.MaxSeptets, 0); err != nil {
			b.Fatal(err)
		}
	}
}
