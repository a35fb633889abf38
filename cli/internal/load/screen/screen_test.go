package screen

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what was made with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not as in %s (go test -update writes it anew):\n%s", path, got)
	}
}

// environment is a process's, for tests.
func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// ladder is a plausible one with the median.
func ladder(p50 float64) load.Ladder {
	return load.Ladder{Min: p50 / 4, Mean: p50 * 1.2, P50: p50, P75: p50 * 1.5, P90: p50 * 2.2, P95: p50 * 3, P99: p50 * 6, P999: p50 * 14, Max: p50 * 40}
}

// running is a run halfway, with something of everything.
func running() State {
	s := State{Snapshot: load.Snapshot{
		Name: "evening peak", Seed: 42, Model: load.Open, Phase: "run", Stage: "2/3 200/s", Elapsed: 75 * time.Second, Length: 2*time.Minute + 30*time.Second,
		Handsets: 10_000, Active: 1875,
		Totals: load.Totals{Due: 14_321, Dropped: 12, Begun: 14_309, OK: 13_650, Failed: 471, InFlight: 188},
		Causes: map[load.Cause]int64{load.Declined: 402, load.BadPIN: 48, load.Expired: 17, load.CallbackTimeout: 3, load.OrderTimeout: 1, load.DLRUndelivered: 0},
	}}
	medians := map[load.Step]float64{load.Create: 1.84, load.Push: 12.3, load.DLR: 15.9, load.Reply: 8.72, load.Pay: 41.5, load.Callback: 6.1, load.E2E: 3240, load.System: 47.2}
	for i, step := range load.Steps() {
		n := load.StepNow{Step: step, Count: int64(14_309 - 120*i), Failed: int64(i * i), Ladder: ladder(medians[step])}
		for j := range 24 {
			n.Recent = append(n.Recent, medians[step]*float64(3+(j*(i+5))%9))
		}
		s.Steps = append(s.Steps, n)
	}
	for i := range 75 {
		at := float64(i + 1)
		asked := min(50+at*4, 200)
		begun := asked - float64(i%3)
		s.Past = append(s.Past, load.Interval{At: at, Asked: asked, Begun: begun, Done: begun * 0.98, Dropped: int64(i % 25 / 24 * 4), InFlight: int64(2*i + i%5), Lag: 0.4 + float64(i%7)/5,
			CPU: 0.61 + float64(i%10)/50, Server: 0.4 + float64(i%6)/50, E2E: ladder(3240 + at), Pay: ladder(41.5 + at/3)})
	}
	s.Last = s.Past[len(s.Past)-1]
	return s
}
