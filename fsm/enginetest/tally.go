package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// tally is an actor for the engine's suite. It adds numbers up, each id once, and keeps
// enough to tell afterwards whether anything was lost or done twice.
type tally struct {
	total   int
	applied map[string]int
}

// add is its input; the same ID again answers the total and changes nothing.
type add struct {
	ID     string
	Amount int
	Lane   string        // of its effect
	Wake   time.Duration // how long until its wake-up, if it wants one
}

// ask is an input that changes nothing.
type ask struct{}

var errNegative = errors.New("enginetest: negative amounts are refused")

func newTally(engine.Partition) engine.Actor { return &tally{applied: make(map[string]int)} }

// Load reads what was applied.
func (a *tally) Load(ctx context.Context, r engine.Reader) error {
	applied, err := r.Fields(ctx, "applied")
	if err != nil {
		return err
	}
	for id, text := range applied {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		a.applied[id] = n
		a.total += n
	}
	kept, err := r.Get(ctx, "total")
	if err != nil {
		return err
	}
	if kept[0] != "" && kept[0] != strconv.Itoa(a.total) {
		return fmt.Errorf("the total is %s, what was applied comes to %d", kept[0], a.total)
	}
	return nil
}

// Handle adds.
func (a *tally) Handle(tx *engine.Tx, in any) (any, error) {
	switch in := in.(type) {
	case ask:
		return a.total, nil
	case engine.Due:
		tx.SetField("woken", in.ID, tx.Now().Format(time.RFC3339Nano))
		return nil, nil
	case add:
		return a.add(tx, in)
	}
	return nil, fmt.Errorf("no rule for a %T", in)
}

func (a *tally) add(tx *engine.Tx, in add) (any, error) {
	if in.Amount < 0 {
		return nil, errNegative
	}
	if _, ok := a.applied[in.ID]; ok {
		return a.total, nil
	}
	a.applied[in.ID] = in.Amount
	a.total += in.Amount
	tx.SetField("applied", in.ID, strconv.Itoa(in.Amount))
	tx.Put("total", a.total)
	if in.Wake > 0 {
		tx.Wake(in.ID, tx.Now().Add(in.Wake))
	}
	tx.Record(engine.Event{
		Subject: in.ID, Name: "add", Data: in.Amount,
		Effects: []engine.Effect{{ID: in.ID, Kind: "tell", Lane: in.Lane, Value: in}},
	})
	return a.total, nil
}

// witness is a performer that remembers what it did, in order, over restarts.
type witness struct {
	fail func(effect engine.Effect, try int) error // nil never fails

	mu    sync.Mutex
	tries map[string]int
	told  []engine.Effect
}

// Perform remembers the effect.
func (w *witness) Perform(_ context.Context, _ engine.Partition, e engine.Effect) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tries == nil {
		w.tries = make(map[string]int)
	}
	w.tries[e.ID]++
	if w.fail != nil {
		if err := w.fail(e, w.tries[e.ID]); err != nil {
			return err
		}
	}
	w.told = append(w.told, e)
	return nil
}

// times tells how often each effect was done.
func (w *witness) times() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := make(map[string]int)
	for _, e := range w.told {
		n[e.ID]++
	}
	return n
}

