package smsc

import (
	"container/heap"
	"time"
)

// timer is a place in a dueHeap. What is due is a mailbox, or else a message
// on the air or scheduled.
type timer struct {
	at      time.Time
	order   uint64 // of two at one instant, the lower is first
	place   int    // in the heap, from 1; 0 is not there
	message *message
	box     *mailbox
}

// dueHeap orders timers by when they are due.
type dueHeap []*timer

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.place = len(*h)
}

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.place = 0
	return t
}

// set makes a timer due at an instant, or not at all if that is zero.
func (h *dueHeap) set(t *timer, at time.Time) {
	switch {
	case at.IsZero() && t.place == 0:
	case at.IsZero():
		heap.Remove(h, t.place-1)
	case t.place == 0:
		t.at = at
		heap.Push(h, t)
	case !t.at.Equal(at):
		t.at = at
		heap.Fix(h, t.place-1)
	}
}

// due takes out the first timer if its time has come.
func (h *dueHeap) due(now time.Time) *timer {
	if len(*h) == 0 || now.Before((*h)[0].at) {
		return nil
	}
	return heap.Pop(h).(*timer)
}
