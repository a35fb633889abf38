package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// sharer decides which partitions an engine runs. Its state belongs to the goroutine of
// run, but for what others have, which owner tells to everybody.
type sharer struct {
	*Engine
	store SharedStore
	share *Share

	beat    uint64 // told to the other members
	told    time.Time
	looked  time.Time // when the last look began
	members map[string]*memberSight
	tenures []*tenure // by partition; nil: not run here
	pauses  []pause   // by partition
	served  bool      // something was, once
	ends    chan ending
	working sync.WaitGroup

	mu   sync.Mutex
	seen []sight // by partition
}

// memberSight is a member as it was seen, and since when its beat was seen so.
type memberSight struct {
	beat  uint64
	since time.Time
}

// tenure is a partition that is run here.
type tenure struct {
	stop    context.CancelFunc
	leaving bool
}

// pause keeps a partition that failed from being taken again at once.
type pause struct {
	backoff
	until time.Time
}

// ending is how a tenure ended.
type ending struct {
	partition Partition
	served    bool
	err       error
}

func newSharer(e *Engine, store SharedStore) *sharer {
	n := len(e.partitions)
	h := &sharer{
		Engine: e, store: store, share: e.config.Share, members: make(map[string]*memberSight),
		tenures: make([]*tenure, n), pauses: make([]pause, n), ends: make(chan ending, n), seen: make([]sight, n),
	}
	for n, p := range e.partitions {
		p.queue.shut()
		h.pauses[n].backoff = backoff{min: e.config.RetryMin, max: e.config.RetryMax}
	}
	return h
}

// run looks at the leases, and takes and gives up partitions, until ctx ends.
func (h *sharer) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	looks := time.NewTimer(0)
	defer looks.Stop()
	var err error
	for ctx.Err() == nil && err == nil {
		select {
		case end := <-h.ends:
			err = h.ended(end)
		case <-looks.C:
			if h.look(ctx) {
				h.settle(ctx)
			}
			looks.Reset(h.share.look())
		case <-ctx.Done():
		}
	}
	stop()
	return errors.Join(err, h.leave(ctx))
}

// leave takes this engine off the list while its partitions are drained.
func (h *sharer) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.share.Lease)
	defer cancel()
	if err := h.store.Leave(ctx, h.store.ID()); err != nil {
		h.config.Log.Warn().Err(err).Msg("the other members are not told that this one leaves; they see it")
	}
	h.working.Wait()
	close(h.ends)
	var failed []error
	for end := range h.ends {
		if end.err != nil && end.served && !errors.Is(end.err, ErrFenced) {
			failed = append(failed, fmt.Errorf("partition %s: %w", end.partition, end.err))
		}
	}
	return errors.Join(failed...)
}

// look reads who lives and who has what. It says whether that can be judged by.
//
// A lease stands still from when it was read once until a later reading was asked for. A
// look that is late, because the store or this process stood still itself, says nothing
// of others: then all leases are looked at from anew.
func (h *sharer) look(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, h.share.Lease)
	defer cancel()
	began := time.Now()
	anew := began.Sub(h.looked) > h.share.late()
	h.looked = began
	leases, members, err := h.read(ctx, began)
	if err != nil {
		if ctx.Err() == nil {
			h.config.Log.Warn().Err(err).Msg("who has which partition cannot be read now")
		}
		return false
	}
	h.noteMembers(members, began, anew)
	h.noteLeases(leases, anew)
	h.news.tell()
	return true
}

func (h *sharer) read(ctx context.Context, now time.Time) ([]Lease, map[string]Member, error) {
	if now.Sub(h.told) >= h.share.beat() {
		if err := h.store.Join(ctx, Member{Address: h.share.Address, Beat: h.beat + 1}); err != nil {
			return nil, nil, fmt.Errorf("join: %w", err)
		}
		h.beat, h.told = h.beat+1, now
	}
	members, err := h.store.Members(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read members: %w", err)
	}
	leases, err := h.store.Leases(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read leases: %w", err)
	}
	if len(leases) != len(h.partitions) {
		return nil, nil, fmt.Errorf("%w: it has %d leases, %d are wanted", ErrBroken, len(leases), len(h.partitions))
	}
	return leases, members, nil
}

func (h *sharer) noteLeases(leases []Lease, anew bool) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, l := range leases {
		if anew || h.seen[n].Lease != l {
			h.seen[n] = sight{l, now}
		}
	}
}

// forgotten is how many lease times a member that is gone stays on the list.
const forgotten = 20

