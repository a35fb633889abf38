package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// ErrSegments are fleets that are not one population.
var ErrSegments = errors.New("the fleets are not one population")

// Fleets are the fleets that share a population's numbers, each with its segment.
type Fleets struct {
	all []member
}

type member struct {
	segment fleet.Segment
	phones  *fleet.Client
}

// FindFleets asks fleets for their segments, which must be all of as many, each once.
func FindFleets(ctx context.Context, clients ...*fleet.Client) (*Fleets, error) {
	found := new(Fleets)
	seen := make(map[fleet.Segment]bool)
	for _, c := range clients {
		counts, err := c.Counts(ctx)
		if err != nil {
			return nil, err
		}
		segment, err := fleet.ParseSegment(cmp.Or(counts.Segment, "1/1"))
		switch {
		case err != nil:
			return nil, err
		case segment.Of != len(clients):
			return nil, fmt.Errorf("%w: one is segment %s, and %d are named", ErrSegments, segment, len(clients))
		case seen[segment]:
			return nil, fmt.Errorf("%w: two are segment %s", ErrSegments, segment)
		}
		seen[segment] = true
		found.all = append(found.all, member{segment, c})
	}
	return found, nil
}

// Of is the fleet that a number belongs to.
func (f *Fleets) Of(n gateway.MSISDN) *fleet.Client {
	for _, m := range f.all {
		if m.segment.Has(n) {
			return m.phones
		}
	}
	return f.all[0].phones // no number; it says so
}
