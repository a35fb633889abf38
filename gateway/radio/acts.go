package radio

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

var errNil = errors.New("radio: there is no air to set; make one with New")

// Watch adds a function that is told of subscribers that come back by an act:
// switched on, free or in coverage again, their memory cleared, their cell restored.
// Only those are told of that a message has not reached since they were last told of
// or reached. It is called on the actor's goroutine with no lock held, and must be quick.
//
// A subscriber whose coverage comes back by itself is not told of: see Returns.
func (a *Air) Watch(f func(number string)) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watchers = append(slices.Clip(a.watchers), f)
}

// act changes the air, then tells of those it touches that are back.
func (a *Air) act(change func() error, touches func(number string) bool) error {
	if a == nil {
		return errNil
	}
	back, watchers, err := a.change(change, touches)
	for _, number := range back {
		for _, f := range watchers {
			f(number)
		}
	}
	return err
}

func (a *Air) change(change func() error, touches func(number string) bool) (back []string, watchers []func(string), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err = change(); err != nil {
		return nil, nil, err
	}
	for number := range a.missed {
		if !touches(number) {
			continue
		}
		s := a.stand(number)
		if s.barred(a.links[s.key].held) == Through {
			back = append(back, number)
			delete(a.missed, number)
		}
	}
	slices.Sort(back) // as a map has no order, and runs replay
	return back, a.watchers, nil
}

func all(string) bool { return true }

func only(number string) func(string) bool {
	return func(n string) bool { return n == number }
}

// SetProfile sets what the air is like where no cell and no subscriber has a profile.
func (a *Air) SetProfile(p Profile) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return a.act(func() error { a.profile = p; return nil }, all)
}

// SetCell sets a cell, new if its name is. Of those who stand where the seed puts
// them, a new cell takes its share and the others stay.
func (a *Air) SetCell(c Cell) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.clone()
	return a.act(func() error {
		if old := a.cell(c.Name); old != nil {
			*old = c
		} else {
			a.cells = append(a.cells, c)
		}
		return nil
	}, all)
}

// Set sets a subscriber's settings, all of them. What its phone holds stays.
func (a *Air) Set(s Settings) error {
	return a.Update(s.Number, func(old *Settings) error { *old = s; return nil })
}

// Update changes a subscriber's settings, with nobody else changing them meanwhile.
// The function is called under a lock: it must be quick, and must not call the air.
// Its error leaves all as it was.
func (a *Air) Update(number string, change func(*Settings) error) error {
	return a.act(func() error {
		s := a.settings(number)
		if err := change(&s); err != nil {
			return err
		}
		s.Number = number
		if err := s.Validate(); err != nil {
			return err
		}
		if s.Cell != "" && a.cell(s.Cell) == nil {
			return noCell(s)
		}
		a.put(s)
		return nil
	}, only(number))
}

func (a *Air) put(s Settings) {
	if s.isPlain() {
		delete(a.own, s.Number)
		return
	}
	a.own[s.Number] = new(s.clone())
}

// settings are a copy of a subscriber's.
func (a *Air) settings(number string) Settings {
	if own, ok := a.own[number]; ok {
		return own.clone()
	}
	return Settings{Number: number}
}

// Clear empties a phone's memory.
func (a *Air) Clear(number string) {
	_ = a.act(func() error {
		key := keyOf(a.seed, number)
		if l, ok := a.links[key]; ok {
			l.held = 0
			a.links[key] = l
		}
		return nil
	}, only(number))
}

// SetPlan sets the whole air. What phones hold stays.
func (a *Air) SetPlan(p Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return a.act(func() error {
		a.profile, a.cells = p.Profile, cloned(p.Cells, Cell.clone)
		clear(a.own)
		for _, s := range p.Subscribers {
			a.put(s)
		}
		return nil
	}, all)
}

func cloned[T any](list []T, clone func(T) T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = clone(v)
	}
	return out
}

// Plan is the whole air's settings, subscribers by number.
func (a *Air) Plan() Plan {
	if a == nil {
		return Plan{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p := Plan{Profile: a.profile, Cells: cloned(a.cells, Cell.clone), Subscribers: make([]Settings, 0, len(a.own))}
	for s := range maps.Values(a.own) {
		p.Subscribers = append(p.Subscribers, s.clone())
	}
	slices.SortFunc(p.Subscribers, func(x, y Settings) int { return cmp.Compare(x.Number, y.Number) })
	return p
}

// Cell is a cell by its name.
func (a *Air) Cell(name string) (c Cell, ok bool) {
	if a == nil {
		return Cell{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if found := a.cell(name); found != nil {
		return found.clone(), true
	}
	return Cell{}, false
}

// Subscriber is how a subscriber is, whether it was ever sent to or not.
func (a *Air) Subscriber(now time.Time, number string) Status {
	if a == nil {
		return Status{Settings: Settings{Number: number}, Returns: now}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.stand(number)
	l := a.links[s.key]
	status := Status{
		Settings: a.settings(number), Force: *s.profile, Cause: s.barred(l.held),
		Returns: a.returns(now, s), Held: int(l.held), Crossings: int(l.crossings),
	}
	if s.cell != nil {
		status.Stands = s.cell.Name
	}
	if in, _ := s.covered(a.elapsed(now)); !in {
		status.Cause = Absent
	}
	return status
}
