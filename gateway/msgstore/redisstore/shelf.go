package redisstore

import (
	"strconv"
	"time"

	"github.com/airtill/airtill/gateway/msgstore"
)

const (
	perEntry    = 256 // finished records in an entry of the stream
	mostTrimmed = 16  // entries one batch takes off at most besides those it adds
)

// shelf knows the stream's entries without their records, the oldest first.
type shelf struct {
	entries []entry
	records int    // in all of them
	last    uint64 // number of the epoch's last entry
}

// entry is one entry of the stream.
type entry struct {
	id      string
	at      time.Time // of its records
	records int
}

// id is what the i-th entry from now on will be called.
func (s *shelf) id(epoch uint64, i int) string {
	return strconv.FormatUint(epoch, 10) + "-" + strconv.FormatUint(s.last+1+uint64(i), 10)
}

// put notes the entries that a batch has added.
func (s *shelf) put(epoch uint64, b *msgstore.Batch) {
	now := time.Now()
	n := 0
	for range b.Finished() {
		n++
	}
	for n > 0 {
		e := entry{s.id(epoch, 0), now, min(n, perEntry)}
		s.add(e)
		s.last++
		n -= e.records
	}
}

func (s *shelf) add(e entry) {
	s.entries = append(s.entries, e)
	s.records += e.records
}

// tidy takes entries off that are too many or too old, and says whether there were any.
// An entry goes when what is left without it is enough.
func (s *shelf) tidy(k msgstore.Keep, now time.Time) (some bool) {
	for range mostTrimmed {
		if len(s.entries) == 0 {
			return some
		}
		e := s.entries[0]
		if s.records-e.records < k.Finished && now.Sub(e.at) <= k.Age {
			return some
		}
		s.entries[0] = entry{}
		s.entries = s.entries[1:]
		s.records -= e.records
		some = true
	}
	return some
}

// first is the oldest entry that stays.
func (s *shelf) first(epoch uint64) string {
	if len(s.entries) == 0 {
		return s.id(epoch, 0)
	}
	return s.entries[0].id
}
