package smscbench

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// ledger matches receipts with the messages that they are about. A receipt may come
// before the answer: they may be on different binds.
type ledger struct {
	seed    maphash.Seed
	shards  [shards]shard
	matched atomic.Int64
}

const shards = 64

// shard has the ids that wait for their other half: true is answered.
type shard struct {
	mu    sync.Mutex
	ids   map[string]bool
	stray int64
	_     [64]byte // its own cache line
}

func newLedger() *ledger {
	l := &ledger{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].ids = make(map[string]bool)
	}
	return l
}

func (l *ledger) answered(id []byte) { l.half(id, true) }

// receipt takes a receipt's id; one without is stray.
func (l *ledger) receipt(id []byte) { l.half(id, false) }

func (l *ledger) half(id []byte, answer bool) {
	s := &l.shards[maphash.Bytes(l.seed, id)%shards]
	s.mu.Lock()
	other, there := s.ids[string(id)]
	switch {
	case there && other != answer:
		delete(s.ids, string(id))
	case there: // the same half twice
		s.stray++
	default:
		s.ids[string(id)] = answer
	}
	s.mu.Unlock()
	if there && other != answer {
		l.matched.Add(1)
	}
}

// rest counts what has no other half.
func (l *ledger) rest() (missing, stray int64) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		stray += s.stray
		for _, answer := range s.ids {
			if answer {
				missing++
			} else {
				stray++
			}
		}
		s.mu.Unlock()
	}
	return missing, stray
}
