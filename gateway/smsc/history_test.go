package smsc

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A history knows what a map of all messages would, whatever order serial numbers come in.
func TestHistoryIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &remembered{h: newHistory(mostRemembered, time.Hour), live: make(map[uint64]*message)}
		t.Repeat(map[string]func(*rapid.T){"add": w.add, "end": w.end, "": w.check})
	})
}

const mostRemembered = 32

// remembered is what a history should know.
type remembered struct {
	h     *history
	live  map[uint64]*message
	order []uint64 // of those that live
	ended []uint64
}

func (w *remembered) add(t *rapid.T) {
	m := &message{serial: rapid.Uint64Range(1, 4096).Draw(t, "serial")}
	if w.h.find(m.serial) != nil {
		return // serial numbers are not given twice
	}
	w.h.add(m)
	w.live[m.serial] = m
	w.order = append(w.order, m.serial)
}

func (w *remembered) end(t *rapid.T) {
	if len(w.order) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.order)-1).Draw(t, "which")
	m := w.live[w.order[i]]
	w.order = append(w.order[:i], w.order[i+1:]...)
	delete(w.live, m.serial)
	m.ended = time.Now()
	w.h.end(m, m.ended)
	w.ended = append(w.ended, m.serial)
}

func (w *remembered) check(t *rapid.T) {
	for serial, m := range w.live {
		if w.h.find(serial) != m {
			t.Fatalf("live message %d is not found", serial)
		}
	}
	found := make(map[uint64]bool)
	for _, serial := range w.ended {
		if m := w.h.find(serial); m != nil && w.live[serial] == nil {
			found[serial] = true
		}
	}
	size, listed := w.h.size(), len(w.h.list(0))
	if size != len(w.live)+len(found) || listed != size || len(found) > mostRemembered+historyShards {
		t.Fatalf("%d are remembered and %d listed, of %d live and %d finished ones that are found", size, listed, len(w.live), len(found))
	}
}
