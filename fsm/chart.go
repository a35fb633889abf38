package fsm

import (
	"fmt"
	"slices"
	"strings"
)

// Chart draws the table as a Mermaid state diagram (stateDiagram-v2), the same text
// each time. Events between the same two states share an arrow.
func (m *Machine[F]) Chart() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", m.definition.Initial)
	for _, from := range m.states {
		for _, to := range m.states {
			if names := m.between(from, to); len(names) > 0 {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, strings.Join(names, ", "))
			}
		}
		if slices.Contains(m.definition.Final, from) {
			fmt.Fprintf(&b, "    %s --> [*]\n", from)
		}
	}
	return b.String()
}

// between lists the events that lead from one state to another, or back to itself.
func (m *Machine[F]) between(from, to State) []string {
	var names []string
	for _, t := range m.definition.Transitions {
		stays := t.To == Stay && from == to
		if slices.Contains(t.From, from) && (t.To == to || stays) {
			names = append(names, string(t.Event))
		}
	}
	return names
}
