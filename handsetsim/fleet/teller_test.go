package fleet

import (
	"testing"

	"github.com/airtill/airtill/handsetsim"
)

// TestSlowObserver loses what it has no room for, counts it, and keeps the order of the rest.
func TestSlowObserver(t *testing.T) {
	var seen []string
	tl := newTeller(func(e handsetsim.Event) { seen = append(seen, e.Detail) })
	batch := make([]handsetsim.Event, 1000)
	for range 70 {
		tl.tell(batch)
	}
	if lost := tl.missed(); lost != 70_000-tellerMost {
		t.Errorf("lost %d, want %d", lost, 70_000-tellerMost)
	}
	stop := make(chan struct{})
	close(stop)
	tl.run(stop)
	tl.tell([]handsetsim.Event{{Detail: "a"}, {Detail: "b"}})
	tl.run(stop)
	if len(seen) != tellerMost+2 || seen[tellerMost] != "a" || seen[tellerMost+1] != "b" {
		t.Errorf("%d events seen", len(seen))
	}
}
