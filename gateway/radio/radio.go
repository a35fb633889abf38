// Package radio is the air between base stations and phones: whether a short
// message reaches a phone, how long that takes, what stops it, and when it is
// worth another try.
//
// A subscriber stands in a cell. A cell has a profile (a law of latency, loss,
// duplication, reordering, busy phones, failures, coverage) and may be in outage; a
// subscriber may have settings of its own. All of it may change while in use.
//
// What becomes of the n-th message to a number depends on the air's seed, the
// number, n, the settings in force, what the phone holds where its memory has a
// limit, and the time since the air began, and on nothing else. So a whole run
// replays from one seed, one message more to one number changes nothing for another,
// and a changed profile does not shift what follows.
//
// An air keeps no clock: the time is an argument. It starts no goroutine either.
// Numbers are compared as they are given.
//
// Left out: the way up from a phone, and handing messages to a phone, which is the
// business of whoever asks.
package radio

import (
	"strings"
	"sync"
	"time"
)

// Air is all cells and subscribers. Its methods may be called from any goroutine. A
// nil Air is ideal, and cannot be set.
type Air struct {
	seed uint64

	mu        sync.Mutex
	began     time.Time
	profile   Profile
	cells     []*Cell
	own       map[string]*subscriber // with settings of their own
	plain     subscriber             // all others
	crossings map[uint64]uint32      // of numbers that were sent to, by key
	missed    map[string]struct{}    // numbers not reached: an HLR's message waiting data, TS 23.040 §3.2.6
	watchers  []func(number string)
}

// subscriber is one with settings of its own.
type subscriber struct {
	Settings
	cell *Cell // it was put in; nil is where the seed puts it
	held int   // messages in its memory, while that has a limit
}

// New makes an air without cells, which is everywhere like one profile.
func New(seed uint64, p Profile) (*Air, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Air{
		seed: seed, profile: p,
		own: make(map[string]*subscriber), crossings: make(map[uint64]uint32), missed: make(map[string]struct{}),
	}, nil
}

// Crossing is what happens to one message.
type Crossing struct {
	Delay time.Duration // until it arrives, or its failure is noticed
	Cause Cause         // Through, or why it did not arrive
	Twice bool          // it arrives twice
	// Late is how much longer than Delay it takes while those sent after it may
	// overtake it; zero leaves it its turn.
	Late time.Duration
}

// Seed is what the air was made with, for those who want to see a run again.
func (a *Air) Seed() uint64 {
	if a == nil {
		return 0
	}
	return a.seed
}

// Begin starts the time from which coverage is reckoned. Without it the first
// crossing does. A second Begin moves it.
func (a *Air) Begin(now time.Time) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.began = now
}

// Cross sends one message to a subscriber. A message that is sent again crosses again.
func (a *Air) Cross(now time.Time, number string) Crossing {
	if a == nil {
		return Crossing{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began.IsZero() {
		a.began = now
	}
	s := a.stand(number)
	n := a.crossings[s.key] + 1
	a.crossings[s.key] = n
	c := s.cross(a.elapsed(now), n)
	s.own.keep(c)
	a.remember(number, s, c.Cause)
	return c
}

// keep puts what has arrived into the phone's memory.
func (s *subscriber) keep(c Crossing) {
	if s.Memory == nil || c.Cause != Through {
		return
	}
	s.held++
	if c.Twice {
		s.held++
	}
}

// remember keeps who has to be told of when the phone comes back.
func (a *Air) remember(number string, s stand, c Cause) {
	_, known := a.missed[number]
	waits := c == Absent || c == MemoryFull || c == Busy && s.own.Busy
	switch {
	case waits && !known:
		a.missed[strings.Clone(number)] = struct{}{}
	case c == Through && known:
		delete(a.missed, number)
	}
}

// Returns says when a message to a subscriber is worth a try: now if nothing that
// lasts stands in its way, later if it is out of coverage until then, zero if only an
// act brings it back. Watch tells of acts, also of those before the time given here.
//
// To miss nothing, ask when a failed message is put back, under the lock that the
// function given to Watch takes: either the act came before, and the answer is now,
// or the function is still to be called.
func (a *Air) Returns(now time.Time, number string) time.Time {
	if a == nil {
		return now
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.returns(now, a.stand(number))
}

func (a *Air) returns(now time.Time, s stand) time.Time {
	if s.barred() != Through {
		return time.Time{}
	}
	elapsed := a.elapsed(now)
	in, back := s.covered(elapsed)
	if in {
		return now
	}
	return now.Add(back - elapsed)
}

// elapsed is how long the air has been in use.
func (a *Air) elapsed(now time.Time) time.Duration {
	if a.began.IsZero() {
		return 0
	}
	return max(0, now.Sub(a.began))
}
