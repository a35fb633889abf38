package ussd

import (
	"container/heap"
	"time"
)

// timer is a session's place in a dueHeap.
type timer struct {
	at    time.Time
	order uint64 // of two at one instant, the lower is first
	place int    // in the heap, from 1; 0 is not there
}

// dueHeap orders sessions by when they are overdue.
type dueHeap []*session

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
	se := x.(*session)
	*h = append(*h, se)
	se.place = len(*h)
}

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	old := *h
	se := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	se.place = 0
	return se
}

// set makes a session due at an instant, or not at all if that is zero.
func (h *dueHeap) set(se *session, at time.Time) {
	switch {
	case at.IsZero() && se.place == 0:
	case at.IsZero():
		heap.Remove(h, se.place-1)
	case se.place == 0:
		se.at = at
		heap.Push(h, se)
	case !se.at.Equal(at):
		se.at = at
		heap.Fix(h, se.place-1)
	}
}

// due is the first session if its time has come.
func (h dueHeap) due(now time.Time) *session {
	if len(h) == 0 || now.Before(h[0].at) {
		return nil
	}
	return h[0]
}
