package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

func testCutOff(t *testing.T, b Backend) {
	one, two := join(t, b, "one", nil), join(t, b, "two", nil)
	settled(t, map[*running]int{one: 2, two: 2})
	for p := range engine.Partition(Partitions) {
		anywhere(t, p, add{ID: "a", Amount: 1}, one, two)
	}
	one.link.Cut()
	within(t, "the move", settled(t, map[*running]int{two: 4}), lease+lease/3)
	for p := range engine.Partition(Partitions) {
		equal(t, "the total", anywhere(t, p, add{ID: "b", Amount: 1}, two), 2)
	}
	one.link.Mend()
	within(t, "the return", settled(t, map[*running]int{one: 2, two: 2}), 3*lease)
	for p := range engine.Partition(Partitions) {
		equal(t, "the total", anywhere(t, p, ask{}, one, two), 2)
	}
	one.halt()
	two.halt()
}

// testDeaf loses replies only: the last batch is in, and its owner does not know.
func testDeaf(t *testing.T, b Backend) {
	one, two := join(t, b, "one", nil), join(t, b, "two", nil)
	settled(t, map[*running]int{one: 2, two: 2})
	p := one.has()[0]
	anywhere(t, p, add{ID: "a", Amount: 1}, one)
	one.link.Deafen()
	if _, err := one.Do(t.Context(), p, add{ID: "b", Amount: 1}); !errors.Is(err, engine.ErrUnknown) && !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("without replies the answer is %v", err)
	}
	settled(t, map[*running]int{two: 4})
	equal(t, "the total", anywhere(t, p, add{ID: "b", Amount: 1}, two), 2)
	one.link.Mend()
	settled(t, map[*running]int{one: 2, two: 2})
	equal(t, "the total", anywhere(t, p, add{ID: "b", Amount: 1}, one, two), 2)
	one.halt()
	two.halt()
}

// testStopped holds back what an engine sends, as if its process were stopped, until its
// partitions are another's.
func testStopped(t *testing.T, b Backend) {
	one, two := join(t, b, "one", nil), join(t, b, "two", nil)
	settled(t, map[*running]int{one: 2, two: 2})
	p, q := one.has()[0], one.has()[1]
	anywhere(t, p, add{ID: "a", Amount: 1}, one)
	anywhere(t, q, add{ID: "a", Amount: 1}, one)
	one.link.Freeze()
	late, stale := make(chan error, 1), make(chan error, 1)
	post(t, one, p, add{ID: "b", Amount: 1}, late)
	time.Sleep(lease) // by its own clock, too
	post(t, one, q, ask{}, stale)
	settled(t, map[*running]int{two: 4})
	equal(t, "the total", anywhere(t, p, add{ID: "c", Amount: 5}, two), 6)
	equal(t, "the total", anywhere(t, q, add{ID: "c", Amount: 5}, two), 6)
	one.link.Thaw()
	for what, got := range map[string]error{"a late batch": <-late, "a question": <-stale} {
		if !errors.Is(got, engine.ErrUnavailable) && !errors.Is(got, engine.ErrUnknown) {
			t.Errorf("%s of a stale owner ended in %v", what, got)
		}
	}
	settled(t, map[*running]int{one: 2, two: 2})
	equal(t, "the total", anywhere(t, p, add{ID: "b", Amount: 1}, one, two), 7)
	equal(t, "the total", anywhere(t, q, ask{}, one, two), 6)
	one.halt()
	two.halt()
}

// post hands an input over whose error comes later.
func post(t *testing.T, r *running, p engine.Partition, in any, ended chan<- error) {
	t.Helper()
	if err := r.Post(p, in, func(_ any, err error) { ended <- err }); err != nil {
		t.Fatal(err)
	}
}

func testStoppedAlone(t *testing.T, b Backend) {
	r := join(t, b, "one", nil)
	settled(t, map[*running]int{r: 4})
	anywhere(t, 1, add{ID: "a", Amount: 1}, r)
	r.link.Freeze()
	time.Sleep(lease / 2)
	r.link.Thaw()
	equal(t, "the total", anywhere(t, 1, ask{}, r), 1)
	r.link.Freeze()
	time.Sleep(5 * lease) // longer than a commit may take
	r.link.Thaw()
	settled(t, map[*running]int{r: 4})
	equal(t, "the total", anywhere(t, 1, add{ID: "b", Amount: 1}, r), 2)
	r.halt()
}

