package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
)

// The sets of bills and refunds whose callback was not acknowledged at once: a bill as
// MERCHANT:BILL, a refund as MERCHANT:BILL:REFUND.
const (
	pendingSet   = "callbacks:pending"
	exhaustedSet = "callbacks:exhausted"
)

// telling is what this package reads of how far the telling of a merchant has come.
type telling struct {
	Acknowledged string `json:"acknowledged_at"`
	Next         string `json:"next_report"`
	Trouble      struct {
		Failure json.RawMessage `json:"failure"`
	} `json:"callback_trouble"`
}

// set is where it belongs; "" is in none.
func (t telling) set() string {
	switch {
	case t.Acknowledged != "" || len(t.Trouble.Failure) == 0:
		return ""
	case t.Next == "":
		return exhaustedSet
	}
	return pendingSet
}

// billTold is it in the record of a bill.
type billTold struct {
	Merchant string `json:"merchant"`
	telling
}

// refundsTold is it in the record of a bill's refunds.
type refundsTold struct {
	Merchant string `json:"merchant"`
	Refunds  []struct {
		ID string `json:"id"`
		telling
	} `json:"refunds"`
}

// listBill notes the set that a bill with this record belongs in. What cannot be read is
// told elsewhere.
func listBill(id, text string, in map[string]string) {
	var t billTold
	if text != "" && json.Unmarshal([]byte(text), &t) == nil && t.set() != "" {
		in[t.Merchant+":"+id] = t.set()
	}
}

// readRefundsTold reads the record of a bill's refunds; one that cannot be read has none.
func readRefundsTold(text string) (t refundsTold) {
	if text == "" || json.Unmarshal([]byte(text), &t) != nil {
		return refundsTold{}
	}
	return t
}

// listRefunds notes the sets that the refunds of a bill belong in.
func listRefunds(bill, text string, in map[string]string) {
	t := readRefundsTold(text)
	for _, r := range t.Refunds {
		if r.set() != "" {
			in[t.Merchant+":"+bill+":"+r.ID] = r.set()
		}
	}
}

// compareCallbacks holds the sets against the records of the live bills and of the refunds,
// both ways.
func (b *books) compareCallbacks(ctx context.Context) error {
	listed := map[string]string{} // the set, by member
	suspects := map[string]bool{}
	for _, set := range []string{pendingSet, exhaustedSet} {
		members, err := b.readSet(ctx, set)
		if err != nil {
			return err
		}
		for _, member := range members {
			if _, twice := listed[member]; twice {
				suspects[member] = true
			}
			listed[member] = set
		}
	}
	want, err := b.toBeListed(ctx)
	if err != nil {
		return err
	}
	for _, sets := range []map[string]string{listed, want} {
		for member := range sets {
			if listed[member] != want[member] {
				suspects[member] = true
			}
		}
	}
	for _, member := range slices.Sorted(maps.Keys(suspects)) {
		if err := b.lookAtCallback(ctx, member); err != nil {
			return err
		}
	}
	return nil
}

// toBeListed is which set each callback belongs in that has failed, by member.
func (b *books) toBeListed(ctx context.Context) (map[string]string, error) {
	want := map[string]string{}
	for id, text := range b.live {
		listBill(id, text, want)
	}
	lists, err := b.readLists(ctx, "refunded:")
	if err != nil {
		return nil, err
	}
	bills, awaited := b.withRefunds(lists), newAwaited(b)
	if err := awaited.readIndex(ctx); err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(bills)), pageSize) {
		names := make([]string, len(chunk))
		for i, bill := range chunk {
			names[i] = refundsKey(bill)
		}
		texts, err := b.reader.Get(ctx, names...)
		if err != nil {
			return nil, err
		}
		for i, text := range texts {
			listRefunds(chunk[i], text, want)
			awaited.note(chunk[i], text)
		}
	}
	return want, awaited.judge(ctx)
}

