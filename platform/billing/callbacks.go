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
	found := make(map[string]platform.Callback, len(members))
	if err := s.findBillsTold(ctx, members, found); err != nil {
		return nil, err
	}
	if err := s.findRefundsTold(ctx, members, found); err != nil {
		return nil, err
	}
	all := make([]platform.Callback, 0, len(members))
	for _, m := range members {
		if c, ok := found[m]; ok {
			all = append(all, c)
		}
	}
	return all, nil
}

// findBillsTold finds the callbacks of those members that are bills.
func (s *Service) findBillsTold(ctx context.Context, members []string, found map[string]platform.Callback) error {
	byPartition := make(map[engine.Partition][]platform.BillID)
	for _, name := range members {
		if _, of := cutMember(name); of.Refund == "" {
			p := engine.Partition(of.Bill.Partition())
			byPartition[p] = append(byPartition[p], of.Bill)
		}
	}
	for p, ids := range byPartition {
		texts, err := s.store.Read(p).Get(ctx, recordKeys(ids)...)
		if err != nil {
			return unavailable("list callbacks", err)
		}
		for i, id := range ids {
			c, err := s.callbackOf(ctx, id, texts[i])
			if err != nil {
				return err
			}
			found[memberOf(c)] = c
		}
	}
	return nil
}

// findRefundsTold finds the callbacks of those members that are refunds.
func (s *Service) findRefundsTold(ctx context.Context, members []string, found map[string]platform.Callback) error {
	byPartition := make(map[engine.Partition][]platform.BillID)
	for _, name := range members {
		m, of := cutMember(name)
		if p := s.merchantPartition(m); of.Refund != "" && !slices.Contains(byPartition[p], of.Bill) {
			byPartition[p] = append(byPartition[p], of.Bill)
		}
	}
	for p, bills := range byPartition {
		all, err := s.refundsTold(ctx, p, bills)
		if err != nil {
			return err
		}
		for _, c := range all {
			found[memberOf(c)] = c
		}
	}
	return nil
}

