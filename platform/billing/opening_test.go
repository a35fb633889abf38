package billing

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// slow answers inputs when it is told to, one after the other.
type slow struct {
	answers chan error
	inputs  []any
}

func (s *slow) Do(ctx context.Context, _ engine.Partition, in any) (any, error) {
	s.inputs = append(s.inputs, in)
	select {
	case err := <-s.answers:
		return platform.Bill{ID: in.(Open).ID, Reference: "made"}, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Two that make the same bill at the same time hand one input over, unless the first has
// come to nothing; other bills and later times are nothing to each other.
func TestOpeningsAreJoined(t *testing.T) {
	one, two := platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ"), platform.BillID("bill_01JDXK3Z7M0003ZZZZZZZZZZZY")
	for name, test := range map[string]struct {
		bills   []platform.BillID
		answers []error // to the inputs, in order
		inputs  int
		failed  int // of those who asked
	}{
		"the same bill":                    {[]platform.BillID{one, one, one}, []error{nil}, 1, 0},
		"two bills":                        {[]platform.BillID{one, two}, []error{nil, nil}, 2, 0},
		"the first came to nothing":        {[]platform.BillID{one, one}, []error{engine.ErrBusy, nil}, 2, 1},
		"the first one's end is not known": {[]platform.BillID{one, one}, []error{engine.ErrUnknown, nil}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				doer := &slow{answers: make(chan error)}
				s := &Service{engine: doer}
				var asking sync.WaitGroup
				failed := 0
				for _, id := range test.bills {
					asking.Go(func() {
						b, err := s.openNew(t.Context(), Open{ID: id})
						if err != nil {
							failed++
						} else if b.ID != id || b.Reference != "made" {
							t.Errorf("%s was answered with %+v", id, b)
						}
					})
					synctest.Wait()
				}
				for _, err := range test.answers {
					doer.answers <- err
					synctest.Wait()
				}
				asking.Wait()
				if len(doer.inputs) != test.inputs || failed != test.failed {
					t.Errorf("%d inputs and %d failures, want %d and %d", len(doer.inputs), failed, test.inputs, test.failed)
				}
				if n := len(s.openings.byID); n != 0 {
					t.Errorf("%d openings are remembered", n)
				}
			})
		})
	}
}

// Who waits for another's opening waits no longer than its own time.
func TestOpeningGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &slow{answers: make(chan error)}
		s := &Service{engine: doer}
		in := Open{ID: "bill_01JDXK3Z7M0003ZZZZZZZZZZZZ"}
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := s.openNew(t.Context(), in); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.openNew(ctx, in); !isCode(err, platform.CodeUnknownOutcome) {
			t.Errorf("one whose time is over was answered with %v", err)
		}
		doer.answers <- nil
		first.Wait()
		if len(doer.inputs) != 1 {
			t.Errorf("%d inputs, want 1", len(doer.inputs))
		}
	})
}
