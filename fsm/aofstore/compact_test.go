package aofstore

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// TestCompactedWhileWritten: what is written while the file is compacted is in the new one,
// and what was, and each once.
func TestCompactedWhileWritten(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	h := take(t, s, 0)
	fill(t, h, 200)
	for range 5 {
		var compaction sync.WaitGroup
		compaction.Go(func() {
			if err := s.compact(); err != nil {
				t.Error(err)
			}
		})
		fill(t, h, 50)
		compaction.Wait()
	}
	want := state(t, s)
	mustClose(t, s)
	s = mustOpen(t, Options{Dir: dir})
	defer mustClose(t, s)
	if got := state(t, s); got != want {
		t.Errorf("after a restart there is\n%q, want\n%q", got, want)
	}
}

// BenchmarkCompaction commits, a small batch after the other, while a file of so many live
// bills is compacted.
func BenchmarkCompaction(b *testing.B) {
	for _, bills := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(bills), func(b *testing.B) {
			dir := b.TempDir()
			s := mustOpen(b, Options{Dir: dir, floor: 1 << 50})
			h := take(b, s, 0)
			for n := 0; n < bills; n += 1000 {
				live(b, h, n)
			}
			quiet := commitTimes(b, h, func() { time.Sleep(time.Second) })
			for b.Loop() {
				times := commitTimes(b, h, func() {
					if err := s.compact(); err != nil {
						b.Error(err)
					}
				})
				b.ReportMetric(float64(quiet[len(quiet)*99/100].Microseconds())/1000, "ms-p99-before")
				b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "ms-p99")
				b.ReportMetric(float64(times[len(times)-1].Microseconds())/1000, "ms-most")
				b.ReportMetric(float64(len(times)), "commits")
			}
			b.StopTimer()
			mustClose(b, s)
			began := time.Now()
			s = mustOpen(b, Options{Dir: dir, floor: 1 << 50})
			b.ReportMetric(time.Since(began).Seconds(), "s-replay")
			mustClose(b, s)
		})
	}
}

// live commits a thousand live bills.
func live(b *testing.B, h engine.Hold, n int) {
	batch := engine.Batch{Seq: h.Seq() + 1, Journal: []engine.Event{{Subject: "bills", Name: "create"}}}
	text := strings.Repeat("x", 900)
	for i := n; i < n+1000; i++ {
		id := fmt.Sprintf("bill_%026d", i)
		batch.Puts = append(batch.Puts, engine.Put{Key: "bill:" + id, Value: []byte(text)})
		batch.Wakes = append(batch.Wakes, engine.Due{ID: id, At: time.UnixMilli(int64(1_700_000_000_000 + i))})
	}
	if err := h.Commit(b.Context(), &batch); err != nil {
		b.Fatal(err)
	}
}

// commitTimes commits until do is done, and answers how long each took, sorted.
func commitTimes(b *testing.B, h engine.Hold, do func()) []time.Duration {
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	var times []time.Duration
	for {
		began := time.Now()
		batch := engine.Batch{Seq: h.Seq() + 1, Puts: []engine.Put{{Key: "bill:one", Value: []byte("text")}}}
		if err := h.Commit(b.Context(), &batch); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
		select {
		case <-done:
			slices.Sort(times)
			return times
		default:
		}
	}
}
