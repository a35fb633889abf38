package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// claim is an order's claim of its merchant's reference, as the journal tells it in the
// effect that makes the bill.
type claim struct {
	ID       string `json:"id"`
	Merchant string `json:"merchant"`
	Order    struct {
		Reference, IdempotencyKey string
		Amount                    json.Number
	} `json:"order"`
	during bool // the look
}

// keys are the records that the claim is kept in.
func (c claim) keys() []string {
	all := []string{"order:" + c.Merchant + ":" + c.Order.Reference}
	if c.Order.IdempotencyKey != "" {
		all = append(all, "key:"+c.Merchant+":"+c.Order.IdempotencyKey)
	}
	return all
}

// claims are those of all partitions: a bill may be in another than its claim.
type claims map[string]claim // by bill

// claim follows the claims of orders, and merchants being opened.
func (j *journal) claim(entry string, event engine.Event) {
	if id, ok := strings.CutPrefix(event.Subject, "merchant:"); ok && event.Name == "open_merchant" {
		if _, known := j.merchants[id]; known {
			j.wrong(entry, "merchant %s was opened twice", id)
		}
		j.merchants[id] = j.looking
		return
	}
	id, ok := strings.CutPrefix(event.Subject, "order:")
	if !ok || event.Name != "claim" {
		return
	}
	c := claim{during: j.looking}
	if len(event.Effects) != 1 || json.Unmarshal(event.Effects[0].Body, &c) != nil || c.ID != id {
		j.wrong(entry, "the claim of %s does not say how the bill is made", id)
		return
	}
	if _, known := j.claims[id]; known {
		j.wrong(entry, "%s was claimed twice", id)
	}
	j.claims[id], j.own[id] = c, true
}

// compareMerchants holds merchants, their claims and their lists of bills against what
// the journal tells. A claim that could not become a bill, because its phone is not
// enrolled, is none the worse.
func (b *books) compareMerchants(ctx context.Context) error {
	for id, during := range b.journal.merchants {
		if _, kept := b.merchants[id]; !kept && !during {
			b.differ("merchants", "merchant %s was opened and is not kept", id)
		}
	}
	for id := range b.merchants {
		if _, known := b.journal.merchants[id]; !known && !b.cut {
			b.differ("merchants", "merchant %s is kept but was never opened", id)
		}
	}
	own := slices.Sorted(maps.Keys(b.journal.own))
	for chunk := range slices.Chunk(own, pageSize) {
		if err := b.compareClaims(ctx, chunk); err != nil {
			return err
		}
	}
	listed, err := b.readLists(ctx, "bills:")
	if err != nil {
		return err
	}
	for _, id := range own {
		if c := b.journal.claims[id]; !c.during && !listed[c.Merchant][id] {
			b.differ("bills:"+c.Merchant, "%s was claimed and is not in its merchant's list", id)
		}
	}
	if err := b.journal.follow(ctx); err != nil { // what was listed has been told by now
		return err
	}
	for merchant, ids := range listed {
		for id := range ids {
			if c, ok := b.journal.claims[id]; !ok && b.forgotten(id) {
				continue
			} else if !ok || c.Merchant != merchant {
				b.differ("bills:"+merchant, "%s is in a merchant's list, but was never claimed", id)
			}
		}
	}
	return nil
}

// compareClaims holds the records of claims, which are kept for ever, against the journal.
func (b *books) compareClaims(ctx context.Context, ids []string) error {
	var names []string
	var of []string
	for _, id := range ids {
		for _, key := range b.journal.claims[id].keys() {
			names, of = append(names, key), append(of, id)
		}
	}
	texts, err := b.reader.Get(ctx, names...)
	if err != nil {
		return err
	}
	for i, text := range texts {
		var kept struct{ Open claim }
		switch err := json.Unmarshal([]byte(text), &kept); {
		case text == "" && strings.HasPrefix(names[i], "key:") && b.archived(of[i]):
			// it is free again
		case text == "":
			b.differ(names[i], "the claim of %s is gone: its order would be taken again", of[i])
		case err != nil:
			b.differ(names[i], "the claim of %s cannot be read", of[i])
		case kept.Open.ID != of[i]:
			b.differ(names[i], "the claim of %s is of %s", of[i], kept.Open.ID)
		}
	}
	return nil
}

// readLists reads the merchants' lists of bills, all or those with refunds.
func (b *books) readLists(ctx context.Context, set string) (map[string]map[string]bool, error) {
	merchants := maps.Clone(b.merchants)
	for id := range b.journal.own {
		merchants[b.journal.claims[id].Merchant] = ""
	}
	listed := make(map[string]map[string]bool)
	for merchant := range merchants {
		listed[merchant] = make(map[string]bool)
		last := ""
		for {
			page, err := b.reader.Members(ctx, set+merchant, engine.Range{After: last, Limit: pageSize})
			if err != nil {
				return nil, err
			}
			for _, id := range page {
				listed[merchant][id], last = true, id
			}
			if len(page) < pageSize {
				break
			}
		}
	}
	return listed, nil
}

// noteUnclaimed notes the bills that were made whose claim was not seen yet.
func (b *books) noteUnclaimed() {
	for id := range b.journal.lives {
		if _, ok := b.journal.claims[id]; !ok {
			b.unclaimed = append(b.unclaimed, id)
		}
	}
}

// compareOrders holds the bills against their claims, once all journals are read.
func (b *books) compareOrders() {
	for _, id := range b.unclaimed {
		if _, ok := b.journal.claims[id]; !ok && !b.cuts.archived(id) {
			b.differ("journal", "%s was made, but no order claimed it", id)
		}
	}
	for id, asks := range b.asks {
		if c, ok := b.journal.claims[id]; ok && asks != c.Order.Amount.String() {
			b.differ(recordKey(id), "%s asks for %s, its order for %s", id, asks, c.Order.Amount)
		}
	}
}
