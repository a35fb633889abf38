package billing

import (
	"context"

	"github.com/airtill/airtill/fsm/engine"
)

// Some records are too many to be in memory for ever, and are needed again at any time.
// Their source reads them in the store, and brings what it saw: the text, and the seq that
// the partition had come to. A partition remembers what has changed since; so what it does
// not remember is as its source saw it, unless that looked before the partition's memory
// begins. No clock has a say in it.

// mostLately bounds what is remembered of what rests in the store.
const mostLately = 4096

// lately is what has changed lately, oldest first.
type lately struct {
	since uint64 // whatever changed in a later batch is remembered
	queue []change
}

type change struct {
	name string
	seq  uint64
}

// add notes a change of something that rests from here on, and forgets the oldest ones.
func (l *lately) add(name string, seq uint64, forget func(change)) {
	l.queue = append(l.queue, change{name, seq})
	for len(l.queue) > mostLately {
		forget(l.queue[0])
		l.since = l.queue[0].seq
		l.queue = l.queue[1:]
	}
}

// missed says whether a source looked too early to have seen all that is forgotten.
func (l *lately) missed(seen uint64) bool { return seen < l.since }

// seqOf reads how far a partition has come. What is read after it is as new.
func seqOf(ctx context.Context, r engine.Reader) (uint64, error) {
	texts, err := r.Get(ctx, engine.SeqKey)
	if err != nil {
		return 0, err
	}
	return readSeq(texts[0])
}