// noteMembers keeps the members whose beat moves, and takes those off that are long gone.
func (h *sharer) noteMembers(members map[string]Member, began time.Time, anew bool) {
	now := time.Now()
	for id := range h.members {
		if _, ok := members[id]; !ok {
			delete(h.members, id)
		}
	}
	for id, m := range members {
		known := h.members[id]
		switch {
		case known == nil || known.beat != m.Beat:
			h.members[id] = &memberSight{m.Beat, now}
		case anew:
			known.since = now
		case began.Sub(known.since) > forgotten*h.share.Lease && id != h.store.ID():
			ctx, cancel := context.WithTimeout(context.Background(), h.share.Lease)
			_ = h.store.Leave(ctx, id) // it is only tidiness, and tried again
			cancel()
		}
	}
}

// settle takes partitions up to this engine's part, and gives the surplus up.
func (h *sharer) settle(ctx context.Context) {
	want, first := h.part()
	have := 0
	for _, t := range h.tenures {
		if t != nil && !t.leaving {
			have++
		}
	}
	for n := len(h.tenures) - 1; have > want; n-- {
		if t := h.tenures[n]; t != nil && !t.leaving {
			h.config.Log.Info().Stringer("partition", Partition(n)).Msg("partition is given up to another member")
			t.leaving = true
			t.stop()
			have--
		}
	}
	for i := range h.tenures {
		n := Partition((first + i) % len(h.tenures))
		if seen, ok := h.free(n); ok && have < want {
			h.take(ctx, n, seen)
			have++
		}
	}
}

// part is how many partitions are this engine's, and where it begins to look for them.
// All members that live come to parts that are as equal as they can be, and make up the
// whole.
func (h *sharer) part() (want, first int) {
	live := []string{h.store.ID()}
	for id, m := range h.members {
		if id != h.store.ID() && h.looked.Sub(m.since) < h.share.Lease {
			live = append(live, id)
		}
	}
	slices.Sort(live)
	rank, all := slices.Index(live, h.store.ID()), len(h.tenures)
	want = all / len(live)
	if rank < all%len(live) {
		want++
	}
	return want, rank * all / len(live)
}

// free says whether a partition can be taken: nobody has it, or it is left from a session
// of this engine's that failed, or its owner is gone.
func (h *sharer) free(n Partition) (Lease, bool) {
	if h.tenures[n] != nil || time.Now().Before(h.pauses[n].until) {
		return Lease{}, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.seen[n]
	return s.Lease, s.Owner == "" || s.Owner == h.store.ID() || h.looked.Sub(s.since) >= h.share.Lease
}

// take runs a partition whose lease was seen to be free.
func (h *sharer) take(ctx context.Context, n Partition, seen Lease) {
	ctx, stop := context.WithCancel(ctx)
	h.tenures[n] = &tenure{stop: stop}
	p := h.partitions[n]
	h.working.Go(func() {
		served, err := p.session(ctx, func(ctx context.Context) (Hold, error) {
			return h.store.TakeOver(ctx, n, seen, h.share.Address)
		})
		p.queue.refuse(ErrUnavailable)
		h.ends <- ending{n, served, err}
	})
}

// ended takes note that a partition is not run here any more. Its error ends the engine:
// nothing that it took can be served.
func (h *sharer) ended(end ending) error {
	n := end.partition
	leaving := h.tenures[n].leaving
	h.tenures[n].stop()
	h.tenures[n] = nil
	log := h.partitions[n].log
	if end.served {
		h.served = true
		h.pauses[n].reset()
	}
	switch {
	case end.err == nil:
		log.Debug().Msg("partition released")
	case errors.Is(end.err, ErrFenced) && end.served:
		log.Warn().Err(end.err).Msg("partition lost: its memory is dropped")
	case errors.Is(end.err, ErrFenced):
		log.Debug().Err(end.err).Msg("another member was faster")
	case leaving && !end.served: // it was being taken
	case !h.served && !h.busy():
		return fmt.Errorf("partition %s: %w", n, end.err)
	default:
		h.again(n, end.err)
	}
	return nil
}

// busy says whether any partition is run here.
func (h *sharer) busy() bool {
	return slices.ContainsFunc(h.tenures, func(t *tenure) bool { return t != nil })
}

// again has a partition that failed loaded again after a pause. One whose store is broken
// is no reason to let go of the others, nor to have the members fall over it in turn.
func (h *sharer) again(n Partition, err error) {
	wait := h.pauses[n].next()
	level := zerolog.WarnLevel
	if errors.Is(err, ErrBroken) {
		wait, level = h.pauses[n].max, zerolog.ErrorLevel
	}
	h.pauses[n].until = time.Now().Add(wait)
	h.partitions[n].log.WithLevel(level).Err(err).Dur("pause", wait).Msg("partition dropped its memory; it will be loaded again")
}

// owner is who was seen to have a partition.
func (h *sharer) owner(n Partition) Ownership {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.seen[n]
	o := Ownership{Partition: n, Lease: s.Lease}
	if s.since.IsZero() {
		return o
	}
	o.Still = time.Since(s.since)
	o.Live = s.Owner != "" && s.Owner != h.store.ID() && o.Still < h.share.Lease
	return o
}
