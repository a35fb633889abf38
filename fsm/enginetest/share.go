package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// lease is the lease time of engines that share a store here. The clock is the bubble's.
const lease = 3 * time.Second

// TestShare is the suite of several engines over one store. begin makes an empty backend,
// outside of the bubble in which the engines run.
func TestShare(t *testing.T, begin func(t testing.TB) Backend) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b Backend)
	}{
		{"one takes all at once", testAlone},
		{"who joins gets its part and nothing goes back and forth", testJoins},
		{"who leaves in order is replaced at once", testLeaves},
		{"who is cut off is replaced within its lease", testCutOff},
		{"who hears no replies is replaced", testDeaf},
		{"who was stopped past its lease writes and answers nothing", testStopped},
		{"who was stopped alone goes on", testStoppedAlone},
		{"a question after a stop is not answered from memory", testStaleQuestion},
		{"who stood still itself judges nobody by it", testStoodStill},
		{"effects of one that is gone are done by the next", testEffectsMove},
		{"a slow start keeps its lease", testSlowLoad},
		{"a partition that cannot be loaded stops nothing else", testBadPartition},
		{"who can load nothing ends", testNothingLoads},
		{"whatever happens nothing is lost or done twice", testTurmoil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := begin(t)
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() { time.Sleep(2 * time.Second) }) // go-redis looks every second whether to dial on
				test.run(t, b)
			})
		})
	}
}

// join starts an engine that shares the backend.
func join(t *testing.T, b Backend, name string, w engine.Performer) *running {
	t.Helper()
	return joinAs(t, b, name, newTally, w)
}

func joinAs(t *testing.T, b Backend, name string, actor func(engine.Partition) engine.Actor, w engine.Performer) *running {
	t.Helper()
	link := new(Link)
	store := b.Open(t, link)
	e, err := engine.New(engine.Config{
		Partitions: Partitions, MaxBatch: 32, CommitTimeout: 2 * time.Second,
		Share: &engine.Share{Address: name, Lease: lease},
	}, store, actor, w)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Engine: e, t: t, store: store, link: link, stop: cancel, ended: make(chan error, 1), hasty: true}
	go func() { r.ended <- e.Run(ctx) }()
	return r
}

// has lists the partitions that an engine serves.
func (r *running) has() (all []engine.Partition) {
	for _, o := range r.Owners() {
		if o.Here {
			all = append(all, o.Partition)
		}
	}
	return all
}

// settled waits until each engine serves so many partitions, and together all of them,
// and answers how long it took.
func settled(t *testing.T, counts map[*running]int) time.Duration {
	t.Helper()
	began := time.Now()
	until(t, fmt.Sprint("the parts are ", counts), func() bool {
		seen := make(map[engine.Partition]bool)
		for r, want := range counts {
			mine := r.has()
			if len(mine) != want {
				return false
			}
			for _, p := range mine {
				seen[p] = true
			}
		}
		return len(seen) == Partitions
	})
	return time.Since(began)
}

// within fails the test when something took longer.
func within(t *testing.T, what string, took, most time.Duration) {
	t.Helper()
	if took > most {
		t.Errorf("%s took %s, more than %s", what, took, most)
	}
}

