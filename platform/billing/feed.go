package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

var _ platform.Feed = (*Service)(nil)

// position is an entry of a partition's journal, or where one could be.
type position struct{ epoch, seq uint64 }

func (p position) String() string {
	return strconv.FormatUint(p.epoch, 10) + "-" + strconv.FormatUint(p.seq, 10)
}

func (p position) less(o position) bool {
	return p.epoch < o.epoch || p.epoch == o.epoch && p.seq < o.seq
}

func parsePosition(text string) (p position, err error) {
	epoch, seq, ok := strings.Cut(text, "-")
	if p.epoch, err = strconv.ParseUint(epoch, 10, 64); err == nil {
		p.seq, err = strconv.ParseUint(seq, 10, 64)
	}
	if !ok && err == nil {
		err = errors.New("no position")
	}
	return p, err
}

// places are a place: the position of the last entry read, in each partition.
type places []position

func (p places) place() platform.Place {
	texts := make([]string, len(p))
	for i, at := range p {
		texts[i] = at.String()
	}
	return platform.Place(strings.Join(texts, "."))
}

func (s *Service) parsePlace(at platform.Place) (places, error) {
	texts := strings.Split(string(at), ".")
	all := make(places, len(texts))
	wrong := invalid("place", "not a place in this feed; begin anew without one")
	if len(texts) != s.config.Partitions {
		return nil, wrong
	}
	for i, text := range texts {
		var err error
		if all[i], err = parsePosition(text); err != nil {
			return nil, wrong
		}
	}
	return all, nil
}

// feedEnd is the position of the last batch of a partition.
func (s *Service) feedEnd(ctx context.Context, p engine.Partition) (end position, err error) {
	texts, err := s.store.Read(p).Get(ctx, "fence", engine.SeqKey)
	if err != nil {
		return end, unavailable("read the feed", err)
	}
	end.epoch, _ = strconv.ParseUint(texts[0], 10, 64) // none yet is 0
	end.seq, _ = strconv.ParseUint(texts[1], 10, 64)
	return end, nil
}

// FeedSince finds a place by time, by halves.
func (s *Service) FeedSince(ctx context.Context, since time.Time) (platform.Place, error) {
	all := make(places, s.config.Partitions)
	for n := range all {
		p := engine.Partition(n)
		end, err := s.feedEnd(ctx, p)
		if err == nil && !since.IsZero() {
			end, err = s.before(ctx, p, since, end)
		}
		if err != nil {
			return "", err
		}
		all[n] = end
	}
	return all.place(), nil
}

// before is the position before the first entry of a time or later.
func (s *Service) before(ctx context.Context, p engine.Partition, since time.Time, end position) (position, error) {
	var failed error
	late := func(at position) bool {
		page, err := s.store.Read(p).Journal(ctx, at.String(), "+", 1)
		if err != nil {
			failed = err
		}
		return len(page) == 0 || len(page[0].Events) > 0 && !page[0].Events[0].At.Before(since)
	}
	epoch := sort.Search(int(end.epoch), func(e int) bool { return late(position{uint64(e) + 1, 0}) })
	seq := sort.Search(int(end.seq)+1, func(n int) bool { return late(position{uint64(epoch), uint64(n)}) })
	if failed != nil {
		return end, unavailable("read the feed", failed)
	}
	return position{uint64(epoch), uint64(max(seq, 1) - 1)}, nil
}

// feedPage is how many entries of a partition are looked at, at a time.
const feedPage = 256

// FeedAfter reads on in every partition's journal.
func (s *Service) FeedAfter(ctx context.Context, m platform.MerchantID, at platform.Place) ([]platform.Follower, platform.Place, error) {
	from, err := s.parsePlace(at)
	if err != nil {
		return nil, at, err
	}
	ways := make([][]found, len(from))
	last := slices.Clone(from)
	for n := range from {
		if ways[n], last[n], err = s.feedOf(ctx, engine.Partition(n), m, from[n]); err != nil {
			return nil, at, err
		}
	}
	return merge(from, ways), last.place(), nil
}

