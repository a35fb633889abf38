package peer

import "sync"

// taken knows which calls were taken, so that none is taken twice: of each caller the
// highest number and which of those before it (the window of RFC 4303 §3.4.3, wide enough
// for all the calls that a process makes at a time). One that is older than that is not
// taken.
type taken struct {
	mu         sync.Mutex
	young, old map[string]*window // by caller, in two generations: callers come and go
}

// mostCallers bounds the callers that are known.
const mostCallers = 512

// take says whether a call is new, and takes it.
func (t *taken) take(caller string, number uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(caller).take(number)
}

func (t *taken) of(caller string) *window {
	if w, ok := t.young[caller]; ok {
		return w
	}
	w, ok := t.old[caller]
	if !ok {
		w = new(window)
	}
	if t.young == nil || len(t.young) >= mostCallers/2 {
		t.old, t.young = t.young, make(map[string]*window)
	}
	delete(t.old, caller)
	t.young[caller] = w
	return w
}

// A window is so many words in a ring, and so many numbers wide: the word of the highest
// number may be full of higher ones to come.
const (
	windowWords = 256
	windowWidth = (windowWords - 1) * 64
)

// window is which numbers were taken, from the highest downwards.
type window struct {
	highest uint64
	bits    [windowWords]uint64 // a ring: a number's bit is at its rest
}

func (w *window) take(n uint64) bool {
	switch {
	case n == 0 || n+windowWidth <= w.highest:
		return false
	case n > w.highest:
		for word := max(w.highest/64, n/64-min(n/64, windowWords)) + 1; word <= n/64; word++ {
			w.bits[word%windowWords] = 0
		}
		w.highest = n
	case w.bits[n/64%windowWords]&(1<<(n%64)) != 0:
		return false
	}
	w.bits[n/64%windowWords] |= 1 << (n % 64)
	return true
}
