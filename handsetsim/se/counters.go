package se

import "fmt"

// State are an element's counters: the highest value of each that was used.
type State struct {
	Sent     uint64 // packet counter of packets made
	Received uint64 // packet counter of packets opened
	PIN      uint32 // DUKPT counter of PIN blocks made
}

// Counters keeps an element's counters, and only ever higher ones.
type Counters interface {
	// Load is what was saved last, or higher; the zero State when nothing was.
	Load() (State, error)
	// Save keeps s. Without an error the element uses what it counted: s may then be
	// lost only together with everything that the element answers from now on. Whoever
	// has the element sees to that, if Save does not do so itself.
	Save(s State) error
}

// Contents keeps what an element holds beside its counters, for the time when the
// element is made again. What it is given are secrets in clear: it seals them.
type Contents interface {
	// LoadContents is what was saved last; nil when nothing was.
	LoadContents() ([]byte, error)
	// SaveContents keeps contents instead of those before, as [Counters] keeps counters.
	SaveContents(contents []byte) error
}

// memory keeps counters as long as the process lives.
type memory struct{ state State }

func (m *memory) Load() (State, error) { return m.state, nil }

func (m *memory) Save(s State) error {
	m.state = s
	return nil
}

// keep saves the counters as change leaves them; without success nothing has changed.
func (e *Element) keep(change func(*State)) error {
	next := e.state
	change(&next)
	if err := e.counters.Save(next); err != nil {
		return fmt.Errorf("keep the counters: %w", err)
	}
	e.state = next
	return nil
}
