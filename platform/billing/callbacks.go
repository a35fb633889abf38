package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

var _ platform.Callbacks = (*Service)(nil)

// Callbacks lists callbacks: those that are pending or exhausted from their sets, newest
// first, and the others from the merchant's bills.
func (s *Service) Callbacks(ctx context.Context, q platform.CallbackQuery) (platform.CallbackPage, error) {
	if q.Limit < 0 || q.Limit > mostOnPage {
		return platform.CallbackPage{}, invalid("limit", fmt.Sprintf("1 to %d", mostOnPage))
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	in := listOf(q.State)
	switch {
	case in != unlisted:
		return s.listed(ctx, in.set(), q)
	case q.State != "" && q.State != platform.CallbackDelivered:
		return platform.CallbackPage{}, invalid("state", "pending, delivered or exhausted")
	case q.Merchant == "":
		return platform.CallbackPage{}, invalid("state", "pending or exhausted; others are listed for one merchant")
	}
	return s.walked(ctx, q)
}

// listed reads a page of a set, which each partition has a part of.
func (s *Service) listed(ctx context.Context, set string, q platform.CallbackQuery) (platform.CallbackPage, error) {
	after, prefix := q.After, ""
	if q.Merchant != "" {
		prefix = member(q.Merchant, "")
		if after == "" {
			after = string(q.Merchant) + ";" // what follows the colon: behind all of the merchant's
		}
	}
	if !strings.HasPrefix(after, prefix) && q.After != "" {
		return platform.CallbackPage{}, badAfter()
	}
	var members []string
	for p := range s.config.Partitions {
		part, err := s.store.Read(engine.Partition(p)).Members(ctx, set, engine.Range{After: after, Reverse: true, Limit: q.Limit + 1})
		if err != nil {
			return platform.CallbackPage{}, unavailable("list callbacks", err)
		}
		members = append(members, part...)
	}
	members = slices.DeleteFunc(members, func(m string) bool { return !strings.HasPrefix(m, prefix) })
	slices.SortFunc(members, func(a, b string) int { return strings.Compare(b, a) })
	var page platform.CallbackPage
	if len(members) > q.Limit {
		members = members[:q.Limit]
		page.Next = members[q.Limit-1]
	}
	var err error
	page.Callbacks, err = s.callbacksOf(ctx, members)
	return page, err
}

func badAfter() error { return invalid("after", "take next from the page before") }

// callbacksOf reads the callbacks of members of a set. One that has been filed meanwhile
// is shown as it is by now.
func (s *Service) callbacksOf(ctx context.Context, members []string) ([]platform.Callback, error) {
	byPartition := make(map[engine.Partition][]platform.BillID)
	for _, m := range members {
		_, id, _ := strings.Cut(m, ":")
		p := engine.Partition(platform.BillID(id).Partition())
		byPartition[p] = append(byPartition[p], platform.BillID(id))
	}
	found := make(map[string]platform.Callback, len(members))
	for p, ids := range byPartition {
		texts, err := s.store.Read(p).Get(ctx, recordKeys(ids)...)
		if err != nil {
			return nil, unavailable("list callbacks", err)
		}
		for i, id := range ids {
			c, err := s.callbackOf(ctx, id, texts[i])
			if err != nil {
				return nil, err
			}
			found[member(c.Merchant, id)] = c
		}
	}
	all := make([]platform.Callback, 0, len(members))
	for _, m := range members {
		if c, ok := found[m]; ok {
			all = append(all, c)
		}
	}
	return all, nil
}

func recordKeys(ids []platform.BillID) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = recordKey(id)
	}
	return names
}

// callbackOf is the callback of a bill whose live record was read; without one it is filed.
func (s *Service) callbackOf(ctx context.Context, id platform.BillID, text string) (platform.Callback, error) {
	if text == "" {
		kept, err := s.find(ctx, id)
		return kept.callback(), err
	}
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return platform.Callback{}, fmt.Errorf("read bill %s: %w", id, err)
	}
	return r.callback(), nil
}

// callback is what is known of the telling of the merchant of a bill that is filed. The
// record of one that is live reads as well, and lacks what failed.
func (f *finished) callback() platform.Callback {
	r := record{sealedBill: f.sealedBill, Reports: max(1, f.Reports)}
	return r.callback()
}

