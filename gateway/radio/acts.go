package radio

import (
	"cmp"
	"errors"
	"fmt"
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
func (a *Air) act(change func() error, touches func(number string, s stand) bool) error {
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

func (a *Air) change(change func() error, touches func(string, stand) bool) (back []string, watchers []func(string), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err = change(); err != nil {
		return nil, nil, err
	}
	for number := range a.missed {
		if s := a.stand(number); touches(number, s) && s.barred() == Through {
			back = append(back, number)
			delete(a.missed, number)
		}
	}
	slices.Sort(back) // as a map has no order, and runs replay
	return back, a.watchers, nil
}

func everybody(string, stand) bool { return true }

func only(number string) func(string, stand) bool {
	return func(n string, _ stand) bool { return n == number }
}

// SetProfile sets what the air is like where no cell and no subscriber has a profile.
func (a *Air) SetProfile(p Profile) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return a.act(
		func() error { a.profile = p; return nil },
		func(_ string, s stand) bool { return s.profile == &a.profile },
	)
}

// SetCell sets a cell, new if its name is. Of those who stand where the seed puts
// them, a new cell takes its share and the others stay.
func (a *Air) SetCell(c Cell) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.clone()
	return a.act(
		func() error { a.putCell(&c); return nil },
		func(_ string, s stand) bool { return s.cell != nil && s.cell.Name == c.Name },
	)
}

func (a *Air) putCell(c *Cell) {
	if old := a.cell(c.Name); old != nil {
		*old = *c // subscribers in it have its address
		return
	}
	a.cells = append(a.cells, c)
}

func (a *Air) cell(name string) *Cell {
	for _, c := range a.cells {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Set sets a subscriber's settings, all of them.
func (a *Air) Set(s Settings) error {
	return a.Update(s.Number, func(old *Settings) error { *old = s; return nil })
}

// Update changes a subscriber's settings, with nobody else changing them meanwhile.
// The function is called under a lock: it must be quick, and must not call the air.
// After its error all is as it was.
func (a *Air) Update(number string, change func(*Settings) error) error {
	return a.act(func() error {
		s := a.settings(number)
		if err := change(&s); err != nil {
			return err
		}
		if s.Number != number {
			return fmt.Errorf("radio: subscriber %s: number: it cannot become %q", number, s.Number)
		}
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

// put sets valid settings. What the phone holds stays, if its memory still has a limit.
func (a *Air) put(s Settings) {
	if s.isPlain() {
		delete(a.own, s.Number)
		return
	}
	n := &subscriber{Settings: s.clone()}
	if s.Cell != "" {
		n.cell = a.cell(s.Cell)
	}
	if old, ok := a.own[s.Number]; ok && s.Memory != nil {
		n.held = old.held
	}
	a.own[s.Number] = n
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
		if own, ok := a.own[number]; ok {
			own.held = 0
		}
		return nil
	}, only(number)) // nothing here can fail, and a nil air holds nothing
}

// SetPlan sets the whole air. Subscribers that are not in it have nothing of their
// own any more; what others hold stays.
func (a *Air) SetPlan(p Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return a.act(func() error { a.putPlan(p); return nil }, everybody)
}

func (a *Air) putPlan(p Plan) {
	a.profile, a.cells = p.Profile, nil
	for _, c := range p.Cells {
		a.cells = append(a.cells, new(c.clone()))
	}
	old := a.own
	a.own = make(map[string]*subscriber, len(p.Subscribers))
	for _, s := range p.Subscribers {
		if o, ok := old[s.Number]; ok {
			a.own[s.Number] = o
		}
		a.put(s)
	}
}

// Plan is the whole air's settings, subscribers by number.
func (a *Air) Plan() Plan {
	if a == nil {
		return Plan{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p := Plan{Profile: a.profile, Cells: make([]Cell, 0, len(a.cells)), Subscribers: make([]Settings, 0, len(a.own))}
	for _, c := range a.cells {
		p.Cells = append(p.Cells, c.clone())
	}
	for _, s := range a.own {
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
	status := Status{
		Settings: a.settings(number), InForce: *s.profile, Cause: s.barred(),
		Returns: a.returns(now, s), Held: s.own.held, Crossings: int(a.crossings[s.key]),
	}
	if s.cell != nil {
		status.StandsIn = s.cell.Name
	}
	if in, _ := s.covered(a.elapsed(now)); !in {
		status.Cause = Absent
	}
	return status
}
