package billing

import (
	"context"
	"fmt"
	"slices"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// The sizes of a page of bills.
const (
	defaultPage = 50
	mostOnPage  = 200
)

// Bills lists the merchant's bills, newest first.
func (s *Service) Bills(ctx context.Context, m platform.MerchantID, q platform.Query) (platform.Page, error) {
	if q.Limit < 0 || q.Limit > mostOnPage {
		return platform.Page{}, invalid("limit", fmt.Sprintf("1 to %d", mostOnPage))
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	if q.Reference != "" {
		return s.byReference(ctx, m, q)
	}
	return s.page(ctx, m, q)
}

// page walks the merchant's bills from newest to oldest until the page is full.
func (s *Service) page(ctx context.Context, m platform.MerchantID, q platform.Query) (platform.Page, error) {
	var page platform.Page
	index := s.store.Read(s.merchantPartition(m))
	for after := string(q.After); ; {
		ids, err := index.Members(ctx, "bills:"+string(m), engine.Range{After: after, Reverse: true, Limit: mostOnPage})
		if err != nil {
			return platform.Page{}, unavailable("list bills", err)
		}
		bills, err := s.findAll(ctx, ids)
		if err != nil {
			return platform.Page{}, err
		}
		for _, b := range bills {
			if q.State != "" && b.State != q.State {
				continue
			}
			if len(page.Bills) == q.Limit {
				page.Next = page.Bills[q.Limit-1].ID
				return page, nil
			}
			page.Bills = append(page.Bills, b)
		}
		if len(ids) < mostOnPage {
			return page, nil
		}
		after = ids[len(ids)-1]
	}
}

// findAll reads bills in the order of their ids, the live ones of a partition at once.
// An order that never became a bill is left out.
func (s *Service) findAll(ctx context.Context, ids []string) ([]platform.Bill, error) {
	byPartition := make(map[engine.Partition][]string)
	for _, id := range ids {
		p := engine.Partition(platform.BillID(id).Partition())
		byPartition[p] = append(byPartition[p], recordKey(platform.BillID(id)))
	}
	live := make(map[string]string, len(ids))
	for p, names := range byPartition {
		texts, err := s.store.Read(p).Get(ctx, names...)
		if err != nil {
			return nil, unavailable("list bills", err)
		}
		for i, name := range names {
			live[name] = texts[i]
		}
	}
	var bills []platform.Bill
	for _, id := range ids {
		kept, ok, err := s.liveOrFiled(ctx, platform.BillID(id), live)
		if err != nil {
			return nil, err
		}
		if ok {
			bills = append(bills, kept.Bill)
		}
	}
	return bills, nil
}

func (s *Service) liveOrFiled(ctx context.Context, id platform.BillID, live map[string]string) (kept finished, ok bool, err error) {
	if text := live[recordKey(id)]; text != "" {
		kept, err = s.readBill(text)
		return kept, err == nil, err
	}
	kept, err = s.find(ctx, id)
	if isNotFound(err) {
		return kept, false, nil
	}
	return kept, err == nil, err
}

func (s *Service) byReference(ctx context.Context, m platform.MerchantID, q platform.Query) (platform.Page, error) {
	c, _, err := s.earlierClaim(ctx, s.merchantPartition(m), m, platform.Order{Reference: q.Reference})
	if err != nil || c == nil {
		return platform.Page{}, err
	}
	kept, err := s.find(ctx, c.Open.ID)
	if isNotFound(err) || err == nil && q.State != "" && kept.State != q.State {
		return platform.Page{}, nil
	}
	if err != nil {
		return platform.Page{}, err
	}
	return platform.Page{Bills: []platform.Bill{kept.Bill}}, nil
}

// Events tells a bill's story by following the journal back from its latest entry.
func (s *Service) Events(ctx context.Context, m platform.MerchantID, id platform.BillID) ([]platform.Event, error) {
	kept, err := s.own(ctx, m, id)
	if err != nil {
		return nil, err
	}
	r := s.store.Read(engine.Partition(id.Partition()))
	var events []platform.Event
	for entry := kept.Last; entry != ""; {
		page, err := r.Journal(ctx, entry, entry, 1)
		if err != nil {
			return nil, unavailable("read the journal", err)
		}
		if len(page) == 0 {
			break // trimmed away
		}
		told, prev, err := s.eventsOf(page[0], id)
		if err != nil {
			return nil, err
		}
		if prev == entry {
			return nil, fmt.Errorf("journal entry %s says that it comes before itself", entry)
		}
		events, entry = append(events, told...), prev
	}
	slices.Reverse(events)
	return events, nil
}

// eventsOf picks a bill's events out of a journal entry, newest first, and answers
// the entry where the bill's story went on before.
func (s *Service) eventsOf(entry engine.Entry, id platform.BillID) (events []platform.Event, prev string, err error) {
	for _, e := range slices.Backward(entry.Events) {
		if e.Subject != string(id) {
			continue
		}
		var told story
		if err := e.Decode(&told); err != nil {
			return nil, "", fmt.Errorf("read journal entry %s: %w", entry.ID, err)
		}
		event := platform.Event{
			At: e.At, Name: fsm.Event(e.Name), From: fsm.State(e.From), To: fsm.State(e.To),
			Cause: e.Cause, Detail: told.Detail, Entry: entry.ID, Postings: told.Postings,
		}
		if told.Said != "" {
			if event.Detail, err = s.config.Vault.OpenText(saidText, told.Said); err != nil {
				return nil, "", fmt.Errorf("read journal entry %s: %w", entry.ID, err)
			}
		}
		for _, effect := range e.Effects {
			event.Effects = append(event.Effects, effect.Kind)
		}
		events, prev = append(events, event), e.Prev
	}
	return events, prev, nil
}
