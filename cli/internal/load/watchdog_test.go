package load

import (
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/cli/internal/cputime"
)

// TestStalls: what holds up the watchdog for over 100 ms is counted, what is shorter is
// not, and what was before Forget neither.
func TestStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := []time.Duration{0, 50 * time.Millisecond, StallLimit, 300 * time.Millisecond, 0, 2 * time.Second}
		w := NewWatchdog()
		w.note(time.Now(), time.Minute)
		w.Forget()
		ctx, cancel := context.WithCancel(t.Context())
		w.Wait = func(ctx context.Context, d time.Duration) error {
			if len(held) == 0 {
				cancel()
				return ctx.Err()
			}
			extra := held[0]
			held = held[1:]
			return sleep(ctx, d+extra)
		}
		w.Run(ctx)
		if g := w.Generator(); g.Stalls != 2 || g.Stalled != 2300 || g.StallMax != 2000 || g.StallEnd < 2.3 || g.StallEnd > 2.7 {
			t.Errorf("%+v", g)
		}
	})
}

// TestWatchdogEnds: it ends with its context.
func TestWatchdogEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatchdog()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.Run(ctx)
		if g := w.Generator(); g.Stalls != 0 {
			t.Errorf("%+v", g)
		}
	})
}

// TestUsage: a process that works uses CPU, its own and as another process's.
func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Logf("%s does not tell of other processes", runtime.GOOS)
		return
	}
	w := NewWatchdog(os.Getpid())
	for before := cputime.Of(os.Getpid()); cputime.Of(os.Getpid()) < before+5*cputime.Tick; {
		runtime.GC()
	}
	cpu, server := w.Look()
	if cpu <= 0 || server <= 0 {
		t.Errorf("%v cores, %v of the server", cpu, server)
	}
	g := w.Generator()
	if g.CPU <= 0 || g.Server <= 0 || g.HeapMB <= 0 || g.Files < 3 || g.GCPauseMax <= 0 {
		t.Errorf("%+v", g)
	}
	if gone := NewWatchdog(1 << 30); gone.usage().server != 0 {
		t.Error("a process that is not there uses CPU")
	}
}

func TestCores(t *testing.T) {
	at := time.Unix(0, 0)
	before := usage{at: at, own: time.Second, server: 5 * time.Second}
	own, server := (usage{at: at.Add(2 * time.Second), own: 4 * time.Second, server: 6 * time.Second}).cores(before)
	if own != 1.5 || server != 0.5 {
		t.Errorf("%v, %v", own, server)
	}
	if own, server := before.cores(before); own != 0 || server != 0 {
		t.Errorf("in no time %v, %v", own, server)
	}
	if _, server := (usage{at: at.Add(time.Second), own: time.Second}).cores(before); server != 0 {
		t.Errorf("a server that has ended uses %v", server)
	}
}

func TestLongestPause(t *testing.T) {
	h := metrics.Float64Histogram{Buckets: []float64{0, 0.001, 0.01, 0.1}, Counts: []uint64{9, 5, 2}}
	if got := longestPause(h, nil); got != 100 {
		t.Errorf("of all %v ms", got)
	}
	if got := longestPause(h, []uint64{0, 4, 2}); got != 10 {
		t.Errorf("since then %v ms", got)
	}
	if got := longestPause(h, h.Counts); got != 0 {
		t.Errorf("of none %v ms", got)
	}
}
