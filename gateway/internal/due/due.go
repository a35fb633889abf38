// Package due keeps what is to be done at some instant, the first before the others.
package due

import (
	"container/heap"
	"time"
)

// Timer is a place in a Heap, and what is due there.
type Timer[T any] struct {
	Of    T
	Order uint64 // of two at one instant, the lower is first

	at    time.Time
	place int // in the heap, from 1; 0 is not there
}

// Waits says whether it is in a heap.
func (t *Timer[T]) Waits() bool { return t.place != 0 }

// Heap orders timers by when they are due. The zero Heap is empty.
type Heap[T any] struct{ timers timers[T] }

// Len is how many timers wait.
func (h *Heap[T]) Len() int { return len(h.timers) }

// All are those that wait, in no order.
func (h *Heap[T]) All() []*Timer[T] { return h.timers }

// First is the timer that is due before the others, nil if there is none.
func (h *Heap[T]) First() *Timer[T] {
	if len(h.timers) == 0 {
		return nil
	}
	return h.timers[0]
}

// Next is when the first one is due; zero if there is none.
func (h *Heap[T]) Next() time.Time {
	if len(h.timers) == 0 {
		return time.Time{}
	}
	return h.timers[0].at
}

// Set makes a timer due at an instant, or not at all if that is zero.
func (h *Heap[T]) Set(t *Timer[T], at time.Time) {
	switch {
	case at.IsZero() && t.place == 0:
	case at.IsZero():
		heap.Remove(&h.timers, t.place-1)
	case t.place == 0:
		t.at = at
		heap.Push(&h.timers, t)
	case !t.at.Equal(at):
		t.at = at
		heap.Fix(&h.timers, t.place-1)
	}
}

// Take takes out the first timer if its time has come.
func (h *Heap[T]) Take(now time.Time) *Timer[T] {
	if len(h.timers) == 0 || now.Before(h.timers[0].at) {
		return nil
	}
	return heap.Pop(&h.timers).(*Timer[T])
}

// timers implement heap.Interface.
type timers[T any] []*Timer[T]

func (h timers[T]) Len() int { return len(h) }

func (h timers[T]) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].Order < h[j].Order
	}
	return h[i].at.Before(h[j].at)
}

func (h timers[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (h *timers[T]) Push(x any) {
	t := x.(*Timer[T])
	*h = append(*h, t)
	t.place = len(*h)
}

// Pop implements heap.Interface.
func (h *timers[T]) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.place = 0
	return t
}
