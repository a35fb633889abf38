package cputime

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7 (redis-server) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 5 0 1 2 3": 2 * time.Second,
		"7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 1 0 0 0 20":                      10 * time.Millisecond,
		"": 0, "7 (x) S 1": 0, "7 (x) S 1 7 7 0 -1 4194560 1 0 0 0 x y 0 0 20": 0,
	} {
		if got := parseStat(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// What a process has used does not become less.
func TestSelf(t *testing.T) {
	before := Self()
	if after := Self(); before < 0 || after < before {
		t.Errorf("%v, then %v", before, after)
	}
	if gone := Of(1 << 30); gone != 0 {
		t.Errorf("a process that is not there has used %v", gone)
	}
}
