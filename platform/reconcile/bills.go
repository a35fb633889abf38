package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// bills holds claims against bills, both ways.
func (l *look) bills(ctx context.Context) (all []Finding, err error) {
	for _, merchant := range l.sides {
		for id, c := range merchant.claims {
			if f, ok := l.unmade(merchant, id, c); ok {
				all = append(all, f)
			}
		}
	}
	for _, payer := range l.sides {
		unclaimed, err := l.unclaimed(ctx, payer)
		if err != nil {
			return nil, fmt.Errorf("look at the bills of partition %d: %w", payer.number, err)
		}
		all = append(all, unclaimed...)
	}
	slices.SortFunc(all, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Bill, b.Bill), cmp.Compare(a.Kind, b.Kind)) })
	return all, nil
}

// unmade is a claim whose bill was made, because its effect is done, and is not there.
func (l *look) unmade(merchant *side, id platform.BillID, c claim) (Finding, bool) {
	payer := l.side(engine.Partition(id.Partition()))
	_, made := payer.made[id]
	if made || c.entry.compare(merchant.cursor) > 0 || !payer.covers(c.at) {
		return Finding{}, false
	}
	return Finding{
		Kind: platform.BillMissing, At: payer.number, Key: "bill:" + string(id), Bill: id, Claim: c.body, Claimed: true,
		Detail: fmt.Sprintf("the order of %s is claimed, and the bill is gone", id),
	}, true
}

// order is what this package reads of a bill's record, or of a claim's.
type order struct {
	ID        platform.BillID     `json:"id"`
	Merchant  platform.MerchantID `json:"merchant"`
	Reference string              `json:"reference"`
}

// unclaimed are the bills of a partition without a claim, or without a place in their
// merchant's list.
func (l *look) unclaimed(ctx context.Context, payer *side) (all []Finding, err error) {
	listed := make(map[platform.MerchantID]map[platform.BillID]bool)
	for _, id := range slices.Sorted(maps.Keys(payer.made)) {
		if payer.made[id].round > 0 {
			continue // seen too late to tell
		}
		o, known, err := l.orderOf(ctx, payer, id)
		if err != nil {
			return nil, err
		}
		if !known {
			continue // it is archived, or the auditor says what is wrong
		}
		home := l.side(l.homes.MerchantHome(o.Merchant))
		if listed[o.Merchant] == nil {
			if listed[o.Merchant], err = list(ctx, home.reader, o.Merchant); err != nil {
				return nil, err
			}
		}
		f, found, err := l.claimOf(ctx, home, o, listed[o.Merchant][id])
		if found && err == nil { // else it may be archived
			_, found, err = record(ctx, payer, id)
		}
		if err != nil {
			return nil, err
		}
		if found {
			all = append(all, f)
		}
	}
	return all, nil
}

// orderOf reads of which order a bill is: the claim says so, or else the bill's record.
func (l *look) orderOf(ctx context.Context, payer *side, id platform.BillID) (o order, known bool, err error) {
	for _, s := range l.sides {
		c, ok := s.claims[id]
		var open struct {
			Merchant platform.MerchantID `json:"merchant"`
			Order    struct{ Reference string }
		}
		if ok && json.Unmarshal(c.body, &open) == nil {
			return order{ID: id, Merchant: open.Merchant, Reference: open.Order.Reference}, true, nil
		}
	}
	return record(ctx, payer, id)
}

// record reads a bill's record, among the live ones or the filed ones.
func record(ctx context.Context, payer *side, id platform.BillID) (o order, ok bool, err error) {
	texts, err := payer.reader.Get(ctx, "bill:"+string(id))
	if err != nil {
		return o, false, err
	}
	text, ok := texts[0], texts[0] != ""
	if !ok {
		if text, ok, err = payer.reader.Field(ctx, "finished:"+id.Day(), string(id)); err != nil {
			return o, false, err
		}
	}
	return o, ok && json.Unmarshal([]byte(text), &o) == nil && o.ID == id, nil
}

// list reads a merchant's list of bills.
func list(ctx context.Context, r engine.Reader, m platform.MerchantID) (map[platform.BillID]bool, error) {
	listed, last := make(map[platform.BillID]bool), ""
	for {
		page, err := r.Members(ctx, "bills:"+string(m), engine.Range{After: last, Limit: pageSize})
		if err != nil {
			return nil, err
		}
		for _, id := range page {
			listed[platform.BillID(id)], last = true, id
		}
		if len(page) < pageSize {
			return listed, nil
		}
	}
}

// claimOf looks for a bill's claim under its reference.
func (l *look) claimOf(ctx context.Context, home *side, o order, listed bool) (f Finding, found bool, err error) {
	key := "order:" + string(o.Merchant) + ":" + o.Reference
	told, claimed := home.claims[o.ID]
	f = Finding{At: home.number, Bill: o.ID, Claim: told.body, Claimed: claimed}
	texts, err := home.reader.Get(ctx, key)
	if err != nil {
		return f, false, err
	}
	var kept struct {
		Open struct {
			ID platform.BillID `json:"id"`
		} `json:"open"`
	}
	_ = json.Unmarshal([]byte(texts[0]), &kept) // what cannot be read claims nothing
	switch {
	case kept.Open.ID != o.ID:
		f.Kind, f.Key = platform.ClaimMissing, key
		f.Detail = fmt.Sprintf("the claim of %s is gone: its order would be taken again", o.ID)
		if kept.Open.ID != "" {
			f.Detail = fmt.Sprintf("%s and %s are of the same order", o.ID, kept.Open.ID)
		}
	case !listed:
		f.Kind, f.Key = platform.IndexMissing, "bills:"+string(o.Merchant)
		f.Detail = fmt.Sprintf("%s is not in its merchant's list", o.ID)
	default:
		return f, false, nil
	}
	return f, true, nil
}