// refundsTold are the callbacks of bills' refunds, in their merchants' partition.
func (s *Service) refundsTold(ctx context.Context, home engine.Partition, bills []platform.BillID) (all []platform.Callback, err error) {
	if len(bills) == 0 {
		return nil, nil
	}
	names := make([]string, len(bills))
	for i, id := range bills {
		names[i] = refundsKey(id)
	}
	texts, err := s.store.Read(home).Get(ctx, names...)
	if err != nil {
		return nil, unavailable("list callbacks", err)
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		kept, err := readRefunds(s.config.Vault, text)
		if err != nil {
			return nil, err
		}
		for _, r := range kept.Refunds {
			all = append(all, kept.callback(r))
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
	r := record{sealedBill: f.sealedBill, telling: telling{Reports: max(1, f.Reports)}}
	return r.callback()
}

// walked lists the callbacks of a merchant's bills that have ended, and of their refunds.
func (s *Service) walked(ctx context.Context, q platform.CallbackQuery) (platform.CallbackPage, error) {
	after := strings.TrimPrefix(q.After, member(q.Merchant, ""))
	var page platform.CallbackPage
	index := s.store.Read(s.merchantPartition(q.Merchant))
	for {
		ids, err := index.Members(ctx, "bills:"+string(q.Merchant), engine.Range{After: after, Reverse: true, Limit: mostOnPage})
		if err != nil {
			return platform.CallbackPage{}, unavailable("list callbacks", err)
		}
		all, err := s.told(ctx, q.Merchant, ids)
		if err != nil {
			return platform.CallbackPage{}, err
		}
		for _, c := range all {
			if !chosen(q, c) {
				continue
			}
			if len(page.Callbacks) == q.Limit {
				page.Next = memberOf(page.Callbacks[q.Limit-1])
				return page, nil
			}
			page.Callbacks = append(page.Callbacks, c)
		}
		if len(ids) < mostOnPage {
			return page, nil
		}
		after = ids[len(ids)-1]
	}
}

// chosen says whether a callback is made at all, and is asked for.
func chosen(q platform.CallbackQuery, c platform.Callback) bool {
	there := !c.Ended.IsZero() && c.URL != ""
	return there && (q.State == "" || c.State == q.State) && (q.After == "" || memberOf(c) < q.After)
}

// told are the callbacks of a merchant's bills and of their refunds, newest first.
func (s *Service) told(ctx context.Context, m platform.MerchantID, ids []string) ([]platform.Callback, error) {
	members, bills := make([]string, len(ids)), make([]platform.BillID, len(ids))
	for i, id := range ids {
		bills[i] = platform.BillID(id)
		members[i] = member(m, bills[i])
	}
	all, err := s.callbacksOf(ctx, members)
	if err != nil {
		return nil, err
	}
	refunds, err := s.refundsTold(ctx, s.merchantPartition(m), bills)
	all = append(all, refunds...)
	slices.SortFunc(all, func(a, b platform.Callback) int { return strings.Compare(memberOf(b), memberOf(a)) })
	return all, err
}

// Callback answers one callback with its attempts.
func (s *Service) Callback(ctx context.Context, m platform.MerchantID, of platform.CallbackSubject) (platform.Callback, error) {
	if of.Refund != "" {
		return s.refundCallback(ctx, m, of.Refund)
	}
	id := of.Bill
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

// refundCallback answers the callback of a refund with its attempts.
func (s *Service) refundCallback(ctx context.Context, m platform.MerchantID, id platform.RefundID) (platform.Callback, error) {
	home, err := s.refundHome(ctx, m, id)
	if err != nil {
		return platform.Callback{}, err
	}
	text, _, err := s.lookForRefunds(ctx, home, id.Bill())
	if err != nil {
		return platform.Callback{}, err
	}
	if text == "" {
		return platform.Callback{}, noRefund()
	}
	kept, err := readRefunds(s.config.Vault, text)
	if err != nil {
		return platform.Callback{}, err
	}
	r := kept.of(id)
	switch {
	case r == nil || m != "" && kept.Merchant != m:
		return platform.Callback{}, noRefund()
	case !r.State.Ended() || kept.CallbackURL == "":
		return platform.Callback{}, &platform.Error{
			Code: platform.CodeNotFound, Field: "id", Detail: "there is no callback: the refund has not ended, or its bill has no callback address",
		}
	}
	c := kept.callback(r)
	events, err := s.story(ctx, home, string(id), r.Last)
	c.Tries = tries(events)
	return c, err
}

// refundHome is the partition of a refund: its merchant's, which without one its bill tells.
func (s *Service) refundHome(ctx context.Context, m platform.MerchantID, id platform.RefundID) (engine.Partition, error) {
	if m != "" {
		return s.merchantPartition(m), nil
	}
	kept, err := s.find(ctx, id.Bill())
	return s.merchantPartition(kept.Merchant), err
}

// tries are the attempts that the story of a bill or of a refund tells of.
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
	if in.Refund != "" {
		return s.resendRefund(ctx, in)
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

// resendRefund makes an attempt about a refund by hand.
func (s *Service) resendRefund(ctx context.Context, in platform.Resend) (platform.Callback, error) {
	home, err := s.refundHome(ctx, in.Merchant, in.Refund)
	if err != nil {
		return platform.Callback{}, err
	}
	ask := Resend{Merchant: in.Merchant, Bill: in.Refund.Bill(), Refund: in.Refund, By: in.By, Note: in.Note}
	for look := 1; ; look++ {
		if ask.Kept, ask.Seen, err = s.lookForRefunds(ctx, home, ask.Bill); err != nil {
			return platform.Callback{}, err
		}
		reply, err := s.do(ctx, home, ask)
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
