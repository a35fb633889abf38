package engine

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watcher notes commits.
type watcher struct {
	mu      sync.Mutex
	commits []Commit
}

func (w *watcher) Committed(_ Partition, c Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits = append(w.commits, c)
}

// slow is an actor that takes its time over a duration, and stages what a string asks for.
type slow struct{}

func (slow) Load(context.Context, Reader) error { return nil }

func (slow) Handle(tx *Tx, in any) (any, error) {
	switch in := in.(type) {
	case time.Duration:
		time.Sleep(in)
	case string:
		tx.Wake("w", tx.Now().Add(2*time.Second))
		tx.Record(Event{Subject: in, Name: "n", Effects: []Effect{{ID: in}}})
	}
	return nil, nil
}

// stuck never does an effect.
type stuck struct{}

func (stuck) Perform(ctx context.Context, _ Partition, _ Effect) error {
	<-ctx.Done()
	return ctx.Err()
}

// What waits, and since when, can be seen at every moment; and so can why nothing is served.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watcher{}
		e, err := New(Config{Partitions: 1, Observer: w}, &memory{due: map[string]time.Time{}}, func(Partition) Actor { return slow{} }, stuck{})
		if err != nil {
			t.Fatal(err)
		}
		if st := e.Status()[0]; st.Serving || st.Why != nil {
			t.Errorf("before it runs: %+v", st)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		if err := e.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Do(t.Context(), 0, "one"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if st, want := e.Status()[0], (Status{Serving: true, Effects: 1, Outstanding: time.Second, Wakes: 1}); st != want {
			t.Errorf("%+v, want %+v", st, want)
		}
		for range 3 { // the first is being handled, the others wait
			if err := e.Post(0, 5*time.Second, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(3 * time.Second)
		st := e.Status()[0]
		if want := (Status{Serving: true, Queue: 2, Waiting: 3 * time.Second, Effects: 1, Outstanding: 4 * time.Second, Wakes: 1, Overdue: 2 * time.Second}); st != want {
			t.Errorf("%+v, want %+v", st, want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.commits) == 0 || w.commits[0].Events != 1 || w.commits[0].Err != nil {
			t.Errorf("commits %+v", w.commits)
		}
		if st := e.Status()[0]; st.Serving {
			t.Errorf("after its end: %+v", st)
		}
	})
}

// broken is a store that cannot be taken.
type broken struct{ memory }

var errAway = errors.New("away")

func (*broken) Take(context.Context, Partition) (Hold, error) { return nil, errAway }

func TestStatusOfWhatCannotBeTaken(t *testing.T) {
	e, err := New(Config{Partitions: 1}, &broken{}, func(Partition) Actor { return slow{} }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Run(t.Context()); !errors.Is(err, errAway) {
		t.Error(err)
	}
	if st := e.Status()[0]; st.Serving || !errors.Is(st.Why, errAway) {
		t.Errorf("%+v", st)
	}
}
