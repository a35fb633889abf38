package se

import "fmt"

// Snapshot is an element as it was at a time, keys, cards and counters. It is what a
// thief with a laboratory has: no chip gives it away, and nothing but a trial of the
// platform's watchfulness should ask for it. It prints as its element does.
type Snapshot struct{ element Element }

// Snapshot copies the element.
func (e *Element) Snapshot() Snapshot { return Snapshot{e.copied()} }

// Restore makes the element what the snapshot is, another element's number and form
// included. Its counters are back where they were, which no other way leads to; from
// now on it keeps nothing beyond its own life.
func (e *Element) Restore(s Snapshot) {
	*e = s.element.copied()
	e.counters, e.contents = &memory{state: e.state}, nil
}

// copied is an element that shares nothing that changes.
func (e *Element) copied() Element {
	other := *e
	if e.held == nil {
		return other
	}
	held, pins := *e.held, *e.held.pins
	held.pins = &pins
	other.held = &held
	return other
}

// Format prints no key and no card.
func (s Snapshot) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "se.Snapshot{%s %s}", s.element.id, s.element.form)
}
