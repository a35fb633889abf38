package enginetest

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// load is callers that go on adding, each one number after the other and each number
// until it is surely in, while something happens to the server of the engine that they
// have: it must come back by itself.
type load struct {
	*running
	witness *witness
	ended   atomic.Bool
	work    sync.WaitGroup

	mu   sync.Mutex
	must []string // acknowledged
}

// callers is how many a load has.
const callers = 8

// underLoad starts an engine that soon gives commits up, and the load on it.
func underLoad(t *testing.T, b Backend) *load {
	t.Helper()
	w := new(witness)
	l := &load{running: startHasty(t, b, w), witness: w}
	for c := range callers {
		l.work.Go(func() {
			for i := 0; !l.ended.Load() && t.Context().Err() == nil; i++ {
				l.one(add{ID: fmt.Sprintf("%d.%d", c, i), Amount: i, Lane: fmt.Sprint(c)})
			}
		})
	}
	l.more(50)
	return l
}

// one adds a number until it is in, or the load ends.
func (l *load) one(in add) {
	for !l.tryAdd(in) {
		if l.ended.Load() || l.t.Context().Err() != nil {
			return
		}
		pause(l.t)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.must = append(l.must, in.ID)
}

func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.must)
}

// more waits until so many more are acknowledged.
func (l *load) more(n int) {
	l.t.Helper()
	target := l.acknowledged() + n
	until(l.t, "more is acknowledged", func() bool {
		select {
		case err := <-l.running.ended:
			l.t.Fatalf("the engine ended with: %v", err)
		default:
		}
		return l.acknowledged() >= target
	})
}

// leave ends the load, and waits until no caller is left.
func (l *load) leave() {
	l.ended.Store(true)
	l.work.Wait()
}

// end ends the load and the engine: nothing that was acknowledged is lost, nothing was
// done twice, and all effects are done.
func (l *load) end() {
	l.t.Helper()
	l.more(50)
	l.leave()
	until(l.t, "all effects are done", func() bool { return len(l.witness.times()) >= len(l.must) })
	l.halt()
	audit(l.t, l.store.Read(1), l.must)
}

// refusals waits until the server has refused something so often with the word.
func refusals(t *testing.T, s *Server, word string, n int) {
	t.Helper()
	count := regexp.MustCompile("errorstat_" + word + `:count=(\d+)`)
	until(t, "the server refuses with "+word, func() bool {
		said, _ := s.Try(t, "INFO", "errorstats")
		info, _ := said.(string)
		found := count.FindStringSubmatch(info)
		var got int
		if found != nil {
			_, _ = fmt.Sscan(strings.TrimSpace(found[1]), &got)
		}
		return got >= n
	})
}
