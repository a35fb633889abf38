package radio

import "time"

// stand is where a subscriber stands, and all that is in force there.
type stand struct {
	key     uint64
	own     *Settings
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
	s.cell = a.cellOf(s)
	switch {
	case s.own.Profile != nil:
		s.profile = s.own.Profile
	case s.cell != nil && s.cell.Profile != nil:
		s.profile = s.cell.Profile
	}
	return s
}

// cellOf is the cell a subscriber was put in, else one chosen by its key.
func (a *Air) cellOf(s stand) *Cell {
	switch {
	case len(a.cells) == 0:
		return nil
	case s.own.Cell != "":
		return a.cell(s.own.Cell)
	}
	return &a.cells[choose(mix(s.key^cellDraws), len(a.cells))]
}

func (a *Air) cell(name string) *Cell {
	for i := range a.cells {
		if a.cells[i].Name == name {
			return &a.cells[i]
		}
	}
	return nil
}

// barred says what stands in the way until an act removes it, for a phone that
// holds so many messages: Through if nothing does.
func (s stand) barred(held uint32) Cause {
	switch {
	case s.own.Off, s.cell != nil && s.cell.Outage, s.own.Coverage == Out:
		return Absent
	case s.own.Coverage == AsProfile && s.profile.Coverage.isNever():
		return Absent
	case s.own.Busy:
		return Busy
	case s.full(held):
		return MemoryFull
	}
	return Through
}

// full says whether a phone that holds so many messages takes no more.
func (s stand) full(held uint32) bool {
	return s.own.Memory != nil && int(held) >= *s.own.Memory
}

// covered says whether the subscriber is in coverage at a time since the air began,
// and if not, when it will be.
func (s stand) covered(elapsed time.Duration) (in bool, back time.Duration) {
	if s.own.Coverage == In {
		return true, elapsed
	}
	return s.profile.Coverage.at(s.key, elapsed)
}

// cross is what becomes of a link's latest message. It always makes the same draws,
// so that a changed profile does not shift what follows.
func (s stand) cross(elapsed time.Duration, l link) Crossing {
	d := drawsOf(s.key^crossingDraws, uint64(l.crossings))
	latency, failure, busy, loss := d.next(), d.next(), d.next(), d.next()
	twice, reordered, late := d.next(), d.next(), d.next()

	p := s.profile
	c := Crossing{Delay: p.Latency.At(latency)}
	barred := s.barred(l.held)
	in, _ := s.covered(max(0, elapsed))
	// In the order in which a message meets them: the network pages, carries, asks the phone.
	switch {
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
		c.Twice = twice < p.Duplication && !s.full(l.held+1)
		if reordered < p.Reordering {
			c.Late = time.Duration(late * float64(p.Late))
		}
	}
	return c
}