// firsts lists the effects of a lane in the order in which each was first done.
func (w *witness) firsts(lane string) (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := make(map[string]bool)
	for _, e := range w.told {
		if e.Lane == lane && !seen[e.ID] {
			seen[e.ID] = true
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// running is an engine that a test has started.
type running struct {
	*engine.Engine
	t     *testing.T
	store engine.Store
	link  *Link
	stop  context.CancelFunc
	ended chan error
	hasty bool // gives commits up soon
}

// start runs an engine on the backend and waits until it serves.
func start(t *testing.T, b Backend, w engine.Performer) *running {
	t.Helper()
	link := new(Link)
	r := startOn(t, b.Open(t, link), w, 2*time.Second)
	r.link = link
	return r
}

// startHasty runs an engine that soon gives a commit up, for tests that cut it off.
func startHasty(t *testing.T, b Backend, w engine.Performer) *running {
	t.Helper()
	link := new(Link)
	r := startOn(t, b.Open(t, link), w, 50*time.Millisecond)
	r.link, r.hasty = link, true
	return r
}

func startOn(t *testing.T, store engine.Store, w engine.Performer, giveUp time.Duration) *running {
	t.Helper()
	return startActorOn(t, store, newTally, w, giveUp)
}

func startActorOn(t *testing.T, store engine.Store, actor func(engine.Partition) engine.Actor, w engine.Performer, giveUp time.Duration) *running {
	t.Helper()
	config := engine.Config{
		Partitions: Partitions, MaxBatch: 32, CursorEvery: 5 * time.Millisecond, CommitTimeout: giveUp,
		RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond,
	}
	e, err := engine.New(config, store, actor, w)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Engine: e, t: t, store: store, stop: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- e.Run(ctx) }()
	if err := e.Ready(ctx); err != nil {
		t.Fatal(err, <-r.ended)
	}
	return r
}

// halt stops the engine and waits.
func (r *running) halt() {
	r.t.Helper()
	r.stop()
	err := <-r.ended
	if r.hasty && (errors.Is(err, engine.ErrDoubt) || errors.Is(err, engine.ErrUnavailable)) {
		return // a slow machine: the last commit took longer than a hasty engine waits
	}
	if err != nil {
		r.t.Fatalf("Run ended with: %v", err)
	}
}

// kill cuts the engine off and ends it, whatever it was doing.
func (r *running) kill() {
	r.link.Cut()
	r.stop()
	<-r.ended // how it ends when it is cut off does not matter
}

// add hands an input over again and again until its outcome is certain.
func (r *running) add(in add) {
	r.t.Helper()
	for {
		_, err := r.Do(r.t.Context(), 1, in)
		if err == nil {
			return
		}
		if r.t.Context().Err() != nil {
			r.t.FailNow()
		}
		if !errors.Is(err, engine.ErrUnknown) && !errors.Is(err, engine.ErrUnavailable) && !errors.Is(err, engine.ErrBusy) {
			r.t.Fatalf("add %s: %v", in.ID, err)
		}
		pause(r.t)
	}
}

// tryAdd hands an input over once, and says whether it is surely in.
func (r *running) tryAdd(in add) bool {
	_, err := r.Do(r.t.Context(), 1, in)
	return err == nil
}

// addUntilIn is add for callers that are not the test's own goroutine.
func (r *running) addUntilIn(in add) {
	for !r.tryAdd(in) && r.t.Context().Err() == nil {
		pause(r.t)
	}
}

// pause lets a moment pass.
func pause(t *testing.T) {
	select {
	case <-time.After(time.Millisecond):
	case <-t.Context().Done():
	}
}

// until waits for something that happens by itself.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); pause(t) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// audit checks partition 1 of a store: the total is what was applied, the journal tells
// each addition once, and all that must be there is.
func audit(t *testing.T, r engine.Reader, must []string) {
	t.Helper()
	if err := newTally(1).Load(t.Context(), r); err != nil {
		t.Errorf("audit: %v", err)
	}
	applied, err := r.Fields(t.Context(), "applied")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]int)
	for _, entry := range journal(t, r, "-", "+", 0) {
		for _, event := range entry.Events {
			told[event.Subject]++
		}
	}
	for id, n := range told {
		if n != 1 || applied[id] == "" {
			t.Errorf("audit: the journal tells %s %d times; kept is %q", id, n, applied[id])
		}
	}
	if len(told) != len(applied) {
		t.Errorf("audit: %d were applied, the journal tells %d", len(applied), len(told))
	}
	var lost []string
	for _, id := range must {
		if applied[id] == "" {
			lost = append(lost, id)
		}
	}
	if len(lost) > 0 {
		t.Errorf("audit: acknowledged and lost: %s", strings.Join(lost, " "))
	}
}
