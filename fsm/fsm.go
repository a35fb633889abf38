// Package fsm keeps the life of a thing as one table: which event may happen in
// which state, where it leads, and what must hold for it.
//
// A [Machine] is built once from a [Definition] and holds no thing's state: [Machine.Fire]
// takes the state a thing is in and answers the state it goes to, so one machine
// serves any number of things. It decides and does nothing else; what follows from a
// step is the caller's.
//
// The machine behind it is looplab/fsm (v1), reused, in looplab.go alone. Left out on
// purpose are that library's asynchronous transitions, its metadata and all its
// callbacks but the one that can refuse: waiting is a state, and effects belong to the
// journal.
package fsm

import (
	"errors"
	"fmt"
	"slices"
)

// State is where a thing is in its life.
type State string

// Event is what happens to a thing.
type Event string

// Stay as the destination of a transition keeps each source where it is: the event
// is legal and is told, but moves nothing.
const Stay State = ""

// Transition says from where an event leads to where.
type Transition struct {
	Event Event
	From  []State
	To    State // Stay keeps each source where it is
}

// Guard refuses an event, by an error, when the facts do not allow it. It must be
// quick and change nothing.
type Guard[F any] func(facts F) error

// Definition is a life as a table.
type Definition[F any] struct {
	Name        string
	Initial     State
	Final       []State // those that nothing leaves
	Transitions []Transition
	Guards      map[Event]Guard[F]
}

// ErrIllegal is for an event that cannot happen in a state.
var ErrIllegal = errors.New("not possible in this state")

// TransitionError says which event was refused where. Err is ErrIllegal or what the
// guard said.
type TransitionError struct {
	From  State
	Event Event
	Err   error
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("%s from %s: %v", e.Event, e.From, e.Err)
}

// Unwrap answers ErrIllegal or the guard's error.
func (e *TransitionError) Unwrap() error { return e.Err }

// Machine decides by one table. It is for one goroutine at a time.
type Machine[F any] struct {
	definition Definition[F]
	states     []State
	events     []Event
	table      *table
	facts      F // of the event that is being decided
}

// New checks the table and builds a machine that decides by it.
func New[F any](d Definition[F]) (*Machine[F], error) {
	m := &Machine[F]{definition: d}
	if err := m.collect(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", d.Name, err)
	}
	guards := make(map[Event]func() error, len(d.Guards))
	for event, guard := range d.Guards {
		if guard == nil {
			return nil, fmt.Errorf("machine %s: the guard of %s is nil", d.Name, event)
		}
		guards[event] = func() error { return guard(m.facts) }
	}
	m.table = newTable(d.Initial, d.Transitions, guards)
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", d.Name, err)
	}
	return m, nil
}

// Can says whether the table has the event in a state; a guard may still refuse it.
func (m *Machine[F]) Can(from State, e Event) bool { return m.table.can(from, e) }

// Fire decides what an event makes of a thing in a state. The error is a
// *TransitionError, and then the state is the one it was.
func (m *Machine[F]) Fire(from State, e Event, facts F) (State, error) {
	if to, ok := m.table.known[step{e, from}]; ok {
		return to, nil
	}
	if !m.table.can(from, e) {
		return from, &TransitionError{From: from, Event: e, Err: ErrIllegal}
	}
	m.facts = facts
	to, err := m.table.fire(from, e)
	var none F
	m.facts = none
	if err != nil {
		return from, &TransitionError{From: from, Event: e, Err: err}
	}
	return to, nil
}

// States lists the states in the order in which the table names them.
func (m *Machine[F]) States() []State { return slices.Clone(m.states) }

// Events lists the events in the order of the table.
func (m *Machine[F]) Events() []Event { return slices.Clone(m.events) }
