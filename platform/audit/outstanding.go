package audit

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// Late is how long an effect, or what a deadline asks for, may be outstanding before it is
// overdue: by the store's own time, which is that of its latest event, so that a store is
// not overdue because its platform stands still.
const Late = 5 * time.Minute

// outstanding is an effect of an entry.
type outstanding struct {
	entry, effect string
	at            time.Time
}

// effects notes what is to be done about an event, and how far the store's time has come.
func (j *journal) effects(entry string, event engine.Event) {
	if event.At.After(j.newest) {
		j.newest = event.At
	}
	if at, ok := placeOf(entry); len(event.Effects) == 0 || ok && at.compare(j.done) <= 0 {
		return
	}
	for _, e := range event.Effects {
		j.outside = append(j.outside, outstanding{entry: entry, effect: e.ID, at: event.At})
	}
}

// place is an entry's number: epoch and batch.
type place struct{ epoch, seq uint64 }

func placeOf(id string) (p place, ok bool) {
	epoch, seq, _ := strings.Cut(id, "-")
	var errs [2]error
	p.epoch, errs[0] = strconv.ParseUint(epoch, 10, 64)
	p.seq, errs[1] = strconv.ParseUint(seq, 10, 64)
	return p, errs[0] == nil && errs[1] == nil
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.epoch, q.epoch), cmp.Compare(p.seq, q.seq))
}

// marks are where the partition's writer stands.
type marks struct{ cursor, seq, fence, chain string }

func (b *books) readMarks(ctx context.Context) error {
	texts, err := b.reader.Get(ctx, "cursor", "seq", "fence", "chain")
	if err != nil {
		return err
	}
	b.marks, b.before = marks{cursor: texts[0], seq: texts[1], fence: texts[2], chain: texts[3]}, b.journal.last
	b.journal.done, _ = placeOf(b.marks.cursor)
	return nil
}

// compareMarks holds the writer's marks against the journal: they are not behind what was
// read before them, nor is the cursor ahead of what was read after.
func (b *books) compareMarks() {
	before, _ := placeOf(b.before)
	last, _ := placeOf(b.journal.last)
	seq, _ := strconv.ParseUint(b.marks.seq, 10, 64) // what is no number is 0
	fence, _ := strconv.ParseUint(b.marks.fence, 10, 64)
	if seq < before.seq {
		b.differ("seq", "seq is %q, but the journal has come to %s: batches would be taken for new", b.marks.seq, b.before)
	}
	if fence < before.epoch {
		b.differ("fence", "fence is %q, but the journal has come to %s: an old owner would not be fenced off", b.marks.fence, b.before)
	}
	switch at, ok := placeOf(b.marks.cursor); {
	case b.marks.cursor != "" && !ok:
		b.differ("cursor", "the cursor is %q, no entry", b.marks.cursor)
	case at.compare(last) > 0:
		b.differ("cursor", "the cursor is %s, but the journal ends with %q: effects would be forgotten", b.marks.cursor, b.journal.last)
	}
}

// overdue finds effects beyond the cursor and deadlines that should have been seen to.
func (b *books) overdue(ctx context.Context, newest time.Time) error {
	least := newest.Add(-Late)
	cursor, _ := placeOf(b.marks.cursor)
	for _, e := range b.journal.outside {
		if at, ok := placeOf(e.entry); ok && at.compare(cursor) > 0 && e.at.Before(least) {
			b.late("cursor", "effect %s of entry %s has been outstanding since %s", e.effect, e.entry, e.at.UTC().Format(time.RFC3339))
		}
	}
	b.journal.outside = nil
	if newest.IsZero() {
		return nil
	}
	b.overdueRefunds(newest)
	ids, err := b.reader.Members(ctx, engine.DueSet, engine.Range{ByScore: true, Max: float64(least.UnixMilli())})
	for _, name := range ids {
		b.late(engine.DueSet, "%s has been due since before %s", dueOf(name), least.UTC().Format(time.RFC3339))
	}
	return err
}

// late notes what is overdue.
func (b *books) late(key, format string, args ...any) {
	b.report.Overdue = append(b.report.Overdue, b.say(key, format, args...))
}