// drowsy is an actor that may be told to stand still, and its partition's engine with it.
type drowsy struct{ engine.Actor }

// nap is the input that does so.
type nap time.Duration

func newDrowsy(p engine.Partition) engine.Actor { return drowsy{newTally(p)} }

func (a drowsy) Handle(tx *engine.Tx, in any) (any, error) {
	if d, ok := in.(nap); ok {
		time.Sleep(time.Duration(d))
		return nil, nil
	}
	return a.Actor.Handle(tx, in)
}

// sleep has all partitions of an engine stand still.
func (r *running) sleep(d time.Duration) {
	r.t.Helper()
	for _, p := range r.has() {
		if err := r.Post(p, nap(d), nil); err != nil {
			r.t.Fatal(err)
		}
	}
}

// testStaleQuestion asks an owner that was stopped in between two inputs.
func testStaleQuestion(t *testing.T, b Backend) {
	one, two := joinAs(t, b, "one", newDrowsy, nil), join(t, b, "two", nil)
	settled(t, map[*running]int{one: 2, two: 2})
	p := one.has()[0]
	one.link.Freeze()
	one.sleep(2 * lease)
	stale := make(chan error, 1)
	post(t, one, p, ask{}, stale)
	until(t, "the other has all", func() bool { return len(two.has()) == Partitions })
	anywhere(t, p, add{ID: "a", Amount: 1}, two)
	time.Sleep(lease) // its nap is over
	one.link.Thaw()
	if err := <-stale; err == nil {
		t.Error("a stale owner answered from memory")
	}
	one.halt()
	two.halt()
}

// testStoodStill stops an owner for longer than its lease, and the other for nearly as
// long: when that one wakes it has seen nothing that says that the owner is gone.
func testStoodStill(t *testing.T, b Backend) {
	one, two := joinAs(t, b, "one", newDrowsy, nil), join(t, b, "two", nil)
	settled(t, map[*running]int{one: 2, two: 2})
	time.Sleep(lease)
	two.link.Freeze()
	one.sleep(2 * lease)
	time.Sleep(2*lease - lease/4)
	two.link.Thaw()
	time.Sleep(lease)
	for _, o := range one.Owners() {
		if o.Here && o.Epoch > 2 || !o.Live {
			t.Errorf("%+v was taken again", o)
		}
	}
	equal(t, "parts", []int{len(one.has()), len(two.has())}, []int{2, 2})
	one.halt()
	two.halt()
}

func testEffectsMove(t *testing.T, b Backend) {
	stuck := &witness{fail: func(engine.Effect, int) error { return errors.New("stuck") }}
	one, w := join(t, b, "one", stuck), new(witness)
	settled(t, map[*running]int{one: 4})
	anywhere(t, 1, add{ID: "a", Amount: 1}, one)
	two := join(t, b, "two", w)
	one.kill()
	settled(t, map[*running]int{two: 4})
	until(t, "what was stuck is done", func() bool { return w.times()["a"] == 1 })
	two.halt()
	audit(t, two.store.Read(1), []string{"a"})
}

// slow is an actor that takes its time to load.
type slow struct{ engine.Actor }

