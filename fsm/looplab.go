package fsm

import (
	"context"
	"errors"

	"github.com/looplab/fsm"
)

// table is one looplab machine, reused for every decision: made anew it would cost
// ten times as much. Its callbacks are guards in before_<event> and nothing else,
// because only there can an event be refused with nothing done, and a panic there
// leaves the machine usable. No context that can end is ever passed to it: one that
// has ended would wedge it for good.
type table struct {
	machine *fsm.FSM
	known   map[step]State // where it went by an event without a guard: it always goes there
	guarded map[Event]bool
	asked   func(Event) error // set while the guards are probed: stands in for them
}

func newTable(initial State, transitions []Transition, guards map[Event]func() error) *table {
	t := &table{known: make(map[step]State), guarded: make(map[Event]bool)}
	callbacks := make(fsm.Callbacks, len(guards))
	for event, guard := range guards {
		t.guarded[event] = true
		callbacks["before_"+string(event)] = func(_ context.Context, e *fsm.Event) {
			if err := t.ask(event, guard); err != nil {
				e.Cancel(err)
			}
		}
	}
	t.machine = fsm.NewFSM(string(initial), events(transitions), callbacks)
	return t
}

// events writes the transitions out, one for each source.
func events(transitions []Transition) fsm.Events {
	var all fsm.Events
	for _, t := range transitions {
		for _, from := range t.From {
			to := t.To
			if to == Stay {
				to = from
			}
			all = append(all, fsm.EventDesc{Name: string(t.Event), Src: []string{string(from)}, Dst: string(to)})
		}
	}
	return all
}

func (t *table) ask(e Event, guard func() error) error {
	if t.asked != nil {
		return t.asked(e)
	}
	return guard()
}

// can puts the machine in the state and says whether the table has the event there.
func (t *table) can(from State, e Event) bool {
	t.machine.SetState(string(from))
	return t.machine.Can(string(e))
}

// step is an event in a state.
type step struct {
	event Event
	from  State
}

// fire decides an event in the state that can put the machine in.
func (t *table) fire(from State, e Event) (State, error) {
	to, err := t.decide(e)
	if err == nil && !t.guarded[e] {
		t.known[step{e, from}] = to
	}
	return to, err
}

func (t *table) decide(e Event) (State, error) {
	err := t.machine.Event(context.Background(), string(e))
	if err == nil {
		return State(t.machine.Current()), nil
	}
	if stayed, ok := errors.AsType[fsm.NoTransitionError](err); ok && stayed.Err == nil {
		return State(t.machine.Current()), nil
	}
	if refused, ok := errors.AsType[fsm.CanceledError](err); ok && refused.Err != nil {
		return "", refused.Err
	}
	return "", err
}

var errProbe = errors.New("probe")

// asks says whether the event's guard is asked at all.
func (t *table) asks(from State, e Event) bool {
	called := false
	t.asked = func(asked Event) error {
		called = asked == e
		return errProbe
	}
	defer func() { t.asked = nil }()
	if !t.can(from, e) {
		return false
	}
	_, err := t.decide(e)
	return called && errors.Is(err, errProbe)
}
