package radio

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Coverage is how a subscriber comes into coverage and out of it again: for On on
// average, then Off on average, and so on. It is in coverage On/(On+Off) of the time.
// Off zero, and so the zero Coverage, is always in coverage; On alone zero never.
type Coverage struct {
	On, Off time.Duration
}

// The bounds of On and Off, zero apart: so that a spell is not rounded away, and no
// sum of times overflows.
const (
	minCoverage = time.Millisecond
	maxCoverage = 366 * 24 * time.Hour
)

// isNever says whether it is out of coverage for good.
func (c Coverage) isNever() bool { return c.On == 0 && c.Off > 0 }

// at says whether a link is in coverage at a time since the air began, and if not,
// when it will be.
//
// Time is cut into cycles of On+Off, each link's beginning at a phase of its own. The
// shorter of the two comes once a cycle, at a place in it and with a length that are
// drawn for that cycle, from half its mean to one and a half times. So any time's
// state is computed at once, without the history before it.
func (c Coverage) at(key uint64, elapsed time.Duration) (in bool, back time.Duration) {
	switch {
	case c.Off == 0:
		return true, elapsed
	case c.On == 0:
		return false, elapsed
	}
	cycle := c.On + c.Off
	d := draws(key ^ phaseDraws)
	since := elapsed + time.Duration(d.next()*float64(cycle))
	n, within := since/cycle, since%cycle
	from, to := c.spell(key, n)
	inside := from <= within && within < to
	if c.Off <= c.On {
		return !inside, elapsed + to - within
	}
	if within >= to { // the next cycle's
		from, _ = c.spell(key, n+1)
		from += cycle
	}
	return inside, elapsed + from - within
}

// spell is when the shorter state begins and ends in a link's n-th cycle.
func (c Coverage) spell(key uint64, n time.Duration) (from, to time.Duration) {
	d := drawsOf(key^coverageDraws, uint64(n))
	length, place := d.next(), d.next()
	long := time.Duration((0.5 + length) * float64(min(c.On, c.Off)))
	from = time.Duration(place * float64(c.On+c.Off-long))
	return from, from + long
}

// String is coverage in words, as ParseCoverage reads it: always, never, or 10m0s/20s.
func (c Coverage) String() string {
	switch {
	case c.Off == 0:
		return "always"
	case c.isNever():
		return "never"
	}
	return fmt.Sprintf("%v/%v", c.On, c.Off)
}

// ParseCoverage reads always, never, or the mean times in and out of coverage: 10m/20s.
func ParseCoverage(text string) (Coverage, error) {
	var c Coverage
	var err error
	switch on, off, found := strings.Cut(strings.TrimSpace(text), "/"); {
	case found:
		var err2 error
		c.On, err = parseDuration(on)
		c.Off, err2 = parseDuration(off)
		err = errors.Join(err, err2)
	case on == "always":
	case on == "never":
		c = never()
	default:
		err = errors.New("give always, never, or times in and out such as 10m/20s")
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Coverage{}, fmt.Errorf("%q: %w", text, err)
	}
	return c.plain(), nil
}

// never is out of coverage for good.
func never() Coverage { return Coverage{Off: time.Hour} }

// plain leaves out a mean that says nothing beside a zero one.
func (c Coverage) plain() Coverage {
	switch {
	case c.Off == 0:
		return Coverage{}
	case c.On == 0:
		return never()
	}
	return c
}

func (c Coverage) check() error {
	switch {
	case c.On < 0 || c.Off < 0:
		return errors.New("a negative time")
	case c.On > 0 && c.On < minCoverage || c.Off > 0 && c.Off < minCoverage:
		return fmt.Errorf("a time under %v", minCoverage)
	case c.On > maxCoverage || c.Off > maxCoverage:
		return fmt.Errorf("a time over %v", maxCoverage)
	}
	return nil
}

// MarshalText writes coverage in words.
func (c Coverage) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is ParseCoverage.
func (c *Coverage) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCoverage(string(text))
	return err
}
