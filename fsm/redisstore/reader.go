package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// reader is an engine.Reader.
type reader struct {
	client redis.UniversalClient
	prefix string
}

// Read answers a reader of what is committed.
func (s *Store) Read(p engine.Partition) engine.Reader { return s.read(p) }

func (s *Store) read(p engine.Partition) *reader { return &reader{client: s.reader, prefix: prefix(p)} }

func (r *reader) key(name string) string { return r.prefix + name }

// Get reads text records.
func (r *reader) Get(ctx context.Context, keys ...string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = r.key(key)
	}
	values, err := r.client.MGet(ctx, names...).Result()
	if err != nil {
		return nil, fmt.Errorf("get %s and %d more: %w", names[0], len(names)-1, err)
	}
	return textsOf(values), nil
}

// textsOf are values as Redis answers them; absent is "".
func textsOf(values []any) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i], _ = v.(string)
	}
	return texts
}

// Pick reads some fields of a hash.
func (r *reader) Pick(ctx context.Context, hash string, fields ...string) ([]string, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	values, err := r.client.HMGet(ctx, r.key(hash), fields...).Result()
	if err != nil {
		return nil, fmt.Errorf("get %d fields of %s: %w", len(fields), r.key(hash), err)
	}
	return textsOf(values), nil
}

// Field reads one field of a hash.
func (r *reader) Field(ctx context.Context, hash, field string) (string, bool, error) {
	value, err := r.client.HGet(ctx, r.key(hash), field).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("get field %s of %s: %w", field, r.key(hash), err)
	}
	return value, true, nil
}

// Fields reads a whole hash.
func (r *reader) Fields(ctx context.Context, hash string) (map[string]string, error) {
	fields, err := r.client.HGetAll(ctx, r.key(hash)).Result()
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", r.key(hash), err)
	}
	return fields, nil
}

// Members lists members of a sorted set.
func (r *reader) Members(ctx context.Context, set string, q engine.Range) ([]string, error) {
	members, err := r.client.ZRangeArgs(ctx, r.rangeArgs(set, q)).Result()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", r.key(set), err)
	}
	return members, nil
}

func (r *reader) rangeArgs(set string, q engine.Range) redis.ZRangeArgs {
	args := redis.ZRangeArgs{Key: r.key(set), Rev: q.Reverse, Count: int64(q.Limit)}
	if q.Limit == 0 {
		args.Count = -1 // LIMIT 0 -1 is all
	}
	switch {
	case q.ByScore:
		args.ByScore, args.Start, args.Stop = true, q.Min, q.Max
	case q.After != "" && q.Reverse:
		args.ByLex, args.Start, args.Stop = true, "-", "("+q.After
	case q.After != "":
		args.ByLex, args.Start, args.Stop = true, "("+q.After, "+"
	default:
		args.Start, args.Stop, args.Count = 0, int64(q.Limit)-1, 0 // by rank there is no LIMIT
		return args
	}
	if q.Reverse {
		args.Start, args.Stop = args.Stop, args.Start
	}
	return args
}

// Journal lists entries.
func (r *reader) Journal(ctx context.Context, from, to string, limit int) ([]engine.Entry, error) {
	args := []any{"XRANGE", r.key("journal"), from, to}
	if limit > 0 {
		args = append(args, "COUNT", limit)
	}
	replies, err := r.client.Do(ctx, args...).Slice()
	if err != nil {
		return nil, fmt.Errorf("read %s from %s to %s: %w", r.key("journal"), from, to, err)
	}
	entries := make([]engine.Entry, 0, len(replies))
	for _, reply := range replies {
		entry, err := parseEntry(reply)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", r.key("journal"), err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// parseEntry reads an id, its events, whose names may come more than once, and its chain.
func parseEntry(reply any) (engine.Entry, error) {
	pair, _ := reply.([]any)
	if len(pair) != 2 {
		return engine.Entry{}, fmt.Errorf("an entry is %v", reply)
	}
	id, _ := pair[0].(string)
	fields, _ := pair[1].([]any)
	fields, chain := cutChain(fields)
	entry := engine.Entry{ID: id, Chain: chain}
	for ; len(fields) >= 2; fields = fields[2:] {
		name, _ := fields[0].(string)
		text, _ := fields[1].(string)
		event, err := engine.ParseEvent(name, text)
		if err != nil {
			return engine.Entry{}, fmt.Errorf("entry %s: %w", id, err)
		}
		entry.Events = append(entry.Events, event)
		if chain != "" {
			entry.Texts = append(entry.Texts, text)
		}
	}
	return entry, nil
}

// wakesPage is how many wake-ups are read at once.
const wakesPage = 5000

// Wakes lists the wake-ups that are kept.
func (h *hold) Wakes(ctx context.Context) ([]engine.Due, error) {
	var all []engine.Due
	for {
		start := int64(len(all))
		page, err := h.client.ZRangeWithScores(ctx, h.key(engine.DueSet), start, start+wakesPage-1).Result()
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", h.key(engine.DueSet), err)
		}
		for _, z := range page {
			id, _ := z.Member.(string)
			all = append(all, engine.Due{ID: id, At: time.UnixMilli(int64(z.Score)).UTC()})
		}
		if len(page) < wakesPage {
			return all, nil
		}
	}
}
