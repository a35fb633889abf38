// Package radio is the air between a base station and a phone: how long a short
// message takes to cross, whether it is lost, whether it arrives twice.
//
// Every link has its own generator, seeded from the air's seed and the link's
// name, so that one message more on one link changes nothing on another, and a
// whole run replays from one seed. Without a profile the air is ideal.
//
// Left out for now: coverage and cells, memory and busy phones, reordering,
// named profiles, laws of latency other than uniform, the way up from the phone.
package radio

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"
)

// Profile is what a link is like. The zero Profile is ideal.
type Profile struct {
	Latency     time.Duration // the least a message takes
	Jitter      time.Duration // and up to this much more, evenly spread
	Loss        float64       // how probably a message is lost, 0 to 1
	Duplication float64       // how probably one that arrives does so twice, 0 to 1
}

// Validate says what is wrong with a profile.
func (p Profile) Validate() error {
	switch {
	case p.Latency < 0 || p.Jitter < 0:
		return errors.New("radio: profile: a negative time")
	case p.Loss < 0 || p.Loss > 1 || p.Duplication < 0 || p.Duplication > 1:
		return errors.New("radio: profile: a probability outside 0 to 1")
	}
	return nil
}

// Crossing is what happens to one message.
type Crossing struct {
	Delay time.Duration // until it arrives, or its loss is noticed
	Lost  bool
	Twice bool
}

// Air is all links. Its methods may be called from any goroutine. A nil Air is ideal.
type Air struct {
	seed uint64

	mu       sync.Mutex
	standard Profile
	own      map[string]Profile
	links    map[string]*rand.Rand
}

// New makes an air whose links are all like one profile.
func New(seed uint64, p Profile) (*Air, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Air{seed: seed, standard: p, own: make(map[string]Profile), links: make(map[string]*rand.Rand)}, nil
}

// Set gives one link a profile of its own, while it is in use if need be.
func (a *Air) Set(link string, p Profile) error {
	if err := p.Validate(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own[link] = p
	return nil
}

// Cross sends one message over a link, named by the subscriber's number.
func (a *Air) Cross(link string) Crossing {
	if a == nil {
		return Crossing{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.own[link]
	if !ok {
		p = a.standard
	}
	if p == (Profile{}) {
		return Crossing{}
	}
	r := a.generator(link)
	// Always three draws, so that a changed profile does not shift what follows.
	jitter, loss, twice := r.Float64(), r.Float64(), r.Float64()
	return Crossing{
		Delay: p.Latency + time.Duration(jitter*float64(p.Jitter)),
		Lost:  loss < p.Loss,
		Twice: loss >= p.Loss && twice < p.Duplication,
	}
}

func (a *Air) generator(link string) *rand.Rand {
	if r, ok := a.links[link]; ok {
		return r
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(link))
	r := rand.New(rand.NewPCG(a.seed, h.Sum64())) //nolint:gosec // a simulation replays from its seed
	a.links[link] = r
	return r
}
