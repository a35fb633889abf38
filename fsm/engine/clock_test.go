package engine

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// steppedWall is a wall clock that can be set.
type steppedWall struct {
	mu   sync.Mutex
	step time.Duration
}

func (w *steppedWall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.step).Round(0)
}

func (w *steppedWall) set(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step += by
}

// The time never goes back: set back, the clock goes on at its pace until the wall clock
// has caught up; set ahead, it follows.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := &steppedWall{}
		c, began := NewClock(wall.now), time.Now()
		after := func() time.Duration { return c.Now().Sub(began) }
		for _, tt := range []struct{ step, pass, want time.Duration }{
			{0, time.Second, time.Second},
			{-time.Hour, 0, time.Second},
			{0, time.Minute, 61 * time.Second},
			{-24 * time.Hour, time.Second, 62 * time.Second},
			{25 * time.Hour, 0, 62 * time.Second},
			{time.Hour, 0, 62*time.Second + time.Hour},
			{-time.Hour, 30 * time.Minute, 62*time.Second + 90*time.Minute},
			{0, time.Hour, 62*time.Second + 150*time.Minute},
		} {
			wall.set(tt.step)
			time.Sleep(tt.pass)
			if got := after(); got != tt.want {
				t.Errorf("step %s, then %s: it shows %s, want %s", tt.step, tt.pass, got, tt.want)
			}
		}
	})
}

// memory is a store of one partition that outlives its engines.
type memory struct {
	mu    sync.Mutex
	epoch uint64
	seq   uint64
	due   map[string]time.Time
}

func (m *memory) Take(context.Context, Partition) (Hold, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	return &memoryHold{m: m, epoch: m.epoch}, nil
}

func (m *memory) Read(Partition) Reader { return nil }

type memoryHold struct {
	Reader
	m     *memory
	epoch uint64
}

func (h *memoryHold) Epoch() uint64  { return h.epoch }
func (h *memoryHold) Seq() uint64    { return h.m.seq }
func (h *memoryHold) Cursor() string { return "" }
func (h *memoryHold) Close() error   { return nil }

func (h *memoryHold) Journal(context.Context, string, string, int) ([]Entry, error) { return nil, nil }

func (h *memoryHold) Wakes(context.Context) ([]Due, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	var all []Due
	for id, at := range h.m.due {
		all = append(all, Due{ID: id, At: at})
	}
	return all, nil
}

func (h *memoryHold) Commit(_ context.Context, b *Batch) error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	h.m.seq = b.Seq
	for _, d := range b.Wakes {
		h.m.due[d.ID] = d.At
	}
	for _, id := range b.NoWakes {
		delete(h.m.due, id)
	}
	return nil
}

// alarms is an actor that sets an alarm for each duration it is given, and notes when it
// rings by its own time, and how long that was really.
type alarms struct {
	mu    sync.Mutex
	rings map[string]time.Time // by the real clock
	times []time.Time          // of all inputs, by the partition's
}

func (a *alarms) Load(context.Context, Reader) error { return nil }

func (a *alarms) Handle(tx *Tx, in any) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times = append(a.times, tx.Now())
	switch in := in.(type) {
	case time.Duration:
		tx.Wake(in.String(), tx.Now().Add(in))
	case Due:
		if tx.Now().Before(in.At) {
			panic("it rings early")
		}
		a.rings[in.ID] = time.Now()
	}
	return nil, nil
}

// Deadlines come after as long as was promised when the wall clock is set back, and by the
// time that was promised when it is set ahead; none is lost, also over a restart.
func TestDeadlinesWhenTheClockIsSet(t *testing.T) {
	tests := map[string]struct {
		step    time.Duration // after a minute
		restart bool
		want    time.Duration // that an alarm of an hour takes
	}{
		"a second back":            {-time.Second, false, time.Hour},
		"a day back":               {-24 * time.Hour, false, time.Hour},
		"a second ahead":           {time.Second, false, time.Hour - time.Second},
		"half an hour ahead":       {30 * time.Minute, false, 30 * time.Minute},
		"a day ahead":              {24 * time.Hour, false, time.Minute + lookAtClock},
		"back, and a restart":      {-10 * time.Minute, true, 70 * time.Minute}, // the store has the wall clock's time
		"ahead, and a restart":     {10 * time.Minute, true, 50 * time.Minute},
		"far ahead, and a restart": {2 * time.Hour, true, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wall, a := &steppedWall{}, &alarms{rings: map[string]time.Time{}}
				store, began := &memory{due: map[string]time.Time{}}, time.Now()
				run := func() (e *Engine, stop func()) {
					e, err := New(Config{Partitions: 1, Clock: NewClock(wall.now)}, store, func(Partition) Actor { return a }, nil)
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan error)
					go func() { done <- e.Run(ctx) }()
					if err := e.Ready(t.Context()); err != nil {
						t.Fatal(err)
					}
					return e, func() { cancel(); <-done }
				}
				e, stop := run()
				if _, err := e.Do(t.Context(), 0, time.Hour); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				wall.set(tt.step)
				if tt.restart {
					stop()
					a.times = nil
					e, stop = run()
				}
				defer func() { stop() }()
				for range 100 { // somebody asks now and then
					time.Sleep(time.Minute)
					if !tt.restart && tt.step == 24*time.Hour {
						continue // nobody does: the loop looks by itself
					}
					if _, err := e.Do(t.Context(), 0, nil); err != nil {
						t.Fatal(err)
					}
				}
				a.mu.Lock()
				defer a.mu.Unlock()
				at, rang := a.rings["1h0m0s"]
				if took := at.Sub(began); !rang || took < tt.want-lookAtClock || took > tt.want+lookAtClock {
					t.Errorf("it rang %t after %s, want %s", rang, took, tt.want)
				}
				if !slices.IsSortedFunc(a.times, time.Time.Compare) {
					t.Error("the partition's time went back")
				}
			})
		})
	}
}
