package radio

import "time"

// stand is where a subscriber stands, and all that is in force there.
type stand struct {
	key     uint64
	own     *subscriber
	cell    *Cell // nil in an air without cells
	profile *Profile
}

// stand looks up what is in force for a number: its own settings, else its cell's,
// else the air's. It is called under the lock, and so is all that uses it.
func (a *Air) stand(number string) stand {
	s := stand{key: keyOf(a.seed, number), own: &a.plain, profile: &a.profile}
	if own, ok := a.own[number]; ok {
		s.own = own
	}
	switch {
	case s.own.cell != nil:
		s.cell = s.own.cell
	case len(a.cells) > 0:
		s.cell = a.cells[choose(mix(s.key^cellDraws), len(a.cells))]
	}
	switch {
	case s.own.Profile != nil:
		s.profile = s.own.Profile
	case s.cell != nil && s.cell.Profile != nil:
		s.profile = s.cell.Profile
	}
	return s
}

// barred says what stands in the way until an act removes it: Through if nothing does.
func (s stand) barred() Cause {
	switch {
	case s.own.Off, s.own.Coverage == Out, s.cell != nil && s.cell.Outage:
		return Absent
	case s.own.Coverage == AsProfile && s.profile.Coverage.isNever():
		return Absent
	case s.own.Busy:
		return Busy
	case !s.own.room(1):
		return MemoryFull
	}
	return Through
}

// room says whether the phone's memory takes n messages more.
func (s *subscriber) room(n int) bool { return s.Memory == nil || s.held+n <= *s.Memory }

// covered says whether the subscriber is in coverage at a time since the air began,
// and if not, when it will be.
func (s stand) covered(elapsed time.Duration) (in bool, back time.Duration) {
	if s.own.Coverage == In {
		return true, elapsed
	}
	return s.profile.Coverage.at(s.key, elapsed)
}

// cross is what becomes of the n-th message. It always makes the same draws, so that
// a changed profile does not shift what follows.
func (s stand) cross(elapsed time.Duration, n uint32) Crossing {
	d := drawsOf(s.key^crossingDraws, uint64(n))
	latency, failure, busy, loss := d.next(), d.next(), d.next(), d.next()
	twice, reordered, late := d.next(), d.next(), d.next()

	p := s.profile
	c := Crossing{Delay: p.Latency.At(latency)}
	barred := s.barred()
	in, _ := s.covered(elapsed)
	switch { // in the order a message meets them: the network pages, carries, asks the phone
	case barred == Absent || !in:
		c.Cause = Absent
	case failure < p.Failure:
		c.Cause = Failed
	case barred == Busy || busy < p.Busy:
		c.Cause = Busy
	case loss < p.Loss:
		c.Cause = Lost
	case barred == MemoryFull:
		c.Cause = MemoryFull
	default:
		c.Twice = twice < p.Duplication && s.own.room(2)
		if reordered < p.Reordering {
			c.Late = time.Duration(late * float64(p.Late))
		}
	}
	return c
}
