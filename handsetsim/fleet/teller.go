package fleet

import (
	"sync"

	"github.com/airtill/airtill/handsetsim"
)

// tellerMost is how many events may wait for a slow observer.
const tellerMost = 64 << 10

// teller hands events to the observer, in order, from a goroutine of its own, so
// that no phone waits for it.
type teller struct {
	observer func(handsetsim.Event)
	wake     chan struct{}

	mu     sync.Mutex
	events []handsetsim.Event
	lost   uint64
}

func newTeller(observer func(handsetsim.Event)) *teller {
	return &teller{observer: observer, wake: make(chan struct{}, 1)}
}

func (t *teller) tell(events []handsetsim.Event) {
	if t.observer == nil || len(events) == 0 {
		return
	}
	t.mu.Lock()
	room := min(len(events), tellerMost-len(t.events))
	t.events = append(t.events, events[:room]...)
	t.lost += uint64(len(events) - room)
	t.mu.Unlock()
	nudge(t.wake)
}

func (t *teller) run(stop <-chan struct{}) {
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
	t.mu.Unlock()
	for _, e := range events {
		t.observer(e)
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
