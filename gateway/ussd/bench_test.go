package ussd_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// BenchmarkSession is a session of four messages (dial, ask, answer, end) on each of
// many handsets, all of them delivered.
func BenchmarkSession(b *testing.B) {
	const handsets = 1000
	for _, ends := range []int{1, 2} {
		b.Run(fmt.Sprintf("goroutines=%d", ends), func(b *testing.B) {
			c := config()
			s, err := ussd.New(c, instant{})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			var served, at sync.WaitGroup
			served.Go(func() { _ = s.Serve(ctx) })
			b.ReportAllocs()
			b.ResetTimer()
			for end := range ends {
				at.Go(func() {
					script := scripts(b, handsets, end)
					for i := range b.N / ends {
						for k, sm := range script[i%handsets] {
							if status := s.Take([]string{"fleet", "shop"}[k%2], sm); status != smpp.ROK {
								b.Errorf("step %d: %v", k, status)
								return
							}
						}
					}
				})
			}
			at.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
			stop()
			served.Wait()
		})
	}
}

// scripts is a session's messages for each handset.
func scripts(b *testing.B, handsets, end int) [][4]*smpp.SubmitSM {
	b.Helper()
	list := make([][4]*smpp.SubmitSM, handsets)
	for i := range list {
		for k, m := range []ussd.Message{
			{Kind: ussd.Dial}, {Kind: ussd.Ask, Text: "1 Pay\n2 Refuse"}, {Kind: ussd.Answer, Text: "1"}, {Kind: ussd.End, Text: "Paid"},
		} {
			m.Phone, m.Code = fmt.Sprintf("2547%d%07d", end, i), code
			sm, err := ussd.Spec.Encode(m)
			if err != nil {
				b.Fatal(err)
			}
			list[i][k] = sm
		}
	}
	return list
}

// BenchmarkDecode reads one message of a handset.
func BenchmarkDecode(b *testing.B) {
	sm, err := ussd.Spec.Encode(ussd.Message{Kind: ussd.Answer, Phone: phone, Code: code, ID: 1, Text: "1"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ussd.Spec.Decode(true, sm); err != nil {
			b.Fatal(err)
		}
	}
}
