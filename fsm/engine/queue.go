package engine

import (
	"sync"
	"time"
)

// input is one thing to be handled, and who wants to know.
type input struct {
	in   any
	done func(any, error)
	at   time.Time // when it came, if anybody is to know
}

func (i input) answer(reply any, err error) {
	if i.done != nil {
		i.done(reply, err)
	}
}

// queue holds a partition's inputs until its loop takes them, many at once.
type queue struct {
	signal chan struct{} // holds a token when there may be something to take

	mu     sync.Mutex
	inputs []input
	most   int
	down   bool
	stamps bool // inputs are stamped with the time
}

func newQueue(most int) *queue {
	return &queue{signal: make(chan struct{}, 1), most: most}
}

func (q *queue) push(in input) error {
	if q.stamps {
		in.at = time.Now()
	}
	if err := q.add(in); err != nil {
		return err
	}
	select {
	case q.signal <- struct{}{}:
	default:
	}
	return nil
}

func (q *queue) add(in input) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.down:
		return ErrUnavailable
	case len(q.inputs) >= q.most:
		return ErrBusy
	}
	q.inputs = append(q.inputs, in)
	return nil
}

// take moves at most so many inputs to dst.
func (q *queue) take(dst []input, most int) []input {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(most, len(q.inputs))
	dst = append(dst, q.inputs[:n]...)
	rest := copy(q.inputs, q.inputs[n:])
	clear(q.inputs[rest:])
	q.inputs = q.inputs[:rest]
	return dst
}

// open lets inputs in again.
func (q *queue) open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = false
}

// shut lets no more inputs in.
func (q *queue) shut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = true
}

// refuse lets no more inputs in and refuses those that wait.
func (q *queue) refuse(err error) {
	q.shut()
	for _, in := range q.take(nil, q.most) {
		in.answer(nil, err)
	}
}
