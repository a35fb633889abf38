package billing

import (
	"context"
	"errors"
	"sync"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// A claim's bill is made twice over: by the request that claimed it, which wants to answer
// it, and by the effect of the claim, which stands in for a request that cannot. In one
// process both set out as the claim is kept. Who comes second waits for what the first is
// told, and makes the bill only if that one could not.

// openings are the bills that are being made. The zero value is ready for use.
type openings struct {
	mu   sync.Mutex
	byID map[platform.BillID]*opening
}

// opening is one of them, until done is closed.
type opening struct {
	done chan struct{}
	bill platform.Bill
	err  error
}

// errNotMade is for a bill whose maker has ended without a word.
var errNotMade = errors.New("the bill was not made")

// join answers the opening of a bill, and whether it is the caller's to make and end.
func (o *openings) join(id platform.BillID) (one *opening, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if one, ok := o.byID[id]; ok {
		return one, false
	}
	if o.byID == nil {
		o.byID = make(map[platform.BillID]*opening)
	}
	one = &opening{done: make(chan struct{}), err: errNotMade}
	o.byID[id] = one
	return one, true
}

// end tells those who wait.
func (o *openings) end(id platform.BillID, one *opening) {
	o.mu.Lock()
	delete(o.byID, id)
	o.mu.Unlock()
	close(one.done)
}

// openNew makes the bill of a claim in its payer's partition, or answers it if it is there.
func (s *Service) openNew(ctx context.Context, in Open) (platform.Bill, error) {
	one, first := s.openings.join(in.ID)
	if first {
		defer s.openings.end(in.ID, one)
		one.bill, one.err = s.open(ctx, in)
		return one.bill, one.err
	}
	select {
	case <-one.done:
	case <-ctx.Done():
		return platform.Bill{}, unknownOutcome()
	}
	if one.err == nil {
		return one.bill, nil
	}
	return s.open(ctx, in)
}

func (s *Service) open(ctx context.Context, in Open) (platform.Bill, error) {
	reply, err := s.do(ctx, engine.Partition(in.ID.Partition()), in)
	if err != nil {
		return platform.Bill{}, err
	}
	return reply.(platform.Bill), nil
}
