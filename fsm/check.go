package fsm

import (
	"fmt"
	"slices"
)

// reserved are the names that looplab/fsm takes for "any".
func reserved(name string) bool { return name == "" || name == "event" || name == "state" }

// collect lists the states and events, and refuses what the table says twice.
func (m *Machine[F]) collect() error {
	seen := make(map[step]bool)
	m.addState(m.definition.Initial)
	for _, t := range m.definition.Transitions {
		if reserved(string(t.Event)) || len(t.From) == 0 {
			return fmt.Errorf("event %q: no usable name, or no source", t.Event)
		}
		if !slices.Contains(m.events, t.Event) {
			m.events = append(m.events, t.Event)
		}
		for _, from := range t.From {
			if seen[step{t.Event, from}] {
				return fmt.Errorf("%s from %s is there twice", t.Event, from)
			}
			seen[step{t.Event, from}] = true
			m.addState(from)
		}
		if t.To != Stay {
			m.addState(t.To)
		}
	}
	if i := slices.IndexFunc(m.states, func(s State) bool { return reserved(string(s)) }); i >= 0 {
		return fmt.Errorf("state %q: no usable name", m.states[i])
	}
	return nil
}

func (m *Machine[F]) addState(s State) {
	if !slices.Contains(m.states, s) {
		m.states = append(m.states, s)
	}
}

// check refuses a table with states that nothing leads to, dead ends that are not
// said to be final, and guards that would never be asked.
func (m *Machine[F]) check() error {
	reached := m.reachable()
	for _, s := range m.states {
		final := slices.Contains(m.definition.Final, s)
		switch left := m.leaves(s); {
		case !slices.Contains(reached, s):
			return fmt.Errorf("nothing leads to state %s", s)
		case final && left:
			return fmt.Errorf("state %s is final, but an event leaves it", s)
		case !final && !left:
			return fmt.Errorf("nothing leaves state %s, which is not final", s)
		}
	}
	for _, s := range m.definition.Final {
		if !slices.Contains(m.states, s) {
			return fmt.Errorf("final state %s is not in the table", s)
		}
	}
	return m.checkGuards()
}

// reachable lists the states that some path leads to.
func (m *Machine[F]) reachable() []State {
	reached := []State{m.definition.Initial}
	for i := 0; i < len(reached); i++ {
		for _, t := range m.definition.Transitions {
			if t.To != Stay && slices.Contains(t.From, reached[i]) && !slices.Contains(reached, t.To) {
				reached = append(reached, t.To)
			}
		}
	}
	return reached
}

func (m *Machine[F]) leaves(s State) bool {
	return slices.ContainsFunc(m.definition.Transitions, func(t Transition) bool {
		return t.To != Stay && t.To != s && slices.Contains(t.From, s)
	})
}

// checkGuards tries each guarded event once: a guard that was not asked has a
// misspelt name.
func (m *Machine[F]) checkGuards() error {
	for event := range m.definition.Guards {
		i := slices.IndexFunc(m.definition.Transitions, func(t Transition) bool { return t.Event == event })
		if i < 0 || !m.table.asks(m.definition.Transitions[i].From[0], event) {
			return fmt.Errorf("the guard of %s would never be asked", event)
		}
	}
	return nil
}
