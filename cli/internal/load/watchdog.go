package load

import (
	"context"
	"math"
	"os"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/airtill/airtill/cli/internal/cputime"
)

// watchEvery is how often the watchdog looks at the clock.
const watchEvery = 20 * time.Millisecond

// Watchdog watches the generator itself: whether it is held up, and what it uses.
type Watchdog struct {
	// Wait is what it sleeps by until its next look; tests have it sleep too long. It is
	// not changed once the watchdog runs.
	Wait func(context.Context, time.Duration) error

	pids []int // of the other processes of the system under test

	mu      sync.Mutex
	stalls  int64
	stalled time.Duration
	longest time.Duration
	ended   time.Time // the longest
	since   usage     // the start, or the last Forget
	looked  usage
	pauses  []uint64 // of the garbage collector until then, by length
}

// usage is what was used up to a moment.
type usage struct {
	at          time.Time
	own, server time.Duration
}

// NewWatchdog makes one for this process, and for the processes of the system under test
// whose ids are known, if that is another.
func NewWatchdog(pids ...int) *Watchdog {
	w := &Watchdog{pids: pids, Wait: sleep}
	w.Forget()
	return w
}

// Forget leaves out of account what has been until now: enrolment, say, or the warm-up.
func (w *Watchdog) Forget() {
	now, pauses := w.usage(), gcPauses()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalls, w.stalled, w.longest, w.ended = 0, 0, 0, time.Time{}
	w.since, w.looked, w.pauses = now, now, pauses.Counts
}

// Run looks at the clock 50 times a second until ctx ends, and counts the times it was
// held up for longer than StallLimit: then so was all of this process.
func (w *Watchdog) Run(ctx context.Context) {
	for last := time.Now(); ; {
		if w.Wait(ctx, watchEvery) != nil {
			return
		}
		now := time.Now()
		w.note(now, now.Sub(last)-watchEvery)
		last = now
	}
}

// note counts a stall that ends now, if one was held up for long enough.
func (w *Watchdog) note(now time.Time, held time.Duration) {
	if held <= StallLimit {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalls++
	w.stalled += held
	if held > w.longest {
		w.longest, w.ended = held, now
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usage is what this process and the others have used until now.
func (w *Watchdog) usage() usage {
	u := usage{at: time.Now(), own: cputime.Self()}
	for _, pid := range w.pids {
		u.server += cputime.Of(pid)
	}
	return u
}

// cores are used on average since a moment before. A process that has ended since, or
// that the system says nothing of, uses none.
func (u usage) cores(before usage) (own, server float64) {
	seconds := u.at.Sub(before.at).Seconds()
	if seconds <= 0 {
		return 0, 0
	}
	return (u.own - before.own).Seconds() / seconds, max(0, (u.server-before.server).Seconds()/seconds)
}

// Look says how many cores this process and the system under test used since the last
// Look, or since the start.
func (w *Watchdog) Look() (cpu, server float64) {
	now := w.usage()
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.looked
	w.looked = now
	return now.cores(before)
}

// Stalled is how long the generator was held up in all, since the start or since Forget.
func (w *Watchdog) Stalled() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stalled
}

// Generator says how the generator did since the start, or since Forget. Its lag is the
// Recorder's.
func (w *Watchdog) Generator() Generator {
	now, pauses := w.usage(), gcPauses()
	w.mu.Lock()
	defer w.mu.Unlock()
	g := Generator{
		GCPauseMax: longestPause(pauses, w.pauses), HeapMB: heapMB(), Files: openFiles(),
		Stalls: w.stalls, Stalled: milliseconds(w.stalled), StallMax: milliseconds(w.longest),
	}
	if w.stalls > 0 {
		g.StallEnd = w.ended.Sub(w.since.at).Seconds()
	}
	g.CPU, g.Server = now.cores(w.since)
	return g
}

// What the runtime is asked.
const (
	metricPauses = "/sched/pauses/total/gc:seconds"
	metricHeap   = "/memory/classes/heap/objects:bytes"
)

func readMetric(name string) metrics.Value {
	all := []metrics.Sample{{Name: name}}
	metrics.Read(all)
	return all[0].Value
}

// gcPauses counts the pauses of the garbage collector, by their length.
func gcPauses() metrics.Float64Histogram {
	v := readMetric(metricPauses)
	if v.Kind() != metrics.KindFloat64Histogram {
		return metrics.Float64Histogram{}
	}
	return *v.Float64Histogram()
}

// longestPause is the longest in milliseconds of those that were not before, to within
// the width of the runtime's buckets.
func longestPause(h metrics.Float64Histogram, before []uint64) float64 {
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if i < len(before) && h.Counts[i] == before[i] || h.Counts[i] == 0 {
			continue
		}
		if upper := h.Buckets[i+1]; !math.IsInf(upper, 1) {
			return upper * 1000
		}
		return h.Buckets[i] * 1000
	}
	return 0
}

func heapMB() float64 {
	v := readMetric(metricHeap)
	if v.Kind() != metrics.KindUint64 {
		return 0
	}
	return float64(v.Uint64()) / (1 << 20)
}

// openFiles is how many files this process has open; 0 where it cannot be told.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not Linux
	}
	return len(entries)
}
