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

// TestSlowReader: a reader of the feed who lags is cut off, and so is every one when events
// are lost; those who keep up are told all, in order.
func TestSlowReader(t *testing.T) {
	tl := newTeller(nil)
	tl.tell([]handsetsim.Event{{Detail: "nobody listens"}})
	slow, quick := tl.follow(), tl.follow()
	seen := 0
	for range readerMost + 5 {
		tl.tell([]handsetsim.Event{{}})
		tl.flush()
		seen += len(<-quick.batches)
	}
	kept := 0
	for range slow.batches { // it is closed
		kept++
	}
	if seen != readerMost+5 || kept != readerMost {
		t.Errorf("%d came to the quick one, %d to the slow one", seen, kept)
	}
	tl.unfollow(slow)
	tl.tell(make([]handsetsim.Event, tellerMost+1))
	if _, open := <-quick.batches; open || tl.missed() != 1 {
		t.Errorf("open %v, %d missed", open, tl.missed())
	}
	tl.unfollow(quick)
	if tl.heard.Load() {
		t.Error("somebody listens still")
	}
}
