package billing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/engine"
)

// Tallied is what a partition has at hand.
type Tallied struct {
	States    map[fsm.State]int // live bills
	Pending   int               // callbacks that failed and are made again
	Oldest    time.Time         // when the first of their bills ended; zero: there is none
	Exhausted int               // callbacks that are not made again
	Endpoints int               // that do not take callbacks
	Disabled  int               // of them
}

func (p *Partition) tally() Tallied {
	t := Tallied{States: maps.Clone(p.states), Pending: len(p.pending), Exhausted: p.exhausted, Endpoints: len(p.endpoints)}
	for r := range p.pending {
		if t.Oldest.IsZero() || r.Ended.Before(t.Oldest) {
			t.Oldest = r.Ended
		}
	}
	for _, e := range p.endpoints {
		if !e.Disabled.IsZero() {
			t.Disabled++
		}
	}
	return t
}

// count follows how many live bills are in a state.
func (p *Partition) count(s fsm.State, by int) {
	if p.states[s] += by; p.states[s] == 0 {
		delete(p.states, s)
	}
}

// Tally sums up what the partitions have at hand. Those that do not answer are left out,
// and the error says so.
func (s *Service) Tally(ctx context.Context) (Tallied, error) {
	sum := Tallied{States: make(map[fsm.State]int)}
	var errs []error
	for n := range s.config.Partitions {
		reply, err := s.do(ctx, engine.Partition(n), Tally{})
		if err != nil {
			errs = append(errs, fmt.Errorf("partition %s: %w", engine.Partition(n), err))
			continue
		}
		sum.add(reply.(Tallied))
	}
	return sum, errors.Join(errs...)
}

func (t *Tallied) add(other Tallied) {
	for state, n := range other.States {
		t.States[state] += n
	}
	if !other.Oldest.IsZero() && (t.Oldest.IsZero() || other.Oldest.Before(t.Oldest)) {
		t.Oldest = other.Oldest
	}
	t.Pending += other.Pending
	t.Exhausted += other.Exhausted
	t.Endpoints += other.Endpoints
	t.Disabled += other.Disabled
}
