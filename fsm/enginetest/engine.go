package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/engine"
)

// TestEngine is the suite of the engine over a store. begin makes an empty backend.
func TestEngine(t *testing.T, begin func(t testing.TB) Backend) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b Backend)
	}{
		{"nobody is answered before the commit", testAnswer},
		{"a refusal writes nothing", testRefusal},
		{"a full queue is busy", testBusy},
		{"lanes keep their order", testLanes},
		{"effects that are done stay done", testCursor},
		{"effects that are not done come again", testEffectsAgain},
		{"wake-ups survive a restart", testWakes},
		{"what was taken in is answered at the stop", testDrain},
		{"a new owner stops the old one", testSecondOwner},
		{"an outage is survived", testOutage},
		{"what is not in memory is read once, when it is wanted", testLazy},
		{"others go on while something is read", testLazyOthers},
		{"what cannot be read is asked for again", testLazyFails},
		{"a wake-up of what is not in memory", testLazyWakes},
		{"kills lose nothing and repeat nothing", testKills},
		{"any plan of faults", testPlans},
		{"histories are linearizable", testHistories},
		{"a history that is not is found", testHistoriesPlanted},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, begin(t)) })
	}
}

// gate is a store whose commits say that they have come, and wait until they are let
// through.
type gate struct {
	engine.Store
	come, pass chan struct{}
}

type gatedHold struct {
	engine.Hold
	gate
}

func (g gate) Take(ctx context.Context, p engine.Partition) (engine.Hold, error) {
	h, err := g.Store.Take(ctx, p)
	return gatedHold{h, g}, err
}

func (h gatedHold) Commit(ctx context.Context, b *engine.Batch) error {
	select {
	case h.come <- struct{}{}:
	default:
	}
	<-h.pass
	return h.Hold.Commit(ctx, b)
}

func testAnswer(t *testing.T, b Backend) {
	g := gate{b.Open(t, nil), make(chan struct{}, 1), make(chan struct{})}
	r := startOn(t, g, nil, 2*time.Second)
	answers := make(chan string, 10)
	post := func(name string, in any) {
		t.Helper()
		if err := r.Post(1, in, func(reply any, err error) { answers <- fmt.Sprint(name, " ", reply, " ", err) }); err != nil {
			t.Fatal(err)
		}
	}
	post("first", add{ID: "a", Amount: 1})
	<-g.come // the first is on its way, and what follows has seen it
	post("question", ask{})
	post("repeat", add{ID: "a", Amount: 1})
	post("second", add{ID: "b", Amount: 2})
	select {
	case got := <-answers:
		t.Errorf("answered before its commit: %s", got)
	case <-time.After(20 * time.Millisecond):
	}
	close(g.pass)
	for _, want := range []string{"first 1 <nil>", "question 1 <nil>", "repeat 1 <nil>", "second 3 <nil>"} {
		equal(t, "answer", <-answers, want)
	}
	r.halt()
	audit(t, r.store.Read(1), []string{"a", "b"})
}

