package app

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/enginebench"
)

// What programs read of a run.
var engineKeys = []string{
	"bills", "bills_per_s", "bytes_per_bill", "errors", "fsync", "go_cpu_us_per_bill", "in_flight", "load_average",
	"p50_ms", "p999_ms", "p99_ms", "partitions", "processors", "rate", "ratio", "redis_cpu_us_per_bill", "replay_cpu_us_per_bill",
	"replay_per_s", "replayed_bills", "seconds", "steps_per_commit", "store",
}

func TestBenchEngine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	for _, tt := range []struct {
		name, flags, store, fsync string
		inFlight                  int
	}{
		{"embedded", "--in-flight 50", "embedded", "off", 50},
		{"kept", "--store " + dir, dir, "always", 4096},
		{"open loop", "--rate 5000", "embedded", "off", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			got := s.run(append([]string{"bench", "engine", "--json", "--bills", "300"}, strings.Fields(tt.flags)...)...)
			s.check(got, 0)
			var keys map[string]any
			var r enginebench.Result
			for _, into := range []any{&keys, &r} {
				if err := json.Unmarshal([]byte(got.stdout), into); err != nil {
					t.Fatal(err)
				}
			}
			if names := slices.Sorted(maps.Keys(keys)); !slices.Equal(names, engineKeys) {
				t.Errorf("the result has %v, want %v", names, engineKeys)
			}
			if r.Store != tt.store || r.Fsync != tt.fsync || r.InFlight != tt.inFlight || r.Bills != 300 || r.ReplayedBills != 300 || r.Partitions != 2*runtime.GOMAXPROCS(0) {
				t.Errorf("the result is %+v", r)
			}
			if r.BillsPerS <= 0 || r.Ratio <= 0 || r.P50 <= 0 || r.P999 < r.P50 || r.GoCPUPer <= 0 || r.RedisCPUPer <= 0 || r.BytesPer < 500 || r.StepsPerCommit < 1 {
				t.Errorf("something was not measured: %+v", r)
			}
		})
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left over: %v", dir, err)
	}
}

func TestBenchEngineKeepsOthersFiles(t *testing.T) {
	s := newShell(t)
	dir := t.TempDir()
	profile := filepath.Join(dir, "cpu")
	s.check(s.run("bench", "engine", "--store", dir, "--bills", "10", "--profile", profile), 0)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "cpu" {
		t.Errorf("the directory has %v, %v", files, err)
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v", err)
	}
}

func TestBenchEngineWrongUse(t *testing.T) {
	for _, tt := range []struct{ flags, want string }{
		{"--store=", "--store is empty: say embedded, redis://HOST:PORT/DB, or a directory"},
		{"--store http://:hush@x", "--store: it is no URL of one server, like redis://127.0.0.1:6379/9"},
		{"--store redis://a:1,redis://b:1", "--store: it is no URL of one server, like redis://127.0.0.1:6379/9"},
		{"--fresh", "--fresh is for a Redis: other stores are new"},
		{"--bills -1", "a number is negative"},
		{"--rate 5 --in-flight 5", "an open loop has a rate, a closed one a count in flight: not both"},
		{"--partitions 100000", "engine: 100000 partitions: 1 to 65536 are possible"},
	} {
		s := newShell(t)
		got := s.run(append([]string{"bench", "engine"}, strings.Fields(tt.flags)...)...)
		first, _, _ := strings.Cut(got.stderr, "\n")
		if _, text, _ := strings.Cut(first, ": "); got.status != StatusUsage || text != tt.want || strings.Contains(got.stderr, "hush") {
			t.Errorf("%s: %+v\nwant %s", tt.flags, got, tt.want)
		}
	}
}

// A directory that cannot be is a failure that says so.
func TestBenchEngineNoDirectory(t *testing.T) {
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.run("bench", "engine", "--store", filepath.Join(file, "dir"))
	if got.status != StatusFailed || !strings.Contains(got.stderr, "keep a store in the directory") || got.stdout != "" {
		t.Errorf("%+v", got)
	}
}
