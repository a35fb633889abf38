package engine

import (
	"container/heap"
	"time"
)

// wakes are a partition's wake-ups, the next one first.
type wakes struct {
	byID map[string]*wake
	heap wakeHeap
}

type wake struct {
	id   string
	at   time.Time
	rank int64 // of at, which is cheaper to compare
	i    int   // in the heap
	ours bool  // the time is not the one that is kept
}

func newWake(id string, at time.Time) *wake { return &wake{id: id, at: at, rank: at.UnixMicro()} }

func newWakes(kept []Due) *wakes {
	w := &wakes{byID: make(map[string]*wake, len(kept))}
	for i, d := range kept {
		entry := newWake(d.ID, d.At)
		entry.i = i
		w.byID[d.ID] = entry
		w.heap = append(w.heap, entry)
	}
	heap.Init(&w.heap)
	return w
}

// set says whether that is news for the store.
func (w *wakes) set(id string, at time.Time) (news bool) {
	entry, ok := w.byID[id]
	switch {
	case !ok:
		entry = newWake(id, at)
		w.byID[id] = entry
		heap.Push(&w.heap, entry)
		return true
	case entry.at.Equal(at):
		news, entry.ours = entry.ours, false
		return news
	}
	entry.at, entry.rank, entry.ours = at, at.UnixMicro(), false
	heap.Fix(&w.heap, entry.i)
	return true
}

// setHere sets a wake-up for the time that this memory lives; another one is kept, or none.
func (w *wakes) setHere(id string, at time.Time) {
	w.set(id, at)
	w.byID[id].ours = true
}

func (w *wakes) remove(id string) {
	if entry, ok := w.byID[id]; ok {
		heap.Remove(&w.heap, entry.i)
		delete(w.byID, id)
	}
}

// next answers when the next one is due.
func (w *wakes) next() (time.Time, bool) {
	if len(w.heap) == 0 {
		return time.Time{}, false
	}
	return w.heap[0].at, true
}

// pop takes one that is due by now.
func (w *wakes) pop(now time.Time) (Due, bool) {
	if at, ok := w.next(); !ok || at.After(now) {
		return Due{}, false
	}
	entry := heap.Pop(&w.heap).(*wake)
	delete(w.byID, entry.id)
	return Due{ID: entry.id, At: entry.at}, true
}

type wakeHeap []*wake

func (h wakeHeap) Len() int { return len(h) }
func (h wakeHeap) Less(i, j int) bool {
	return h[i].rank < h[j].rank || h[i].rank == h[j].rank && h[i].id < h[j].id
}
func (h wakeHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].i, h[j].i = i, j
}

func (h *wakeHeap) Push(x any) {
	entry := x.(*wake)
	entry.i = len(*h)
	*h = append(*h, entry)
}

func (h *wakeHeap) Pop() any {
	old := *h
	entry := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return entry
}
