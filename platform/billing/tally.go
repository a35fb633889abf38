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
	States    map[fsm.State]int // live bills that are in memory
	Asleep    int               // live bills that are not
	Pending   int               // callbacks that failed and are made again
	Oldest    time.Time         // when the first of their bills or refunds ended, or its bill was made if that is not in memory; zero: there is none
	Exhausted int               // callbacks that are not made again
	Endpoints int               // that do not take callbacks
	Disabled  int               // of them
}

func (p *Partition) tally() Tallied {
	t := Tallied{
		States: maps.Clone(p.states), Asleep: len(p.asleep.bills) + len(p.asleep.orphans),
		Pending: len(p.pending), Exhausted: len(p.exhausted), Endpoints: len(p.endpoints),
	}
	for _, ended := range p.pending {
		if t.Oldest.IsZero() || ended.Before(t.Oldest) {
			t.Oldest = ended
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

// Tally sums up what some partitions have at hand. Those that do not answer are left out,
// and the error says so.
func (s *Service) Tally(ctx context.Context, of ...engine.Partition) (Tallied, error) {
	sum := Tallied{States: make(map[fsm.State]int)}
	var errs []error
	for _, n := range of {
		reply, err := s.do(ctx, n, Tally{})
		if err != nil {
			errs = append(errs, fmt.Errorf("partition %s: %w", n, err))
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
	t.Asleep += other.Asleep
	t.Pending += other.Pending
	t.Exhausted += other.Exhausted
	t.Endpoints += other.Endpoints
	t.Disabled += other.Disabled
}
