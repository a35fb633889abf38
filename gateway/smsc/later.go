package smsc

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// later does things at their time: answers that a fault holds back. One goroutine
// serves all; what is not due when the server ends is not done.
type later struct {
	kick chan struct{}

	mu    sync.Mutex
	tasks tasks
	order uint64
}

type task struct {
	at    time.Time
	order uint64
	do    func()
}

type tasks []task

func (t tasks) Len() int      { return len(t) }
func (t tasks) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t tasks) Less(i, j int) bool {
	if t[i].at.Equal(t[j].at) {
		return t[i].order < t[j].order
	}
	return t[i].at.Before(t[j].at)
}

// Push implements heap.Interface.
func (t *tasks) Push(x any) { *t = append(*t, x.(task)) }

// Pop implements heap.Interface.
func (t *tasks) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = task{}
	*t = old[:len(old)-1]
	return last
}

// mostTasks bounds what waits; what comes when it is full is done at once.
const mostTasks = 1 << 17

// at has something done at an instant; it must be quick.
func (l *later) at(when time.Time, do func()) {
	if !l.add(when, do) {
		do()
		return
	}
	nudge(l.kick)
}

func (l *later) add(when time.Time, do func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tasks) >= mostTasks {
		return false
	}
	l.order++
	heap.Push(&l.tasks, task{when, l.order, do})
	return true
}

// due takes out what is due, and says when the next is; zero is never.
func (l *later) due(now time.Time) (all []func(), next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.tasks) > 0 && !now.Before(l.tasks[0].at) {
		all = append(all, heap.Pop(&l.tasks).(task).do)
	}
	if len(l.tasks) > 0 {
		next = l.tasks[0].at
	}
	return all, next
}

// run lasts until ctx ends.
func (l *later) run(ctx context.Context) {
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		all, next := l.due(time.Now())
		for _, do := range all {
			do()
		}
		clock.Stop()
		if !next.IsZero() {
			clock.Reset(time.Until(next))
		}
		select {
		case <-clock.C:
		case <-l.kick:
		case <-ctx.Done():
			return
		}
	}
}