// walked lists the callbacks of a merchant's bills that have ended.
func (s *Service) walked(ctx context.Context, q platform.CallbackQuery) (platform.CallbackPage, error) {
	after := platform.BillID(strings.TrimPrefix(q.After, member(q.Merchant, "")))
	var page platform.CallbackPage
	index := s.store.Read(s.merchantPartition(q.Merchant))
	for {
		ids, err := index.Members(ctx, "bills:"+string(q.Merchant), engine.Range{After: string(after), Reverse: true, Limit: mostOnPage})
		if err != nil {
			return platform.CallbackPage{}, unavailable("list callbacks", err)
		}
		members := make([]string, len(ids))
		for i, id := range ids {
			members[i] = member(q.Merchant, platform.BillID(id))
		}
		all, err := s.callbacksOf(ctx, members)
		if err != nil {
			return platform.CallbackPage{}, err
		}
		for _, c := range all {
			if c.Ended.IsZero() || c.URL == "" || q.State != "" && c.State != q.State {
				continue
			}
			if len(page.Callbacks) == q.Limit {
				page.Next = member(q.Merchant, page.Callbacks[q.Limit-1].Bill)
				return page, nil
			}
			page.Callbacks = append(page.Callbacks, c)
		}
		if len(ids) < mostOnPage {
			return page, nil
		}
		after = platform.BillID(ids[len(ids)-1])
	}
}

// Callback answers one callback with its attempts.
func (s *Service) Callback(ctx context.Context, m platform.MerchantID, id platform.BillID) (platform.Callback, error) {
	kept, err := s.find(ctx, id)
	if err == nil && m != "" && kept.Merchant != m {
		err = notFound()
	}
	if err != nil {
		return platform.Callback{}, err
	}
	if !bill.Ended(kept.State) || kept.CallbackURL == "" {
		return platform.Callback{}, &platform.Error{
			Code: platform.CodeNotFound, Field: "id", Detail: "there is no callback: the bill has not ended, or has no callback address",
		}
	}
	texts, err := s.store.Read(engine.Partition(id.Partition())).Get(ctx, recordKey(id))
	if err != nil {
		return platform.Callback{}, unavailable("read the bill", err)
	}
	c, err := s.callbackOf(ctx, id, texts[0])
	if err != nil {
		return c, err
	}
	events, err := s.story(ctx, engine.Partition(id.Partition()), string(id), kept.Last)
	c.Tries = tries(events)
	return c, err
}

// tries are the attempts that a bill's story tells of.
func tries(events []platform.Event) []platform.CallbackTry {
	var all []platform.CallbackTry
	for _, e := range events {
		switch e.Name {
		case bill.Report, "resend":
			all = append(all, platform.CallbackTry{Number: e.Attempt, At: e.At, ByHand: e.Name == "resend"})
			continue
		case bill.Acknowledge, "resent", "report_failed":
		default:
			continue
		}
		i := slices.IndexFunc(all, func(t platform.CallbackTry) bool { return t.Number == e.Attempt })
		if i < 0 {
			continue // its beginning is trimmed away
		}
		t := &all[i]
		t.Ended, t.Status, t.OK, t.Next = e.At, e.Status, e.Name != "report_failed", e.Next
		if t.Problem = ""; !t.OK {
			t.Problem = e.Detail
		}
	}
	return all
}

// Resend makes an attempt by hand.
func (s *Service) Resend(ctx context.Context, in platform.Resend) (platform.Callback, error) {
	if in.Merchant == "" {
		if err := checkAct(in.By, in.Note); err != nil {
			return platform.Callback{}, err
		}
	}
	for look := 1; ; look++ {
		ask := Resend{Merchant: in.Merchant, Bill: in.Bill, By: in.By, Note: in.Note, Looked: s.config.Clock.Now()}
		var err error
		if ask.Filed, err = s.filedText(ctx, in.Bill); err != nil {
			return platform.Callback{}, err
		}
		reply, err := s.do(ctx, engine.Partition(in.Bill.Partition()), ask)
		if again(err, look) {
			continue
		}
		if err != nil {
			return platform.Callback{}, busyStore(err)
		}
		return reply.(platform.Callback), nil
	}
}

// filedText reads the record of a bill that is filed; of a live one it is empty. A bill
// is CodeNotFound that is neither.
func (s *Service) filedText(ctx context.Context, id platform.BillID) (string, error) {
	if _, err := s.find(ctx, id); err != nil {
		return "", err
	}
	text, _, err := s.store.Read(engine.Partition(id.Partition())).Field(ctx, finishedKey(id), string(id))
	if err != nil {
		return "", unavailable("read the bill", err)
	}
	return text, nil
}
