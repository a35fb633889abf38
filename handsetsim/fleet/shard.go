package fleet

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/handsetsim/se"
)

// handset is a phone with its place in a shard.
type handset struct {
	*handsetsim.Phone
	element *se.Element // nil: a plain phone
	person  *persona.Person
	copied  *se.Snapshot // of the element, as a thief has it; nil: nobody has

	outbox  []outgoing // oldest first; the first may be with the carrier
	sending bool       // it is
	tryAt   time.Time  // when the first is tried again; zero: at once
	due     time.Time  // when the phone or its outbox wants to be looked at
	place   int        // in the heap
}

// shard is one connection and its share of the phones. All of a phone is guarded by
// its shard's mutex, which is held for computing only.
type shard struct {
	fleet  *Fleet
	client *esme.Client

	mu     sync.Mutex
	phones map[gateway.MSISDN]*handset
	parts  parts
	heap   dueHeap
	ready  []*handset // with something to send, and nothing with the carrier
	fx     handsetsim.Effects
	ref    uint16 // of concatenated texts

	wakeDue  chan struct{} // the heap has an earlier head
	wakeSend chan struct{} // ready has something
}

func newShard(f *Fleet) (*shard, error) {
	parts, err := newParts()
	if err != nil {
		return nil, fmt.Errorf("make fleet: %w", err)
	}
	s := &shard{
		fleet:    f,
		phones:   make(map[gateway.MSISDN]*handset),
		parts:    parts,
		wakeDue:  make(chan struct{}, 1),
		wakeSend: make(chan struct{}, 1),
	}
	client, err := esme.New(f.esmeConfig(func(sm *smpp.DeliverSM, reply func(smpp.Status)) { reply(f.take(sm)) }))
	if err != nil {
		return nil, fmt.Errorf("make fleet: %w", err)
	}
	s.client = client
	return s, nil
}

// with does something to one phone and then what follows from it. It reports
// whether there is such a phone.
func (s *shard) with(n gateway.MSISDN, do func(h *handset, now time.Time, fx *handsetsim.Effects)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.phones[n]
	if !ok {
		return false
	}
	now := s.fleet.config.Now()
	do(h, now, &s.fx)
	s.settle(h, now)
	return true
}

// has says whether there is a phone of that number.
func (s *shard) has(n gateway.MSISDN) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phones[n] != nil
}

// add takes a new phone. Whoever makes one has its number for himself meanwhile.
func (s *shard) add(h *handset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.place = nowhere
	s.phones[h.Number()] = h
}

// settle does what follows from touching a phone: its messages go to the outbox, its
// events to the observer, and its next due time to the heap.
func (s *shard) settle(h *handset, now time.Time) {
	for _, send := range s.fx.Sends {
		s.post(h, send, now)
	}
	s.fleet.teller.tell(s.fx.Events)
	s.fx.Reset()
	if len(h.outbox) > 0 && !h.sending && h.On() && !now.Before(h.tryAt) {
		h.sending = true
		s.ready = append(s.ready, h)
		nudge(s.wakeSend)
	}
	h.due = h.Next()
	if len(h.outbox) > 0 && !h.sending && h.On() && (h.due.IsZero() || h.tryAt.Before(h.due)) {
		h.due = h.tryAt
	}
	s.heap.place(h)
	if len(s.heap) > 0 && s.heap[0] == h {
		nudge(s.wakeDue)
	}
}

// runDue wakes the phones that are due until ctx ends.
func (s *shard) runDue(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(s.wakeThose(s.fleet.config.Now()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wakeDue:
		}
	}
}

// wakeMost bounds how many phones are woken under one hold of the mutex.
const wakeMost = 64

// wakeThose wakes the phones that are due, and answers how long nothing will be.
func (s *shard) wakeThose(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range wakeMost {
		if len(s.heap) == 0 {
			return time.Hour
		}
		if wait := s.heap[0].due.Sub(now); wait > 0 {
			return wait
		}
		h := heap.Pop(&s.heap).(*handset)
		h.Wake(now, &s.fx)
		s.settle(h, now)
	}
	return 0
}
