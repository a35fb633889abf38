package conformance_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkNeighbours measures what a healthy session pays for what others do: the
// round trip of its submit_sm alone, beside a bad neighbour, and p99 to p99.
func BenchmarkNeighbours(b *testing.B) {
	for _, tc := range []struct {
		name string
		bad  func(ce *centre, ended *atomic.Bool)
	}{
		{"nobody", func(*centre, *atomic.Bool) {}},
		{"silent", func(ce *centre, ended *atomic.Bool) {
			var idle []*peer
			for range 1000 {
				idle = append(idle, ce.bound(bindTransceiver, "platform"))
			}
			wait(ended)
			for _, p := range idle {
				p.close()
			}
		}},
		{"garbage", func(ce *centre, ended *atomic.Bool) {
			for !ended.Load() {
				p := ce.connect()
				p.send([]byte("GET / HTTP/1.1\r\nHost: smsc.example\r\n\r\n"))
				_, _ = p.read()
				p.close()
			}
		}},
		{"malformed", func(ce *centre, ended *atomic.Bool) {
			p := ce.bound(bindTransceiver, "platform")
			for !ended.Load() {
				p.asks(submitSM, 2, submit(func(m *message) { m.length = "\xff" }), 0x01)
			}
			p.close()
		}},
		{"binds", func(ce *centre, ended *atomic.Bool) {
			for !ended.Load() {
				ce.bound(bindTransceiver, "platform").close()
			}
		}},
		{"deaf", func(ce *centre, ended *atomic.Bool) {
			p := ce.bound(bindTransceiver, "platform")
			many := []byte(strings.Repeat(string(pdu(enquireLink, 5, "")), 1000))
			for rest := many; !ended.Load(); {
				_ = p.conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
				n, _ := p.conn.Write(rest)
				if rest = rest[n:]; len(rest) == 0 {
					rest = many
				}
			}
			p.close()
		}},
	} {
		b.Run(tc.name, func(b *testing.B) { beside(b, tc.bad) })
	}
}

// wait is for the end of a measurement.
func wait(ended *atomic.Bool) {
	for !ended.Load() {
		time.Sleep(time.Millisecond)
	}
}

// beside measures a session alone and then with a neighbour.
func beside(b *testing.B, bad func(ce *centre, ended *atomic.Bool)) {
	cfg := config()
	cfg.Store = 1 << 30
	ce := listen(b, cfg)
	p := ce.bound(bindTransceiver, "shop")
	defer p.close()
	p99(p, 5*batch) // to warm up
	alone := p99(p, b.N)
	var ended atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { bad(ce, &ended) })
	b.ResetTimer()
	together := p99(p, b.N)
	b.StopTimer()
	ended.Store(true)
	wg.Wait()
	b.ReportMetric(float64(alone.Microseconds()), "p99-alone-us")
	b.ReportMetric(float64(together.Microseconds()), "p99-us")
	b.ReportMetric(float64(together)/float64(alone), "p99-ratio")
}

// batch is how many round trips a p99 is taken of.
const batch = 500

// p99 is that of round trips: the median of those of many batches, so that what else
// the machine does in between counts for little.
func p99(p *peer, n int) time.Duration {
	p.t.Helper()
	var all []time.Duration
	for done := 0; done < n; done += batch {
		took := make([]time.Duration, min(batch, n-done))
		for i := range took {
			begin := time.Now()
			p.asks(submitSM, uint32(i+1), submit(to("8613800000002")), 0)
			took[i] = time.Since(begin)
		}
		slices.Sort(took)
		all = append(all, took[len(took)*99/100])
	}
	slices.Sort(all)
	return all[len(all)/2]
}