// anywhere hands an input to whichever engine has its partition, again and again until
// its outcome is certain.
func anywhere(t *testing.T, p engine.Partition, in any, engines ...*running) any {
	t.Helper()
	for n := 0; ; n++ {
		r := engines[n%len(engines)]
		reply, err := r.Do(t.Context(), p, in)
		switch {
		case err == nil:
			return reply
		case !errors.Is(err, engine.ErrUnknown) && !errors.Is(err, engine.ErrUnavailable):
			t.Fatalf("%v: %v", in, err)
		case t.Context().Err() != nil:
			t.FailNow()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func testAlone(t *testing.T, b Backend) {
	r := join(t, b, "one", nil)
	began := time.Now()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	within(t, "taking all", time.Since(began), lease/12)
	equal(t, "partitions", len(r.has()), Partitions)
	for _, o := range r.Owners() {
		if !o.Here || !o.Live || o.Epoch != 1 {
			t.Errorf("%+v", o)
		}
	}
	anywhere(t, 1, add{ID: "a", Amount: 1}, r)
	time.Sleep(10 * lease) // idle, it keeps what it has
	equal(t, "the total", anywhere(t, 1, ask{}, r), 1)
	for _, o := range r.Owners() {
		equal(t, "epoch", o.Epoch, uint64(1))
	}
	r.halt()
	for n, l := range leases(t, r.store.(engine.SharedStore)) {
		if l.Owner != "" || l.Address != "" {
			t.Errorf("after the stop partition %d belongs to %+v", n, l)
		}
	}
	audit(t, r.store.Read(1), []string{"a"})
}

func testJoins(t *testing.T, b Backend) {
	one := join(t, b, "one", nil)
	settled(t, map[*running]int{one: 4})
	two := join(t, b, "two", nil)
	within(t, "two parts", settled(t, map[*running]int{one: 2, two: 2}), lease)
	until(t, "both see who has what", func() bool {
		return slices.Equal(seenOwners(one), seenOwners(two))
	})
	for _, name := range seenOwners(one) {
		if name != "one" && name != "two" {
			t.Errorf("a partition's owner is reached at %q", name)
		}
	}
	three := join(t, b, "three", nil)
	began := time.Now()
	until(t, "all have their part", func() bool {
		return min(len(one.has()), len(two.has()), len(three.has())) == 1 && len(one.has())+len(two.has())+len(three.has()) == Partitions
	})
	within(t, "three parts", time.Since(began), lease)
	epochs := func() (all []uint64) {
		for _, o := range one.Owners() {
			all = append(all, o.Epoch)
		}
		return all
	}
	time.Sleep(lease)
	before := epochs()
	time.Sleep(20 * lease)
	equal(t, "the epochs after a while", epochs(), before)
	for _, r := range []*running{one, two, three} {
		r.halt()
	}
}

// seenOwners is where an engine believes the partitions' owners are.
func seenOwners(r *running) (all []string) {
	for _, o := range r.Owners() {
		all = append(all, o.Address)
	}
	return all
}

func testLeaves(t *testing.T, b Backend) {
	one, two := join(t, b, "one", nil), join(t, b, "two", nil)
	settled(t, map[*running]int{one: 2, two: 2})
	anywhere(t, 1, add{ID: "a", Amount: 1}, one, two)
	one.halt()
	within(t, "the move", settled(t, map[*running]int{two: 4}), lease/6)
	equal(t, "the total", anywhere(t, 1, add{ID: "b", Amount: 1}, two), 2)
	if _, err := one.Do(t.Context(), 1, ask{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("after the stop the answer is %v", err)
	}
	two.halt()
	audit(t, two.store.Read(1), []string{"a", "b"})
}

// testLease takes a partition over only if its lease is what was seen.
func testLease(t *testing.T, b Backend) {
	first, second := b.Open(t, nil).(engine.SharedStore), b.Open(t, nil).(engine.SharedStore)
	take := func(s engine.SharedStore, seen engine.Lease) (engine.Hold, error) {
		h, err := s.TakeOver(t.Context(), 1, seen, "at "+s.ID())
		if err == nil {
			t.Cleanup(func() { _ = h.Close() })
		}
		return h, err
	}
	none := leases(t, first)
	equal(t, "the leases of a new store", none, make([]engine.Lease, Partitions))
	h, err := take(first, none[1])
	if err != nil {
		t.Fatal(err)
	}
	mine := engine.Lease{Owner: first.ID(), Address: "at " + first.ID(), Epoch: h.Epoch()}
	equal(t, "a lease", leases(t, second)[1], mine)
	commit(t, h, engine.Batch{})
	for what, seen := range map[string]engine.Lease{"nobody's": none[1], "one that has moved": mine} {
		if _, err := take(second, seen); !errors.Is(err, engine.ErrFenced) {
			t.Errorf("%s was taken: %v", what, err)
		}
	}
	commit(t, h, engine.Batch{Puts: []engine.Put{put("a", "1")}, Release: true})
	free := leases(t, second)[1]
	equal(t, "a lease that was released", free, engine.Lease{Epoch: h.Epoch(), Seq: 2})
	next, err := take(second, free)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "a", get(t, next, "a"), "1")
	err = h.Commit(t.Context(), &engine.Batch{Seq: 3, Release: true})
	if !errors.Is(err, engine.ErrFenced) {
		t.Errorf("who released it releases it again: %v", err)
	}
	equal(t, "the owner", leases(t, first)[1].Owner, second.ID())
}

func testWhoShares(t *testing.T, b Backend) {
	first, second := b.Open(t, nil).(engine.SharedStore), b.Open(t, nil).(engine.SharedStore)
	one, two := engine.Member{Address: "one", Beat: 1}, engine.Member{Address: "two", Beat: 7}
	for s, m := range map[engine.SharedStore]engine.Member{first: one, second: two} {
		if err := s.Join(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	members, err := first.Members(t.Context())
	equal(t, "the members", members, map[string]engine.Member{first.ID(): one, second.ID(): two})
	equal(t, "the error", err, nil)
	equal(t, "leaving", first.Leave(t.Context(), second.ID()), nil)
	members, err = second.Members(t.Context())
	equal(t, "the members", members, map[string]engine.Member{first.ID(): one})
	equal(t, "the error", err, nil)
}