func testRefusal(t *testing.T, b Backend) {
	r := start(t, b, nil)
	if _, err := r.Do(t.Context(), 1, add{ID: "a", Amount: -1}); !errors.Is(err, errNegative) {
		t.Errorf("the refusal came as %v", err)
	}
	if _, err := r.Do(t.Context(), Partitions, ask{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a partition too many answered %v", err)
	}
	r.halt()
	equal(t, "commits", r.link.Commits(), 0)
	if _, err := r.Do(t.Context(), 1, ask{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("after the stop the answer is %v", err)
	}
}

func testBusy(t *testing.T, b Backend) {
	pass := make(chan struct{})
	e, err := engine.New(engine.Config{Partitions: Partitions, MaxBatch: 1, Queue: 3}, gate{b.Open(t, nil), nil, pass}, newTally, nil)
	if err != nil {
		t.Fatal(err)
	}
	var full error
	var answered sync.WaitGroup
	for i := 0; i < 10 && full == nil; i++ {
		answered.Add(1)
		full = e.Post(1, add{ID: fmt.Sprint(i)}, func(any, error) { answered.Done() })
	}
	if !errors.Is(full, engine.ErrBusy) {
		t.Errorf("a full queue answered %v", full)
	}
	answered.Done() // the one that was not taken
	close(pass)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	answered.Wait()
	cancel()
	equal(t, "Run", <-ended, nil)
}

// testLanes lets every effect fail twice before it is done.
func testLanes(t *testing.T, b Backend) {
	w := &witness{fail: func(_ engine.Effect, try int) error {
		if try < 3 {
			return errors.New("not yet")
		}
		return nil
	}}
	r := start(t, b, w)
	var want []string
	for i := range 40 {
		id := fmt.Sprintf("id%02d", i)
		r.add(add{ID: id, Amount: 1, Lane: []string{"even", "odd"}[i%2]})
		if i%2 == 0 {
			want = append(want, id)
		}
	}
	until(t, "all effects are done", func() bool { return len(w.times()) == 40 })
	equal(t, "the even lane", w.firsts("even"), want)
	r.halt()
}

func testCursor(t *testing.T, b Backend) {
	w := new(witness)
	r := start(t, b, w)
	for i := range 20 {
		r.add(add{ID: fmt.Sprint(i), Amount: 1})
	}
	until(t, "all effects are done", func() bool { return len(w.times()) == 20 })
	r.halt()
	start(t, b, w).halt()
	for id, n := range w.times() {
		if n != 1 {
			t.Errorf("effect %s was done %d times", id, n)
		}
	}
	entries := journal(t, r.store.Read(1), "-", "+", 0)
	h := take(t, b.Open(t, nil))
	equal(t, "cursor", h.Cursor(), entries[len(entries)-1].ID)
}

func testEffectsAgain(t *testing.T, b Backend) {
	stuck := &witness{fail: func(e engine.Effect, _ int) error {
		if made, ok := e.Value.(add); !ok || made.ID != e.ID {
			t.Errorf("effect %s, performed by who made it, has the value %v", e.ID, e.Value)
		}
		if e.ID == "1" {
			return errors.New("stuck")
		}
		return nil
	}}
	r := start(t, b, stuck)
	for i := range 4 {
		r.add(add{ID: fmt.Sprint(i), Amount: 1})
	}
	until(t, "the others are done", func() bool { return len(stuck.times()) == 3 })
	r.halt()
	w := &witness{fail: func(e engine.Effect, _ int) error {
		if e.Value != nil {
			t.Errorf("effect %s comes from the journal with the value %v", e.ID, e.Value)
		}
		return nil
	}}
	again := start(t, b, w)
	until(t, "what was stuck is done", func() bool { return w.times()["1"] == 1 })
	again.halt()
	equal(t, "an effect before the cursor is done", w.times()["0"], 0)
}

func testWakes(t *testing.T, b Backend) {
	r := start(t, b, nil)
	asked := time.Now()
	r.add(add{ID: "soon", Amount: 1, Wake: 40 * time.Millisecond})
	r.add(add{ID: "late", Amount: 1, Wake: time.Hour})
	r.halt()
	r = start(t, b, nil)
	woken := func() map[string]string {
		fields, err := r.store.Read(1).Fields(t.Context(), "woken")
		if err != nil {
			t.Fatal(err)
		}
		return fields
	}
	until(t, "it is woken", func() bool { return woken()["soon"] != "" })
	at, err := time.Parse(time.RFC3339Nano, woken()["soon"])
	if err != nil || at.Before(asked.Add(40*time.Millisecond)) {
		t.Errorf("woken at %s, %v; asked at %s for 40 ms later", at, err, asked)
	}
	r.halt()
	equal(t, "woken", len(woken()), 1)
	kept, err := r.store.Read(1).Members(t.Context(), engine.DueSet, engine.Range{})
	equal(t, "wake-ups left", fmt.Sprint(kept, err), "[late] <nil>")
}

func testDrain(t *testing.T, b Backend) {
	r := start(t, b, nil)
	const n = 500
	var answered sync.WaitGroup
	var mu sync.Mutex
	var in []string
	for i := range n {
		id := fmt.Sprint(i)
		answered.Add(1)
		err := r.Post(1, add{ID: id, Amount: 1}, func(_ any, err error) {
			defer answered.Done()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				in = append(in, id)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.halt()
	answered.Wait()
	equal(t, "taken in", len(in), n)
	audit(t, r.store.Read(1), in)
}

func testSecondOwner(t *testing.T, b Backend) {
	first := start(t, b, nil)
	first.add(add{ID: "a", Amount: 1})
	second := start(t, b, nil)
	if _, err := first.Do(t.Context(), 1, add{ID: "b", Amount: 1}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("an input of a stale owner was answered with %v", err)
	}
	if err := <-first.ended; !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the stale owner ended with %v", err)
	}
	second.add(add{ID: "c", Amount: 1})
	second.halt()
	audit(t, second.store.Read(1), []string{"a", "c"})
}

// testOutage cuts the link for longer than a commit may take: the engine drops its
// memory, and goes on by itself when the link is back.
func testOutage(t *testing.T, b Backend) {
	r := startHasty(t, b, nil)
	r.add(add{ID: "a", Amount: 1})
	r.link.Cut()
	_, err := r.Do(t.Context(), 1, add{ID: "b", Amount: 1})
	if !errors.Is(err, engine.ErrUnknown) && !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("in an outage the answer is %v", err)
	}
	if _, err = r.Do(t.Context(), 1, add{ID: "c", Amount: 1}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("in an outage that is known the answer is %v", err)
	}
	r.link.Mend()
	r.add(add{ID: "b", Amount: 1})
	r.add(add{ID: "c", Amount: 1})
	r.halt()
	audit(t, r.store.Read(1), []string{"a", "b", "c"})
}

// testKills has many callers repeat their inputs until they are certain, while the
// engine is killed and started again.
func testKills(t *testing.T, b Backend) {
	const kills, callers, each = 8, 8, 40
	random := rand.New(rand.NewPCG(1, 2))
	w := new(witness)
	var mu sync.Mutex
	r := startHasty(t, b, w)
	current := func() *running {
		mu.Lock()
		defer mu.Unlock()
		return r
	}
	var must []string
	var work sync.WaitGroup
	for c := range callers {
		for i := range each {
			must = append(must, fmt.Sprintf("%d.%d", c, i))
		}
		work.Go(func() {
			for i := range each {
				in := add{ID: fmt.Sprintf("%d.%d", c, i), Amount: i, Lane: fmt.Sprint(c)}
				for !current().tryAdd(in) && t.Context().Err() == nil {
					pause(t)
				}
			}
		})
	}
	for range kills {
		target := current().link.Commits() + random.IntN(8)
		until(t, "enough was committed to kill it", func() bool {
			return current().link.Commits() >= target || len(w.times()) == callers*each
		})
		current().link.Fail([]Fault{None, LoseReply, LoseRequest}[random.IntN(3)])
		current().kill()
		next := startHasty(t, b, w)
		mu.Lock()
		r = next
		mu.Unlock()
	}
	work.Wait()
	until(t, "all effects are done", func() bool { return len(w.times()) == callers*each })
	current().halt()
	audit(t, current().store.Read(1), must)
	for c := range callers {
		ids := w.firsts(fmt.Sprint(c))
		if !slices.IsSortedFunc(ids, func(a, b string) int { return len(a) - len(b) }) || len(ids) != each {
			t.Errorf("the effects of lane %d came as %v", c, ids)
		}
	}
}

// testPlans draws plans of inputs and faults; rapid shrinks the one that fails.
func testPlans(t *testing.T, b Backend) {
	steps := []string{"add", "add", "add", "add", "lose reply", "lose request", "hold and release", "kill", "stop", "second owner"}
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		plan := rapid.SliceOfN(rapid.SampledFrom(steps), 1, 8).Draw(rt, "plan")
		w := new(witness)
		r := startHasty(t, b, w)
		var must []string
		for i, step := range plan {
			switch step {
			case "lose reply":
				r.link.Fail(LoseReply)
			case "lose request":
				r.link.Fail(LoseRequest)
			case "hold and release":
				r.link.Fail(HoldRequest)
			case "kill":
				r.kill()
				r = startHasty(t, b, w)
			case "stop":
				r.halt()
				r = startHasty(t, b, w)
			case "second owner":
				stale := r
				r = startHasty(t, b, w)
				_, err := stale.Do(t.Context(), 1, add{ID: fmt.Sprintf("stale %d %d", run, i), Amount: 1})
				if err == nil {
					rt.Fatal("a stale owner answered")
				}
				stale.kill()
			}
			id := fmt.Sprintf("%d.%d", run, i)
			r.add(add{ID: id, Amount: i})
			must = append(must, id)
			_ = r.link.Release() // a connection that is gone needs no release
		}
		until(t, "all effects are done", func() bool { return len(w.times()) >= len(must) })
		r.halt()
		audit(t, r.store.Read(1), must)
		if t.Failed() {
			rt.FailNow()
		}
	})
}
