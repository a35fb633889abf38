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

import "time"

// Config is when bills are due. One of Rate, Stages and Climb is set.
type Config struct {
	Rate     float64 // bills a second, all the time
	Stages   []Stage // from Rate, which may be 0, in a line to each stage's rate
	Climb    Climb
	Arrivals Arrivals      // "" is Uniform
	Warmup   time.Duration // at the first rate, before all else
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
type Schedule struct{}

// New makes a schedule, or says which flag is wrong.
func New(c Config) (*Schedule, error) { return &Schedule{}, nil }

// Next is the bill that comes due next. Without one as things stand it is not ok: the run
// is over, paused, or at no rate.
func (s *Schedule) Next() (Due, bool) { return Due{}, false }

// SetRate changes the rate from a moment on, until the end. What Next has said to be due
// after that moment, it says again, with the new time.
func (s *Schedule) SetRate(at time.Duration, rate float64) {}

// Pause puts off all that is to come, from a moment on; Resume lets it come.
func (s *Schedule) Pause(at time.Duration) {}

// Resume ends a pause. All that is to come is later by the length of the pause.
func (s *Schedule) Resume(at time.Duration) {}

// Asked is the rate that is asked for at a moment, by all segments together.
func (s *Schedule) Asked(at time.Duration) float64 { return 0 }

// End is when the run ends, since the start; 0 if by count, or when it is stopped.
func (s *Schedule) End() time.Duration { return 0 }

// Stage names the part of the run that a moment is in: "warm-up", "stage 2/3 to 200/s",
// "rung 4 at 200/s", or "".
func (s *Schedule) Stage(at time.Duration) string { return "" }

// Rung says which rung of a climb a moment is in, from 0, and its rate; -1 if none.
func (s *Schedule) Rung(at time.Duration) (rung int, rate float64) { return -1, 0 }