func (b *books) readSet(ctx context.Context, set string) (all []string, err error) {
	for last := ""; ; last = all[len(all)-1] {
		page, err := b.reader.Members(ctx, set, engine.Range{After: last, Limit: pageSize})
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < pageSize {
			return all, nil
		}
	}
}

// mostLooks is how often a record is looked at that changes meanwhile.
const mostLooks = 5

// lookAtCallback judges one callback anew: by a record that was the same before and after
// its sets were looked at.
func (b *books) lookAtCallback(ctx context.Context, member string) error {
	_, rest, _ := strings.Cut(member, ":")
	bill, refund, _ := strings.Cut(rest, ":")
	key, list, id := recordKey(bill), listBill, bill
	if refund != "" {
		key, list, id = refundsKey(bill), listRefunds, refund
	}
	for range mostLooks {
		before, err := b.reader.Get(ctx, key)
		if err != nil {
			return err
		}
		in := map[string]bool{}
		for _, set := range []string{pendingSet, exhaustedSet} {
			if in[set], err = b.isMember(ctx, set, member); err != nil {
				return err
			}
		}
		after, err := b.reader.Get(ctx, key)
		if err != nil {
			return err
		}
		if before[0] == after[0] {
			want := map[string]string{}
			list(bill, after[0], want)
			b.judgeCallback(member, id, in, want[member])
			return nil
		}
	}
	return nil // it goes on changing: the next audit has it
}

// judgeCallback says in which sets a callback is and should not be, or should be and is not.
func (b *books) judgeCallback(member, id string, in map[string]bool, want string) {
	for _, set := range []string{pendingSet, exhaustedSet} {
		switch {
		case in[set] && set != want:
			b.differ(set, "%s is listed, but its record says otherwise", member)
		case !in[set] && set == want:
			b.differ(set, "the callback of %s has failed and is not listed", id)
		}
	}
}

// isMember says whether a set of members without scores has one.
func (b *books) isMember(ctx context.Context, set, member string) (bool, error) {
	near, err := b.reader.Members(ctx, set, engine.Range{After: member[:len(member)-1], Limit: pageSize})
	return slices.Contains(near, member), err
}

// endpointEvent follows the endpoints that are disabled and enabled.
func (j *journal) endpointEvent(entry string, event engine.Event) {
	merchant, ok := strings.CutPrefix(event.Subject, "merchant:")
	disabled := event.Name == "disable_endpoint"
	if !ok || !disabled && event.Name != "enable_endpoint" {
		return
	}
	var data struct{ Endpoint string }
	if err := event.Decode(&data); err != nil || data.Endpoint == "" {
		j.wrong(entry, "%s of merchant %s does not say which", event.Name, merchant)
		return
	}
	key := merchant + " " + data.Endpoint
	if m := j.disabled[key]; m.now() == disabled {
		j.wrong(entry, "%s of %s, which was so before", event.Name, key)
	}
	j.disabled[key] = j.disabled[key].then(disabled, j.looking)
}

// compareEndpoints holds the endpoints that are kept against the merchants and the journal.
func (b *books) compareEndpoints() {
	if b.cut {
		return
	}
	isDisabled := func(text string) bool {
		var e struct {
			Disabled string `json:"disabled_at"`
		}
		return text != "" && json.Unmarshal([]byte(text), &e) == nil && e.Disabled != ""
	}
	for key, text := range b.endpoints {
		if merchant, _, _ := strings.Cut(key, " "); b.merchants[merchant] == "" && !b.journal.merchants[merchant] {
			b.differ("endpoints", "%s is of no merchant here", key)
		}
		if isDisabled(text) && !b.journal.disabled[key].was(func(d bool) bool { return d }) {
			b.differ("endpoints", "%s is disabled, but the journal does not say so", key)
		}
	}
	for key, m := range b.journal.disabled {
		if !isDisabled(b.endpoints[key]) && !m.was(func(d bool) bool { return !d }) {
			b.differ("endpoints", "%s was disabled and is not kept so", key)
		}
	}
}
