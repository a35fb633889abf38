package fleet

import "container/heap"

// dueHeap orders handsets by when they are due. Each knows its place, so that it
// can be moved and taken out; handsets that wait for nothing are not in it.
type dueHeap []*handset

var _ heap.Interface = (*dueHeap)(nil)

// Len, Less, Swap, Push and Pop implement [heap.Interface].
func (q dueHeap) Len() int           { return len(q) }
func (q dueHeap) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueHeap) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements [heap.Interface].
func (q *dueHeap) Push(x any) {
	h := x.(*handset)
	h.place = len(*q)
	*q = append(*q, h)
}

// Pop implements [heap.Interface].
func (q *dueHeap) Pop() any {
	last := len(*q) - 1
	h := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	h.place = nowhere
	return h
}

// nowhere is the place of a handset that is not in the heap.
const nowhere = -1

// place puts a handset where its due time belongs.
func (q *dueHeap) place(h *handset) {
	switch {
	case h.due.IsZero() && h.place != nowhere:
		heap.Remove(q, h.place)
	case h.due.IsZero():
	case h.place == nowhere:
		heap.Push(q, h)
	default:
		heap.Fix(q, h.place)
	}
}
