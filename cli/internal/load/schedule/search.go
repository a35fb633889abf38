package schedule

import "slices"

// Search finds the highest rate that holds. It says which rate to try, and is told what
// became of it, until it knows:
//
//	up by doubling ──▶ a rate breaks ──▶ halve the gap to the last good one ──▶ confirm ──▶ doubt
//	(or by Step)       (twice)           until it is a fiftieth                 the good     the bad
//
// A rate breaks only if it does so twice, as one interval may be noisy. What is found is
// held once more, for longer, as a rate may also hold by luck: if it does not, the search
// goes on below it. And the bad rate is tried once more, as it may have broken by bad
// luck: if it holds, the search goes on above it.
type Search struct {
	c          SearchConfig
	rate       float64 // being tried; 0: it is over
	confirming bool
	doubting   bool
	doubted    bool      // once is enough
	failed     int       // times that this rate broke
	disturbed  int       // times that this rate was not judged
	held       []float64 // rates that held
	broke      []float64 // and that did not
	trials     int
}

// SearchConfig is how to search.
type SearchConfig struct {
	From    float64 // the first rate
	Step    float64 // that each rate is above the last one; 0: it doubles, and closes in
	Max     float64 // 0: none
	Through bool    // with a Step: go on to Max, whatever breaks, each rate once
}

// Trial is what came of trying a rate.
type Trial int

// The outcomes of a Trial.
const (
	Broke     Trial = iota
	Held            // the rate holds
	Disturbed       // it says nothing of the rate: something else came between
)

// Bounds of a search.
const (
	closeEnough   = 0.02 // between the last good rate and the first bad one, of that
	triesToBreak  = 2
	mostDisturbed = 2 // of one rate; after that, it breaks
	mostTrials    = 80
	leastRate     = 0.1
	noMax         = 1e9
)

// NewSearch begins a search.
func NewSearch(c SearchConfig) *Search {
	if c.Max == 0 {
		c.Max = noMax
	}
	return &Search{c: c, rate: c.From}
}

// Rate is what to try next, and whether to hold it for longer than the others; 0: the
// search is over.
func (s *Search) Rate() (rate float64, longer bool) { return s.rate, s.confirming || s.doubting }

// Best is the highest rate that holds, as far as it is known; 0: none.
func (s *Search) Best() float64 {
	if len(s.held) == 0 {
		return 0
	}
	return slices.Max(s.held)
}

// Tried takes what became of the rate.
func (s *Search) Tried(t Trial) {
	s.trials++
	if s.again(t) {
		return
	}
	confirmed, stillBad := s.confirming && t == Held, s.doubting && t != Held
	s.failed, s.disturbed, s.confirming, s.doubting = 0, 0, false, false
	s.note(t == Held)
	switch {
	case stillBad || s.trials >= mostTrials:
		s.rate = 0
	case confirmed:
		s.rate = s.doubt()
	default:
		s.rate = s.next()
	}
}

// note keeps what became of the rate. The last word of a rate counts, and what broke
// has all that is above it broken with it.
func (s *Search) note(held bool) {
	same := func(r float64) bool { return r == s.rate }
	if held {
		s.held, s.broke = append(s.held, s.rate), slices.DeleteFunc(s.broke, same)
		return
	}
	s.broke = append(s.broke, s.rate)
	s.held = slices.DeleteFunc(s.held, func(r float64) bool { return same(r) || r > s.rate && !s.c.Through })
}

// bad is the lowest rate that broke; 0: none did.
func (s *Search) bad() float64 {
	if len(s.broke) == 0 {
		return 0
	}
	return slices.Min(s.broke)
}

// doubt is the bad rate once more, when the good one is known to hold.
func (s *Search) doubt() float64 {
	if s.doubted || len(s.broke) == 0 {
		return 0
	}
	s.doubted, s.doubting = true, true
	return s.bad()
}

// again says whether the same rate is to be tried once more.
func (s *Search) again(t Trial) bool {
	switch {
	case t == Held || s.c.Through || s.trials >= mostTrials:
		return false
	case t == Disturbed && s.disturbed < mostDisturbed:
		s.disturbed++
		return true
	case s.doubting:
		return false
	}
	s.failed++
	return s.failed < triesToBreak
}

// next is the rate after this one; 0: it is known.
func (s *Search) next() float64 {
	up := s.rate + s.c.Step
	switch {
	case s.c.Step > 0 && up <= s.c.Max && (s.c.Through || s.bad() == 0):
		return up
	case s.c.Step > 0:
		return 0
	}
	return s.closeIn()
}

// closeIn is next of a search without a step.
func (s *Search) closeIn() float64 {
	good, bad := s.Best(), s.bad()
	switch {
	case bad == 0 && good < s.c.Max:
		return min(2*good, s.c.Max)
	case good > 0 && (bad == 0 || bad-good <= closeEnough*bad):
		s.confirming = true
		return good
	case bad < leastRate:
		return 0
	}
	return (good + bad) / 2
}
