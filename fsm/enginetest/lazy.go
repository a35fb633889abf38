package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// shelf is an actor that counts by name, and reads a count when an input is about it: a
// record "count:NAME", and how often it was woken, a field of "woken".
type shelf struct {
	counts map[string]int
	woken  map[string]int
	index  int // deadlines that were kept at Load
}

// bump is its input: it answers the name's count, one more than it was.
type bump struct {
	Name string
	Wake time.Duration // how long until its wake-up, if it wants one
}

// deadlines is its other input: it answers how many were kept at Load.
type deadlines struct{}

func newShelf(engine.Partition) engine.Actor {
	return &shelf{counts: make(map[string]int), woken: make(map[string]int)}
}

func (a *shelf) Load(context.Context, engine.Reader) error { return nil }

func (a *shelf) Index(wakes []engine.Due) error {
	a.index = len(wakes)
	return nil
}

func (a *shelf) Feed(all []engine.Kept) {
	for _, k := range all {
		n, _ := strconv.Atoi(k.Text) // none is 0
		if k.Hash == "woken" {
			a.woken[k.Name] = n
		} else {
			a.counts[k.Name[len("count:"):]] = n
		}
	}
}

// need asks for the count first, then for the other, as one that finds the way as it goes.
func (a *shelf) need(name string) error {
	if _, ok := a.counts[name]; !ok {
		return &engine.Missing{Keys: []engine.Key{{Name: "count:" + name}}}
	}
	if _, ok := a.woken[name]; !ok {
		return &engine.Missing{Keys: []engine.Key{{Hash: "woken", Name: name}}}
	}
	return nil
}

func (a *shelf) Handle(tx *engine.Tx, in any) (any, error) {
	switch in := in.(type) {
	case deadlines:
		return a.index, nil
	case engine.Due:
		if err := a.need(in.ID); err != nil {
			return nil, err
		}
		a.woken[in.ID]++
		tx.SetField("woken", in.ID, strconv.Itoa(a.woken[in.ID]))
		return nil, nil
	case bump:
		if err := a.need(in.Name); err != nil {
			return nil, err
		}
		a.counts[in.Name]++
		tx.Put("count:"+in.Name, a.counts[in.Name])
		if in.Wake > 0 {
			tx.Wake(in.Name, tx.Now().Add(in.Wake))
		}
		return a.counts[in.Name], nil
	}
	return nil, fmt.Errorf("no rule for a %T", in)
}

// slowStore is a store whose reads wait until they are let through, and may fail.
type slowStore struct {
	engine.Store

	mu   sync.Mutex
	keys map[string]int // how often each was read
	pass chan struct{}  // closed when reads may go; nil when they go
	fail error
}

type slowReader struct {
	engine.Reader
	s *slowStore
}

func (s *slowStore) Read(p engine.Partition) engine.Reader { return slowReader{s.Store.Read(p), s} }

func (s *slowStore) set(pass chan struct{}, fail error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass, s.fail = pass, fail
}

func (s *slowStore) note(names []string) (chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.keys[name]++
	}
	return s.pass, s.fail
}

func (r slowReader) Get(ctx context.Context, keys ...string) ([]string, error) {
	pass, err := r.s.note(keys)
	if pass != nil {
		select {
		case <-pass:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return r.Reader.Get(ctx, keys...)
}

func startShelf(t *testing.T, b Backend) (*running, *slowStore) {
	t.Helper()
	s := &slowStore{Store: b.Open(t, nil), keys: make(map[string]int)}
	return startActorOn(t, s, newShelf, nil, 2*time.Second), s
}

func (r *running) bump(in bump, want int) {
	r.t.Helper()
	got, err := r.Do(r.t.Context(), 1, in)
	equal(r.t, "count of "+in.Name, fmt.Sprint(got, err), fmt.Sprint(want, nil))
}

// testLazy: many inputs about many names find each name's count, which is read once.
func testLazy(t *testing.T, b Backend) {
	const names, each = 50, 8
	for run := range 3 {
		r, s := startShelf(t, b)
		var all sync.WaitGroup
		for i := range names * each {
			all.Add(1)
			err := r.Post(1, bump{Name: fmt.Sprint("n", i%names)}, func(_ any, err error) {
				defer all.Done()
				if err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		all.Wait()
		for i := range names {
			name := fmt.Sprint("n", i)
			r.bump(bump{Name: name}, run*(each+1)+each+1)
			equal(t, "reads of "+name, s.keys["count:"+name], 1)
		}
		r.halt()
	}
}

// testLazyOthers: while something is read, inputs about others go on, those about it wait
// in order, and a stop waits for them.
func testLazyOthers(t *testing.T, b Backend) {
	r, s := startShelf(t, b)
	r.bump(bump{Name: "known"}, 1)
	pass := make(chan struct{})
	s.set(pass, nil)
	answers := make(chan string, 3)
	for range 3 {
		if err := r.Post(1, bump{Name: "far"}, func(reply any, err error) { answers <- fmt.Sprint(reply, err) }); err != nil {
			t.Fatal(err)
		}
	}
	r.bump(bump{Name: "known"}, 2)
	equal(t, "answers about what is far", len(answers), 0)
	r.stop()
	close(pass)
	r.halt()
	for want := 1; want <= 3; want++ {
		equal(t, "answer", <-answers, fmt.Sprint(want, nil))
	}
	r, _ = startShelf(t, b)
	r.bump(bump{Name: "far"}, 4)
	r.halt()
}

// testLazyFails: what cannot be read now is not available, and is asked for again.
func testLazyFails(t *testing.T, b Backend) {
	r, s := startShelf(t, b)
	r.bump(bump{Name: "a", Wake: time.Hour}, 1)
	s.set(nil, errors.New("connection reset"))
	if _, err := r.Do(t.Context(), 1, bump{Name: "b"}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("what cannot be read was answered with %v", err)
	}
	s.set(nil, nil)
	r.bump(bump{Name: "b"}, 1)
	r.halt()
}

// testLazyWakes: a wake-up of what is not in memory is handled when it was read, also
// when the first attempt fails.
func testLazyWakes(t *testing.T, b Backend) {
	r, _ := startShelf(t, b)
	for i := range 20 {
		r.bump(bump{Name: fmt.Sprint("w", i), Wake: time.Duration(i+1) * 5 * time.Millisecond}, 1)
	}
	r.halt()
	before, err := r.store.Read(1).Members(t.Context(), engine.DueSet, engine.Range{})
	if err != nil {
		t.Fatal(err)
	}
	r, s := startShelf(t, b)
	index, err := r.Do(t.Context(), 1, deadlines{})
	equal(t, "deadlines at the start", fmt.Sprint(index, err), fmt.Sprint(len(before), nil))
	s.set(nil, errors.New("connection reset"))
	pause(t)
	s.set(nil, nil)
	until(t, "all are woken", func() bool {
		left, err := s.Store.Read(1).Members(t.Context(), engine.DueSet, engine.Range{})
		return err == nil && len(left) == 0
	})
	r.halt()
	woken, err := s.Store.Read(1).Fields(t.Context(), "woken")
	equal(t, "woken", fmt.Sprint(len(woken), err), "20 <nil>")
	for name, n := range woken {
		equal(t, "woken "+name, n, "1")
	}
}