// found is an attempt, and the position after which it is not read again.
type found struct {
	attempt platform.Attempt
	after   position
}

// merge puts the partitions' attempts in the order of their times.
func merge(at places, ways [][]found) (all []platform.Follower) {
	at = slices.Clone(at)
	for {
		next := -1
		for n, way := range ways {
			if len(way) > 0 && (next < 0 || way[0].attempt.At.Before(ways[next][0].attempt.At)) {
				next = n
			}
		}
		if next < 0 {
			return all
		}
		at[next] = ways[next][0].after
		all = append(all, platform.Follower{Attempt: ways[next][0].attempt, Place: at.place()})
		ways[next] = ways[next][1:]
	}
}

// feedOf reads on in one partition's journal.
func (s *Service) feedOf(ctx context.Context, p engine.Partition, m platform.MerchantID, from position) (all []found, last position, err error) {
	page, err := s.store.Read(p).Journal(ctx, "("+from.String(), "+", feedPage)
	if err != nil {
		return nil, from, unavailable("read the feed", err)
	}
	if len(page) == 0 {
		end, err := s.feedEnd(ctx, p)
		if err == nil && end.less(from) {
			err = invalid("place", "it is of another store: this one has not come so far; begin anew without it")
		}
		return nil, from, err
	}
	last = from
	for _, entry := range page {
		here, err := parsePosition(entry.ID)
		if err != nil {
			return nil, from, fmt.Errorf("read the feed: entry %q: %w", entry.ID, err)
		}
		attempts, err := s.attemptsIn(ctx, m, entry)
		if err != nil {
			return nil, from, err
		}
		for i, a := range attempts {
			after := last
			if i == len(attempts)-1 {
				after = here
			}
			all = append(all, found{a, after})
		}
		last = here
	}
	return all, last, nil
}

// attemptsIn are a merchant's attempts that one entry tells of.
func (s *Service) attemptsIn(ctx context.Context, m platform.MerchantID, entry engine.Entry) (all []platform.Attempt, err error) {
	for _, e := range entry.Events {
		for _, effect := range e.Effects {
			if effect.Kind != EffectCallback {
				continue
			}
			var c Callback
			if err := json.Unmarshal(effect.Body, &c); err != nil {
				return nil, fmt.Errorf("read the feed: effect %s: %w", effect.ID, err)
			}
			if c.Merchant == m {
				all = append(all, attemptOf(c, e.At))
			}
		}
		if untold(e) {
			a, ok, err := s.untoldOf(ctx, m, platform.BillID(e.Subject), e.At)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, a)
			}
		}
	}
	return all, nil
}

func attemptOf(c Callback, at time.Time) platform.Attempt {
	var event struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(c.Event, &event) // it is our own
	return platform.Attempt{
		ID: c.ID(), Type: event.Type, Bill: c.Bill, Refund: c.Refund, URL: c.URL, Number: c.Attempt, ByHand: c.ByHand, At: at, Event: c.Event,
	}
}

// noAddress is what the journal says of a bill whose merchant is not called back.
const noAddress = "no callback address"

// untold says whether a step closed a bill of which nobody is told.
func untold(e engine.Event) bool {
	if e.Name != string(bill.Acknowledge) {
		return false
	}
	var told story
	return e.Decode(&told) == nil && told.Detail == noAddress
}

// untoldOf is what a merchant would be told of a bill without a callback address.
func (s *Service) untoldOf(ctx context.Context, m platform.MerchantID, id platform.BillID, at time.Time) (a platform.Attempt, ok bool, err error) {
	if _, err := platform.ParseBillID(string(id)); err != nil {
		return a, false, nil // a refund: the callback of its bill says whether it is told
	}
	kept, err := s.find(ctx, id)
	if isCode(err, platform.CodeNotFound) {
		return a, false, nil // it is in the archive
	}
	if err != nil || kept.Merchant != m {
		return a, false, err
	}
	c := Callback{Merchant: m, Bill: id, Event: body(api.CallbackOf(kept.Bill))}
	return attemptOf(c, at), true, nil
}
