package fleet

import (
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/handsetsim"
)

// tellerMost is how many events may wait for a slow observer.
const tellerMost = 64 << 10

// teller hands events to the observer and to those who follow the feed, in order, from a
// goroutine of its own, so that no phone waits for them.
type teller struct {
	observer func(handsetsim.Event)
	wake     chan struct{}
	heard    atomic.Bool // somebody listens

	mu      sync.Mutex
	events  []handsetsim.Event
	lost    uint64
	readers map[*reader]struct{}
	ended   bool
}

func newTeller(observer func(handsetsim.Event)) *teller {
	t := &teller{observer: observer, wake: make(chan struct{}, 1), readers: make(map[*reader]struct{})}
	t.heard.Store(observer != nil)
	return t
}

func (t *teller) tell(events []handsetsim.Event) {
	if len(events) == 0 || !t.heard.Load() {
		return
	}
	t.mu.Lock()
	room := min(len(events), tellerMost-len(t.events))
	t.events = append(t.events, events[:room]...)
	t.lost += uint64(len(events) - room)
	if room < len(events) {
		t.cutAllOff()
	}
	t.mu.Unlock()
	nudge(t.wake)
}

func (t *teller) run(stop <-chan struct{}) {
	t.end(false)
	defer t.end(true)
	for {
		t.flush()
		select {
		case <-t.wake:
		case <-stop:
			t.flush()
			return
		}
	}
}

func (t *teller) flush() {
	t.mu.Lock()
	events := t.events
	t.events = nil
	if len(events) > 0 {
		t.tellReaders(events)
	}
	t.mu.Unlock()
	if t.observer == nil {
		return
	}
	for _, e := range events {
		t.observer(e)
	}
}

// end says whether the teller has ended: then so has every feed.
func (t *teller) end(ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = ended
	if ended {
		t.cutAllOff()
	}
}

// cutAllOff ends every feed. The lock is held.
func (t *teller) cutAllOff() {
	for r := range t.readers {
		t.cutOff(r)
	}
}

func (t *teller) missed() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// nudge wakes whoever waits on c, now or when they next look.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
