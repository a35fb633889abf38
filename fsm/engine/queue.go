package engine

import "sync"

// input is one thing to be handled, and who wants to know.
type input struct {
	in   any
	done func(any, error)
}

func (i input) answer(reply any, err error) {
	if i.done != nil {
		i.done(reply, err)
	}
}

// queue holds a partition's inputs until its loop takes them, many at once.
type queue struct {
	signal chan struct{} // holds a token when something waits that was not there at the last take

	mu     sync.Mutex
	inputs []input
	most   int
	down   bool
}

func newQueue(most int) *queue {
	return &queue{signal: make(chan struct{}, 1), most: most}
}

func (q *queue) push(in input) error {
	first, err := q.add(in)
	if first {
		q.tell()
	}
	return err
}

// tell leaves a token.
func (q *queue) tell() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// add says whether the input is the first that waits.
func (q *queue) add(in input) (first bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.down:
		return false, ErrUnavailable
	case len(q.inputs) >= q.most:
		return false, ErrBusy
	}
	q.inputs = append(q.inputs, in)
	return len(q.inputs) == 1, nil
}

// take moves at most so many inputs to dst. For those that are left there is a token.
func (q *queue) take(dst []input, most int) []input {
	q.mu.Lock()
	n := min(most, len(q.inputs))
	dst = append(dst, q.inputs[:n]...)
	rest := copy(q.inputs, q.inputs[n:])
	clear(q.inputs[rest:])
	q.inputs = q.inputs[:rest]
	q.mu.Unlock()
	if rest > 0 {
		q.tell()
	}
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