func (a slow) Load(ctx context.Context, r engine.Reader) error {
	select {
	case <-time.After(3 * lease):
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.Actor.Load(ctx, r)
}

func testSlowLoad(t *testing.T, b Backend) {
	one := joinAs(t, b, "one", func(p engine.Partition) engine.Actor { return slow{newTally(p)} }, nil)
	store := one.store.(engine.SharedStore)
	time.Sleep(lease / 2)
	before := leases(t, store)
	time.Sleep(lease)
	for n, l := range leases(t, store) {
		if l.Owner == "" || l.Seq == before[n].Seq || l.Epoch != 1 {
			t.Errorf("while it is loaded, partition %d goes from %+v to %+v", n, before[n], l)
		}
	}
	two := join(t, b, "two", nil)
	within(t, "giving up what is not loaded yet", settledFor(t, two, 2), lease/3)
	settled(t, map[*running]int{one: 2, two: 2})
	two.halt()
	time.Sleep(lease / 2)
	one.halt() // in the middle of loading what the other had
	for n, l := range leases(t, store) {
		equal(t, fmt.Sprint("the owner of partition ", n), l.Owner, "")
	}
}

func settledFor(t *testing.T, r *running, want int) time.Duration {
	t.Helper()
	began := time.Now()
	until(t, "it has its part", func() bool { return len(r.has()) == want })
	return time.Since(began)
}

func leases(t *testing.T, s engine.SharedStore) []engine.Lease {
	t.Helper()
	all, err := s.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// spoilt is an actor whose partition cannot be loaded while it is so.
type spoilt struct {
	engine.Actor
	is func() bool
}

var errSpoilt = fmt.Errorf("%w: spoilt", engine.ErrBroken)

func (a spoilt) Load(ctx context.Context, r engine.Reader) error {
	if a.is() {
		return errSpoilt
	}
	return a.Actor.Load(ctx, r)
}

func testBadPartition(t *testing.T, b Backend) {
	var mended atomic.Bool
	r := joinAs(t, b, "one", func(p engine.Partition) engine.Actor {
		return spoilt{newTally(p), func() bool { return p == 2 && !mended.Load() }}
	}, nil)
	until(t, "the others are served", func() bool { return len(r.has()) == 3 })
	anywhere(t, 1, add{ID: "a", Amount: 1}, r)
	ctx, cancel := context.WithTimeout(t.Context(), 5*lease)
	defer cancel()
	if err := r.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "nobody serves p02:") {
		t.Errorf("with a partition that is not served: %v", err)
	}
	if _, err := r.Do(t.Context(), 2, ask{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a partition that is not served answers %v", err)
	}
	mended.Store(true)
	settled(t, map[*running]int{r: 4})
	for _, p := range []engine.Partition{0, 1, 3} {
		equal(t, "the epoch of one that was right", r.Owner(p).Epoch, uint64(1))
	}
	r.halt()
}

func testNothingLoads(t *testing.T, b Backend) {
	r := joinAs(t, b, "one", func(p engine.Partition) engine.Actor {
		return spoilt{newTally(p), func() bool { return true }}
	}, nil)
	if err := <-r.ended; !errors.Is(err, errSpoilt) {
		t.Errorf("it ended with %v", err)
	}
	if err := r.Ready(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("after its end it is ready: %v", err)
	}
	for n, l := range leases(t, r.store.(engine.SharedStore)) {
		equal(t, fmt.Sprint("the owner of partition ", n), l.Owner, "")
	}
}

// testTurmoil has callers repeat their inputs at any of three engines, which are stopped,
// cut off, killed and replaced.
func testTurmoil(t *testing.T, b Backend) {
	const callers, each = 6, 40
	w := new(witness)
	var mu sync.Mutex
	engines := []*running{join(t, b, "one", w), join(t, b, "two", w), join(t, b, "three", w)}
	pick := func(n int) *running {
		mu.Lock()
		defer mu.Unlock()
		return engines[n%len(engines)]
	}
	var must []string
	var work sync.WaitGroup
	for c := range callers {
		for i := range each {
			must = append(must, fmt.Sprintf("%d.%d", c, i))
		}
		work.Go(func() {
			for i := range each {
				for n := 0; !pick(n).tryAdd(add{ID: fmt.Sprintf("%d.%d", c, i), Amount: i, Lane: fmt.Sprint(c)}); n++ {
					time.Sleep(50 * time.Millisecond)
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	for round := range 6 {
		time.Sleep(lease)
		r := pick(round)
		switch round % 3 {
		case 0:
			r.link.Freeze()
			time.Sleep(2 * lease)
			r.link.Thaw()
		case 1:
			r.link.Deafen()
			time.Sleep(2 * lease)
			r.link.Mend()
		case 2:
			r.link.Fail(LoseReply)
			r.kill()
			next := join(t, b, fmt.Sprint("after ", round), w)
			mu.Lock()
			engines[round%len(engines)] = next
			mu.Unlock()
		}
	}
	work.Wait()
	until(t, "all effects are done", func() bool { return len(w.times()) == callers*each })
	for n := range engines {
		pick(n).halt()
	}
	audit(t, engines[0].store.Read(1), must)
}
