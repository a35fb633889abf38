package se

// State are an element's counters: the highest value of each that was used.
type State struct {
	Sent     uint64 // packet counter of packets made
	Received uint64 // packet counter of packets opened
	PIN      uint32 // DUKPT counter of PIN blocks made
}

// Counters keeps an element's counters, and only ever higher ones.
type Counters interface {
	// Load is what was saved last; the zero State when nothing was.
	Load() (State, error)
	// Save keeps s. Once it has returned without an error s cannot be lost; the
	// element uses a counter only then.
	Save(s State) error
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
		return err
	}
	e.state = next
	return nil
}
