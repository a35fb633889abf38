package billing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
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
	if q.Day != "" && !platform.ValidDay(q.Day) {
		return platform.Page{}, invalid("day", "a day like 2026-11-23")
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	find := s.page
	if q.Reference != "" {
		find = s.byReference
	}
	page, err := find(ctx, m, q)
	if err != nil {
		return platform.Page{}, err
	}
	return page, s.addRefunds(ctx, m, page.Bills)
}

// mostWalked is how many bills one request looks through.
const mostWalked = 2000

// page walks the merchant's bills from newest to oldest until the page is full, or it
// has looked through enough of them.
func (s *Service) page(ctx context.Context, m platform.MerchantID, q platform.Query) (platform.Page, error) {
	var page platform.Page
	index := s.store.Read(s.merchantPartition(m))
	after := string(olderThan(q))
	for walked := 0; walked < mostWalked; walked += mostOnPage {
		ids, err := index.Members(ctx, "bills:"+string(m), engine.Range{After: after, Reverse: true, Limit: mostOnPage})
		if err != nil {
			return platform.Page{}, unavailable("list bills", err)
		}
		more := len(ids) == mostOnPage
		ids, inDay := cutDay(ids, q.Day)
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
		if !more || !inDay {
			return page, nil
		}
		after = ids[len(ids)-1]
	}
	page.Next = platform.BillID(after)
	return page, nil
}

// olderThan is what the bills that are asked for are older than; "" is nothing.
func olderThan(q platform.Query) platform.BillID {
	day, err := time.Parse(time.DateOnly, q.Day)
	if err != nil {
		return q.After
	}
	if next := platform.FirstBillID(day.AddDate(0, 0, 1)); q.After == "" || next < q.After {
		return next
	}
	return q.After
}

// cutDay leaves out the ids before a day, which are last, and says whether there were none.
func cutDay(ids []string, day string) ([]string, bool) {
	if day == "" {
		return ids, true
	}
	n := len(ids)
	for n > 0 && platform.BillID(ids[n-1]).Day() < day {
		n--
	}
	return ids[:n], n == len(ids)
}

// findAll reads bills in the order of their ids, those of a partition at once. An order
// that never became a bill is left out.
func (s *Service) findAll(ctx context.Context, ids []string) ([]platform.Bill, error) {
	texts := make(map[string]string, len(ids))
	live := func(id platform.BillID) (string, string) { return "", recordKey(id) }
	filed := func(id platform.BillID) (string, string) { return finishedKey(id), string(id) }
	for _, where := range []func(platform.BillID) (string, string){live, filed} { // in the order in which a bill goes
		if err := s.look(ctx, ids, where, texts); err != nil {
			return nil, unavailable("list bills", err)
		}
	}
	var bills []platform.Bill
	for _, id := range ids {
		if texts[id] == "" {
			continue
		}
		kept, err := s.readBill(texts[id])
		if err != nil {
			return nil, err
		}
		bills = append(bills, kept.Bill)
	}
	return bills, nil
}

// place is a hash, or the records, of a partition.
type place struct {
	partition engine.Partition
	hash      string
}

// look reads those of the bills that have no text yet, where they may be.
func (s *Service) look(ctx context.Context, ids []string, where func(platform.BillID) (hash, name string), texts map[string]string) error {
	names, of := make(map[place][]string), make(map[place][]string)
	for _, id := range ids {
		if texts[id] != "" {
			continue
		}
		hash, name := where(platform.BillID(id))
		at := place{engine.Partition(platform.BillID(id).Partition()), hash}
		names[at], of[at] = append(names[at], name), append(of[at], id)
	}
	for at, names := range names {
		if int(at.partition) >= s.config.Partitions {
			continue
		}
		r := s.store.Read(at.partition)
		read := func() ([]string, error) { return r.Pick(ctx, at.hash, names...) }
		if at.hash == "" {
			read = func() ([]string, error) { return r.Get(ctx, names...) }
		}
		found, err := read()
		if err != nil {
			return err
		}
		for i, text := range found {
			texts[of[at][i]] = text
		}
	}
	return nil
}

func (s *Service) byReference(ctx context.Context, m platform.MerchantID, q platform.Query) (platform.Page, error) {
	c, _, err := s.earlierClaim(ctx, s.merchantPartition(m), m, platform.Order{Reference: q.Reference})
	if err != nil || c == nil {
		return platform.Page{}, err
	}
	kept, err := s.find(ctx, c.Open.ID)
	other := q.State != "" && kept.State != q.State || q.Day != "" && c.Open.ID.Day() != q.Day
	if isNotFound(err) || err == nil && other {
		return platform.Page{}, nil
	}
	if err != nil {
		return platform.Page{}, err
	}
	return platform.Page{Bills: []platform.Bill{kept.Bill}}, nil
}

// Events tells a bill's story, and after it those of its refunds.
func (s *Service) Events(ctx context.Context, m platform.MerchantID, id platform.BillID) ([]platform.Event, error) {
	kept, err := s.own(ctx, m, id)
	if err != nil {
		return nil, err
	}
	events, err := s.story(ctx, engine.Partition(id.Partition()), string(id), kept.Last)
	if err != nil || kept.State != bill.Settled {
		return events, err
	}
	refunds, err := s.refundStory(ctx, m, id)
	return append(events, refunds...), err
}

// story follows the journal back from the latest entry of something's story.
func (s *Service) story(ctx context.Context, p engine.Partition, subject, last string) ([]platform.Event, error) {
	r := s.store.Read(p)
	var events []platform.Event
	for entry := last; entry != ""; {
		page, err := r.Journal(ctx, entry, entry, 1)
		if err != nil {
			return nil, unavailable("read the journal", err)
		}
		if len(page) == 0 {
			break // trimmed away
		}
		told, prev, err := s.eventsOf(page[0], subject)
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

// eventsOf picks a subject's events out of a journal entry, newest first, and answers
// the entry where its story went on before.
func (s *Service) eventsOf(entry engine.Entry, subject string) (events []platform.Event, prev string, err error) {
	for _, e := range slices.Backward(entry.Events) {
		if e.Subject != subject {
			continue
		}
		var told story
		if err := e.Decode(&told); err != nil {
			return nil, "", fmt.Errorf("read journal entry %s: %w", entry.ID, err)
		}
		event := platform.Event{
			At: e.At, Name: fsm.Event(e.Name), From: fsm.State(e.From), To: fsm.State(e.To),
			Cause: e.Cause, Detail: told.Detail, Entry: entry.ID, Postings: told.Postings,
			Attempt: told.Attempt, Status: told.Status, Next: told.Next,
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
