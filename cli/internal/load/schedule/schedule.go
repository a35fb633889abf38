// Package schedule says when bills are due in a load test, and whose they are. It does no
// I/O and reads no clock: the same seed has the same handsets, people, bills and gaps.
//
//	Config ──▶ Schedule: when the n-th bill is due, whatever becomes of the others
//	           Traffic:  whose it is, and what is in it; who has the h-th handset
//
// A bill's place in a run is a sum of gaps, one on average: all 1 (uniform), or drawn
// (poisson). The rate turns sums into times. So a change of rate moves bills in time and
// changes nothing else.
package schedule

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// Config is when bills are due.
type Config struct {
	Rate     float64       // bills a second; of stages and of a climb, the first
	Stages   []Stage       // from Rate, which may be 0, in a line to each stage's rate
	Climb    Climb         // from Rate, or without one from its Step
	Arrivals Arrivals      // "" is Uniform
	Warmup   time.Duration // before all else, at the first rate that is not 0
	Duration time.Duration // after the warm-up; 0: as long as the stages or the climb, or until it is stopped
	Bills    int64         // due after the warm-up, over all segments; 0: as many as come
	Seed     uint64
	Owns     func(bill int64) bool // which bills are of this segment: Traffic.Owns; nil is all
}

// Due is a bill that comes due.
type Due struct {
	Bill int64         // its number in the run, from 0; Traffic knows whose it is
	At   time.Duration // since the start
	Rung int           // of a climb, from 0; -1 in the warm-up, and when nothing is climbed
}

// Schedule is when bills are due. It is safe for many goroutines.
type Schedule struct {
	c    Config
	gaps *rand.Rand // nil: all are 1

	mu      sync.Mutex
	profile profile
	bill    int64   // that was handed out last
	sum     float64 // of the gaps up to it
	again   bool    // it is to be handed out once more
	last    time.Duration
	first   int64 // bill after the warm-up; -1: none yet

	offset   time.Duration // that pauses have put off the profile
	paused   bool
	pausedAt time.Duration
}

// New makes a schedule, or says which flag is wrong.
func New(c Config) (*Schedule, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Schedule{c: c, profile: newProfile(&c), bill: -1, sum: -0.5, first: -1}
	if c.Arrivals == Poisson {
		s.gaps, s.sum = rand.New(rand.NewPCG(mixed(c.Seed, aspectGaps), c.Seed)), 0
	}
	return s, nil
}

func (c *Config) check() error {
	switch {
	case c.Rate < 0 || c.Rate > MaxRate || math.IsNaN(c.Rate):
		return errors.New("--rate: write it as 200/s")
	case len(c.Stages) > 0 && c.Climb != (Climb{}):
		return errors.New("--stages and --step are two plans: give one of them")
	case len(c.Stages) > 0 && c.Duration > 0:
		return errors.New("--stages say themselves how long they take: leave out --duration")
	case c.Climb != (Climb{}) && !(c.Climb.Step > 0 && c.Climb.Step <= MaxRate):
		return errors.New("--step: write it as 50: bills a second that are added each time")
	case len(c.Stages) == 0 && c.Climb == (Climb{}) && c.Rate == 0:
		return errors.New("no --rate, --stages or --step: say how many bills come due, as in --rate 200/s")
	case c.Climb.Max > 0 && c.first() > c.Climb.Max:
		return errors.New("--max is below the first rate of the climb")
	case c.Warmup < 0 || c.Duration < 0 || c.Bills < 0:
		return errors.New("--warmup, --duration and --bills are not negative")
	}
	if len(c.Stages) > 0 {
		return checkStages(c.Stages)
	}
	return nil
}

// first is the first rate of a climb.
func (c *Config) first() float64 {
	if c.Rate > 0 {
		return c.Rate
	}
	return c.Climb.Step
}

// Next is the bill that comes due next. Without one as things stand it is not ok: the run
// is over, paused, or at no rate. It is asked for when the one before has begun.
func (s *Schedule) Next() (Due, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.paused {
		at, ok := s.advance()
		if !ok {
			break
		}
		if s.c.Owns == nil || s.c.Owns(s.bill) {
			s.last = at + s.offset
			return Due{Bill: s.bill, At: s.last, Rung: s.profile.at(at).rung}, true
		}
	}
	return Due{}, false
}

// advance goes to the next bill and says when it is due by the profile.
func (s *Schedule) advance() (time.Duration, bool) {
	if !s.again {
		s.bill++
		s.sum += s.gap()
	}
	s.again = true // unless it comes
	at, ok := s.profile.when(s.sum)
	if !ok {
		return 0, false
	}
	if s.first < 0 && at >= s.c.Warmup {
		s.first = s.bill
	}
	if s.counted() {
		return 0, false
	}
	s.again = false
	return at, true
}

// counted says whether all the bills that were asked for have been handed out.
func (s *Schedule) counted() bool {
	return s.c.Bills > 0 && s.first >= 0 && s.bill >= s.first+s.c.Bills
}

func (s *Schedule) gap() float64 {
	if s.gaps == nil {
		return 1
	}
	return s.gaps.ExpFloat64()
}

// SetRate changes the rate from a moment on, until the end. What Next has said to be due
// after that moment, it says again, with the new time.
func (s *Schedule) SetRate(at time.Duration, rate float64) {
	if !(rate > 0) {
		rate = 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeBack(at)
	from := s.profileTime(at)
	s.profile = s.profile.changed(from, min(rate, MaxRate))
	if from < s.c.Warmup {
		s.first = -1
	}
}

// takeBack has the last bill handed out once more, if it is due after at.
func (s *Schedule) takeBack(at time.Duration) {
	if s.bill >= 0 && s.last > at {
		s.again = true
	}
}

// profileTime is a moment less the pauses before it.
func (s *Schedule) profileTime(at time.Duration) time.Duration {
	if s.paused {
		at = min(at, s.pausedAt)
	}
	return max(0, at-s.offset)
}

// Pause puts off all that is to come, from a moment on, until Resume. What Next has said
// to be due after that moment, it says again then.
func (s *Schedule) Pause(at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.paused {
		s.takeBack(at)
		s.paused, s.pausedAt = true, at
	}
}

// Resume ends a pause. All that is to come is later by the length of the pause.
func (s *Schedule) Resume(at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused {
		s.offset += max(0, at-s.pausedAt)
		s.paused = false
	}
}

// Asked is the rate that is asked for at a moment, by all segments together.
func (s *Schedule) Asked(at time.Duration) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused && at >= s.pausedAt {
		return 0
	}
	p := s.profileTime(at)
	return s.profile.at(p).rate(p)
}

// End is when the run ends, since the start; 0 if by count, or when it is stopped. A pause
// that goes on is not in it.
func (s *Schedule) End() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end := s.profile.end(); end < forever {
		return end + s.offset
	}
	return 0
}

// Over says whether nothing comes due any more at a moment, whatever is changed.
func (s *Schedule) Over(at time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted() || !s.paused && s.profileTime(at) >= s.profile.end()
}

// Stage names the part of the run that a moment is in: "warm-up", "stage 2/3 to 200/s",
// "rung 4 at 200/s", or "".
func (s *Schedule) Stage(at time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.profileTime(at)
	if p < s.c.Warmup {
		return "warm-up"
	}
	return s.profile.at(p).label
}

// Rung says which rung of a climb a moment is in, from 0, and its rate; -1 if none.
func (s *Schedule) Rung(at time.Duration) (rung int, rate float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.profileTime(at)
	on := s.profile.at(p)
	return on.rung, on.rate(p)
}
