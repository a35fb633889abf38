package enginebench

import (
	"runtime"
	"testing"
)

func TestProcessors(t *testing.T) {
	all := runtime.GOMAXPROCS(0)
	for _, test := range []struct {
		config Config
		set    string // GOMAXPROCS
		want   int
	}{
		{Config{}, "", all},
		{Config{Dir: "/var/tmp/x"}, "", all},
		{Config{URL: "redis://127.0.0.1:6379/9"}, "", max(1, all-1)},
		{Config{URL: "redis://localhost:6379/9"}, "", max(1, all-1)},
		{Config{URL: "redis://[::1]:6379/9"}, "", max(1, all-1)},
		{Config{URL: "redis://10.0.0.7:6379/9"}, "", all},
		{Config{URL: "redis://127.0.0.1:6379/9"}, "8", all},
		{Config{URL: "redis://127.0.0.1:6379/9", Processors: 3}, "", 3},
	} {
		t.Setenv("GOMAXPROCS", test.set)
		if got := test.config.processors(); got != test.want {
			t.Errorf("%+v with GOMAXPROCS=%s: %d processors, want %d", test.config, test.set, got, test.want)
		}
	}
	undo := limit(all + 1)
	during := runtime.GOMAXPROCS(0)
	undo()
	if after := runtime.GOMAXPROCS(0); during != all+1 || after != all {
		t.Errorf("%d processors during the run, %d after it, want %d and %d", during, after, all+1, all)
	}
}
