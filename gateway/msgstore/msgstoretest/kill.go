package msgstoretest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/msgstore"
)

// writers keep messages through one committer, and remember what they were told. Each
// message has three batches: it is accepted, it gets its final state and the receipt in
// one, and the receipt is delivered.
type writers struct {
	committer *msgstore.Committer

	mu    sync.Mutex
	begun map[string]int // batches added
	kept  map[string]int // and acknowledged
}

func newWriters() *writers {
	return &writers{begun: make(map[string]int), kept: make(map[string]int)}
}

// start serves a committer on a store, with so many writers, until ctx ends.
func (w *writers) start(ctx context.Context, t *testing.T, s msgstore.Store, name string, n int) (wait func()) {
	t.Helper()
	w.committer = msgstore.NewCommitter(msgstore.CommitterConfig{Store: s, Beat: time.Hour})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.committer.Serve(ctx); err != nil {
			t.Errorf("the committer ended with %v", err)
		}
	})
	for i := range n {
		wg.Go(func() {
			for j := 0; w.life(t, fmt.Sprintf("%s.%d.%d", name, i, j)); j++ {
			}
		})
	}
	return wg.Wait
}

// life is a message from its acceptance to its end. It is false when nothing is kept any
// more.
func (w *writers) life(t *testing.T, key string) bool {
	return w.step(batch(t, put(message(key))), key) &&
		w.step(batch(t, finish(delivered(key)), put(receipt(key))), key) &&
		w.step(batch(t, remove(key+"/r")), key)
}

func (w *writers) step(b *msgstore.Batch, key string) bool {
	answer := make(chan error, 1)
	w.mu.Lock()
	w.begun[key]++
	w.mu.Unlock()
	w.committer.Add(b, func(err error) {
		if err == nil {
			w.mu.Lock()
			w.kept[key]++
			w.mu.Unlock()
		}
		answer <- err
	})
	return <-answer == nil
}

// progress counts the batches that were acknowledged.
func (w *writers) progress() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.kept {
		n += k
	}
	return n
}

// until waits for more to be acknowledged.
func (w *writers) until(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); w.progress() < n; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d batches are acknowledged, waited for %d", w.progress(), n)
		}
	}
}

// audit checks that of each message all that was acknowledged is there, and of the batch
// that was not, all or nothing.
func (w *writers) audit(t *testing.T, s msgstore.Store) {
	t.Helper()
	found := make(map[string][]string)
	for _, r := range load(t, s) {
		found[string(r.ID)] = append(found[string(r.ID)], r.State.String())
	}
	for key, begun := range w.begun {
		if at := stage(found[key]); at < w.kept[key] || at > begun {
			t.Errorf("%s: %d batches acknowledged of %d, and the store has %q", key, w.kept[key], begun, found[key])
		}
		delete(found, key)
	}
	if len(found) > 0 {
		t.Errorf("nobody has written %v", found)
	}
}

// stage is after how many batches a message's records are these; -1 is after none.
func stage(records []string) int {
	switch fmt.Sprint(records) {
	case "[]":
		return 0
	case "[ENROUTE]":
		return 1
	case "[DELIVRD ENROUTE]", "[ENROUTE DELIVRD]":
		return 2
	case "[DELIVRD]":
		return 3
	}
	return -1
}

// TestServerKilled kills a redis-server under load again and again, and last together with
// its writer: what was acknowledged is there, what was not is there wholly or not at all.
func TestServerKilled(t *testing.T) {
	const kills = 4
	server := NewServer(t)
	open := On(server.Addr)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w := newWriters()
	wait := w.start(ctx, t, open(t, nil, msgstore.Keep{}), "w", 16)
	for range kills {
		w.until(t, w.progress()+300)
		server.Kill()
		server.Start(t)
	}
	w.until(t, w.progress()+300)
	server.Kill()
	stop()
	wait()
	server.Start(t)
	w.audit(t, open(t, nil, msgstore.Keep{}))
}

// TestDisturbed has something happen under load, after which everything that was
// acknowledged is there. disturb is given what waits until some more is acknowledged.
func TestDisturbed(t *testing.T, open Backend, disturb func(more func())) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w := newWriters()
	wait := w.start(ctx, t, open(t, nil, msgstore.Keep{}), "w", 16)
	more := func() { w.until(t, w.progress()+300) }
	more()
	disturb(more)
	more()
	stop()
	wait()
	w.audit(t, open(t, nil, msgstore.Keep{}))
}

// TestWriterKilled cuts writers off at any moment, each time before the next one takes the
// store over.
func TestWriterKilled(t *testing.T, start func(t testing.TB) Backend, seed uint64) {
	const lives = 12
	open, random := start(t), rand.New(rand.NewPCG(seed, 0))
	w := newWriters()
	for n := range lives {
		link := new(Link)
		ctx, stop := context.WithCancel(t.Context())
		wait := w.start(ctx, t, open(t, link, msgstore.Keep{}), fmt.Sprint(n), 8)
		w.until(t, w.progress()+random.IntN(100))
		if random.IntN(2) == 0 {
			link.LoseReply() // a batch is kept, and the writer may not learn it
		}
		link.Cut()
		stop()
		wait()
		w.audit(t, open(t, nil, msgstore.Keep{}))
	}
}
