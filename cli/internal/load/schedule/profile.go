package schedule

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// forever is the end of a profile that has none.
const forever = time.Duration(math.MaxInt64)

// profile is the rate over time, in pieces that follow each other.
type profile []piece

// piece is a time in which the rate goes in a line.
type piece struct {
	from, to  time.Duration
	low, high float64 // at the two ends
	before    float64 // bills due before it
	label     string
	rung      int // -1: of no climb
}

// newProfile lays out a configuration that was checked.
func newProfile(c *Config) profile {
	rest := c.plan()
	var p profile
	if c.Warmup > 0 {
		first := rest[0].low
		for _, next := range rest {
			if first == 0 {
				first = next.high
			}
		}
		p = p.add(piece{to: c.Warmup, low: first, high: first, rung: -1})
	}
	for _, next := range rest {
		p = p.add(next)
	}
	if c.Duration > 0 {
		p = p.until(c.Warmup + c.Duration)
	}
	return p
}

// plan lists the pieces after the warm-up; their to is how long they take.
func (c *Config) plan() []piece {
	switch {
	case len(c.Stages) > 0:
		return c.ramps()
	case c.Climb != (Climb{}):
		return c.rungs()
	}
	return []piece{{to: forever, low: c.Rate, high: c.Rate, rung: -1}}
}

func (c *Config) ramps() []piece {
	var all []piece
	rate := c.Rate
	for i, s := range c.Stages {
		label := fmt.Sprintf("stage %d/%d to %s", i+1, len(c.Stages), rateText(s.Rate))
		if s.Over > 0 {
			all = append(all, piece{to: s.Over, low: rate, high: s.Rate, label: label, rung: -1})
		}
		rate = s.Rate
	}
	return all
}

func (c *Config) rungs() []piece {
	every := c.Climb.Every
	if every == 0 {
		every = 30 * time.Second
	}
	var all []piece
	for i := range MaxRungs {
		rate := c.first() + float64(i)*c.Climb.Step
		if c.Climb.Max > 0 && rate > c.Climb.Max*(1+1e-9) || rate > MaxRate {
			break
		}
		all = append(all, piece{to: every, low: rate, high: rate, label: fmt.Sprintf("rung %d at %s", i+1, rateText(rate)), rung: i})
	}
	return all
}

func rateText(r float64) string { return fmt.Sprintf("%.4g/s", r) }

// add puts a piece at the end; its to is how long it takes.
func (p profile) add(next piece) profile {
	if len(p) > 0 {
		last := p[len(p)-1]
		next.from, next.before = last.to, last.before+last.bills()
	}
	if next.to < forever-next.from {
		next.to += next.from
	} else {
		next.to = forever
	}
	return append(p, next)
}

// until cuts off what comes after a moment.
func (p profile) until(end time.Duration) profile {
	for len(p) > 1 && p[len(p)-1].from >= end {
		p = p[:len(p)-1]
	}
	last := &p[len(p)-1]
	if last.to > end {
		last.high, last.to = last.rate(end), end
	}
	return p
}

// changed has another rate from a moment on. It ends when p does.
func (p profile) changed(at time.Duration, rate float64) profile {
	end := p.end()
	if at >= end {
		return p
	}
	next := piece{to: end - at, low: rate, high: rate, label: "at " + rateText(rate), rung: -1}
	if end == forever {
		next.to = forever
	}
	if at == 0 {
		return profile{}.add(next)
	}
	return slices.Clone(p).until(at).add(next)
}

func (p profile) end() time.Duration { return p[len(p)-1].to }

// at is the piece that a moment is in: of the end and what comes after, the last.
func (p profile) at(t time.Duration) piece {
	i := sort.Search(len(p), func(i int) bool { return t < p[i].to })
	return p[min(i, len(p)-1)]
}

// when is the moment at which so many bills were due.
func (p profile) when(bills float64) (time.Duration, bool) {
	i := sort.Search(len(p), func(i int) bool { return bills < p[i].before+p[i].bills() })
	if i == len(p) {
		return 0, false
	}
	at := p[i].when(bills)
	return at, at < forever/2 // else the rate is next to none
}

func (p piece) seconds() float64 { return (p.to - p.from).Seconds() }

// bills is how many are due in the piece.
func (p piece) bills() float64 {
	if p.to == forever && p.high > 0 {
		return math.Inf(1)
	}
	return (p.low + p.high) / 2 * p.seconds()
}

// rate is the rate at a moment of the piece; after its end, 0.
func (p piece) rate(t time.Duration) float64 {
	if t > p.to {
		return 0
	}
	return p.low + (p.high-p.low)*((t-p.from).Seconds()/p.seconds())
}

// when solves low*x + (high-low)/length*x*x/2 = bills for x, in the form that does not
// cancel.
func (p piece) when(bills float64) time.Duration {
	need, slope := bills-p.before, 0.0
	if p.low != p.high {
		slope = (p.high - p.low) / p.seconds()
	}
	x := 2 * need / (p.low + math.Sqrt(max(0, p.low*p.low+2*slope*need)))
	if x >= p.seconds() {
		return p.to
	}
	return min(p.from+time.Duration(math.Round(x*float64(time.Second))), p.to)
}
