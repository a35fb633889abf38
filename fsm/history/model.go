package history

import "github.com/anishathalye/porcupine"

// Ask is a question: an [Order], a [Cancel], an [End] or a [Status].
type Ask interface {
	// step is what a machine without faults does: whether the answer can be, and the
	// state after it. A nil answer is one that did not come.
	step(s state, a Answer) (bool, state)
}

// Answer is [Made], [Done] or [Refused] or [Seen].
type Answer interface{ answer() }

// Order makes the bill of an order, once. It is answered Made, or Refused when another
// order has the reference.
type Order struct{ Content string }

// Cancel withdraws a bill. It is answered Done, or Refused when it has ended otherwise.
type Cancel struct{}

// End is what somebody else does to a bill: its holder pays or refuses, or its time is
// over. It is answered Done, or Refused when the bill has ended otherwise.
type End struct{ State string }

// Status asks for a bill's state. It is answered Seen.
type Status struct{}

// Made is the bill of an order.
type Made struct{ Bill string }

// Done says that it was, now or before.
type Done struct{}

// Refused says that it was not and will not be.
type Refused struct{}

// Seen is a bill's state: "" when there is none, Open, or how it ended.
type Seen struct{ State string }

func (Made) answer()    {}
func (Done) answer()    {}
func (Refused) answer() {}
func (Seen) answer()    {}

// States of a bill. There are no others than these and those that an [End] names.
const (
	Open      = "open"
	Cancelled = "cancelled"
)

// state is what has become of one order.
type state struct {
	State   string // "": there is no bill
	Content string
	Bill    string // "": nobody has said
}

func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(now, in, out any) (bool, any) {
			a, _ := out.(Answer)
			ok, next := in.(Ask).step(now.(state), a)
			return ok, next
		},
	}
}

func (o Order) step(s state, a Answer) (bool, state) {
	if s.State != "" && s.Content != o.Content {
		_, refused := a.(Refused)
		return refused || a == nil, s
	}
	if s.State == "" {
		s = state{State: Open, Content: o.Content}
	}
	made, ok := a.(Made)
	if !ok {
		return a == nil, s
	}
	if s.Bill == "" {
		s.Bill = made.Bill
	}
	return s.Bill == made.Bill, s
}

func (Cancel) step(s state, a Answer) (bool, state) { return End{Cancelled}.step(s, a) }

func (e End) step(s state, a Answer) (bool, state) {
	if s.State == Open {
		s.State = e.State
	}
	switch a.(type) {
	case nil:
		return true, s
	case Done:
		return s.State == e.State, s
	case Refused:
		return s.State != e.State, s
	}
	return false, s
}

func (Status) step(s state, a Answer) (bool, state) {
	seen, ok := a.(Seen)
	return a == nil || ok && seen.State == s.State, s
}
