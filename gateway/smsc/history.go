package smsc

import (
	"math/bits"
	"slices"
	"sync"
	"time"
)

// history is all messages that can be asked for: the live ones, and as many of the
// finished as may be kept, for as long. It is cut in shards, so that sessions do not
// wait for each other here.
type history struct {
	most   int // finished ones a shard keeps
	age    time.Duration
	shards [historyShards]shard
}

const historyShards = 16

// shard finds a message by the low digits of its serial number: serials are given one
// after the other, and few messages live long enough to be displaced by a newer one.
type shard struct {
	mu        sync.Mutex
	recent    []*message
	displaced map[uint64]*message
	size      int
	ended     []*message // in the order they ended, from head on
	head      int
}

func newHistory(most int, age time.Duration) *history {
	h := &history{most: (max(most, 0) + historyShards - 1) / historyShards, age: age}
	for i := range h.shards {
		s := &h.shards[i]
		s.recent = make([]*message, 2<<bits.Len(uint(h.most))) //nolint:gosec // not negative
		s.displaced = make(map[uint64]*message)
	}
	return h
}

func (h *history) shard(serial uint64) *shard { return &h.shards[serial%historyShards] }

// place is where the message of a serial number is, unless it is displaced.
func (s *shard) place(serial uint64) **message {
	return &s.recent[serial/historyShards%uint64(len(s.recent))]
}

// add takes a message in.
func (h *history) add(m *message) {
	s := h.shard(m.serial)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.place(m.serial)
	if old := *at; old != nil {
		s.displaced[old.serial] = old
	}
	*at = m
	s.size++
}

func (s *shard) forget(serial uint64) {
	s.size--
	if at := s.place(serial); *at != nil && (*at).serial == serial {
		*at = nil
		return
	}
	delete(s.displaced, serial)
}

// end says that a message is finished, and forgets others that are too many or too
// old. It is called under the lock of the account the message is for, once.
func (h *history) end(m *message, now time.Time) {
	if m.once {
		return
	}
	s := h.shard(m.serial)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, m)
	s.trim(h, now)
}

// trim forgets finished messages that are too many or too old.
func (s *shard) trim(h *history, now time.Time) {
	for s.head < len(s.ended) && (len(s.ended)-s.head > h.most || now.Sub(s.ended[s.head].ended) > h.age) {
		s.forget(s.ended[s.head].serial)
		s.ended[s.head] = nil
		s.head++
	}
	if s.head > 256 && s.head > len(s.ended)/2 {
		s.ended, s.head = slices.Delete(s.ended, 0, s.head), 0
	}
}

// find is the message of a serial number, nil if there is none.
func (h *history) find(serial uint64) *message {
	s := h.shard(serial)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim(h, time.Now())
	if m := *s.place(serial); m != nil && m.serial == serial {
		return m
	}
	return s.displaced[serial]
}

// list is all messages, the newest first, below a serial number; zero is no bound.
func (h *history) list(below uint64) []*message {
	var all []*message
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		s.trim(h, time.Now())
		for _, m := range s.recent {
			if m != nil && (below == 0 || m.serial < below) {
				all = append(all, m)
			}
		}
		for _, m := range s.displaced {
			if below == 0 || m.serial < below {
				all = append(all, m)
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(all, func(x, y *message) int { return int(int64(y.serial - x.serial)) })
	return all
}

// size is how many messages are remembered.
func (h *history) size() (n int) {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		n += s.size
		s.mu.Unlock()
	}
	return n
}
