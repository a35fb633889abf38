package redisstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/gateway/msgstore"
)

const (
	livePage  = 1024 // live records read at once, about
	entryPage = 4    // entries of finished ones
)

// Load implements msgstore.Store. It holds one page at a time, and the keys.
func (s *Store) Load(ctx context.Context) iter.Seq2[msgstore.Record, error] {
	return func(yield func(msgstore.Record, error) bool) {
		if s.loadFinished(ctx, yield) {
			s.loadLive(ctx, yield)
		}
	}
}

// loadLive scans the hash, which may show a record twice.
func (s *Store) loadLive(ctx context.Context, yield func(msgstore.Record, error) bool) (more bool) {
	seen := make(map[string]struct{})
	for cursor := uint64(0); ; {
		page, next, err := s.client.HScan(ctx, s.key("live"), cursor, "", livePage).Result()
		if err != nil {
			yield(msgstore.Record{}, fmt.Errorf("load %s: %w", s.key("live"), err))
			return false
		}
		for ; len(page) >= 2; page = page[2:] {
			if _, twice := seen[page[0]]; twice {
				continue
			}
			seen[page[0]] = struct{}{}
			r, err := decode(page[0], page[1])
			if !yield(r, err) || err != nil {
				return false
			}
		}
		if cursor = next; cursor == 0 {
			return true
		}
	}
}

func decode(key, text string) (msgstore.Record, error) {
	r, err := msgstore.Decode(key, text)
	if err != nil {
		return msgstore.Record{}, fmt.Errorf("%w: %w", msgstore.ErrBroken, err)
	}
	return r, nil
}

// loadFinished reads the stream, and notes what entries there are.
func (s *Store) loadFinished(ctx context.Context, yield func(msgstore.Record, error) bool) (more bool) {
	s.shelf = shelf{last: s.shelf.last}
	for from := "-"; ; {
		page, err := s.client.XRangeN(ctx, s.key("finished"), from, "+", entryPage).Result()
		if err != nil {
			yield(msgstore.Record{}, fmt.Errorf("load %s: %w", s.key("finished"), err))
			return false
		}
		for _, m := range page {
			if !s.loadEntry(m, yield) {
				return false
			}
			from = "(" + m.ID
		}
		if len(page) < entryPage {
			return true
		}
	}
}

func (s *Store) loadEntry(m redis.XMessage, yield func(msgstore.Record, error) bool) (more bool) {
	var at time.Time
	for key, value := range m.Values {
		text, _ := value.(string)
		r, err := decode(key, text)
		if !yield(r, err) || err != nil {
			return false
		}
		if r.Done.After(at) {
			at = r.Done
		}
	}
	s.shelf.add(entry{m.ID, at, len(m.Values)})
	return true
}
