package audit

import (
	"context"
	"maps"
	"slices"

	"github.com/airtill/airtill/fsm/engine"
)

// awaited are refunds whose merchant is still to be told, or is being told. Such a refund is
// gone on with by its deadline, and after a restart because its bill is in the index of those
// with something to do.
type awaited struct {
	*books
	index    map[string]bool   // of bills
	suspects map[string]string // records of bills with a refund that lacks one of them
}

func newAwaited(b *books) *awaited {
	return &awaited{books: b, index: map[string]bool{}, suspects: map[string]string{}}
}

func (a *awaited) readIndex(ctx context.Context) error {
	bills, err := a.reader.Members(ctx, "refunding", engine.Range{})
	clear(a.index)
	for _, bill := range bills {
		a.index[bill] = true
	}
	return err
}

// lacking are the refunds in a bill's record that would not be gone on with.
func (a *awaited) lacking(bill, text string) (ids []string) {
	for _, r := range readRefundsTold(text).Refunds {
		if r.Next != "" && !(a.due[r.ID] && a.index[bill]) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func (a *awaited) note(bill, text string) {
	if len(a.lacking(bill, text)) > 0 {
		a.suspects[bill] = text
	}
}

// judge looks at the deadlines and the index once more. A record that was the same before
// and after is right about them; one that was not is for the next audit.
func (a *awaited) judge(ctx context.Context) error {
	if len(a.suspects) == 0 {
		return nil
	}
	if err := a.readDue(ctx); err != nil {
		return err
	}
	if err := a.readIndex(ctx); err != nil {
		return err
	}
	for _, bill := range slices.Sorted(maps.Keys(a.suspects)) {
		texts, err := a.reader.Get(ctx, refundsKey(bill))
		if err != nil {
			return err
		}
		if texts[0] != a.suspects[bill] {
			continue
		}
		for _, id := range a.lacking(bill, texts[0]) {
			a.name(bill, id)
		}
	}
	return nil
}

func (a *awaited) name(bill, id string) {
	if !a.due[id] {
		a.differ(engine.DueSet, "the merchant is still to be told of %s, which has no deadline", id)
	}
	if !a.index[bill] {
		a.differ("refunding", "the merchant is still to be told of %s, whose bill is not among those with something to do", id)
	}
}
