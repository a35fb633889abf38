package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// copying is a copy in the making.
type copying struct {
	client   redis.UniversalClient
	options  Options
	out      *writer
	journals []journal // by partition
	marks    []Mark
}

// journal is how far one is copied.
type journal struct {
	first, last string // entries
	entries     int
}

// page is how much is read at once.
const page = 1000

// masters calls each with every server that has keys, one after the other.
func (c *copying) masters(ctx context.Context, each func(context.Context, *redis.Client) error) error {
	servers, err := serversOf(ctx, c.client)
	for i := 0; err == nil && i < len(servers); i++ {
		err = each(ctx, servers[i])
	}
	return err
}

func serversOf(ctx context.Context, client redis.UniversalClient) ([]*redis.Client, error) {
	switch client := client.(type) {
	case *redis.Client:
		return []*redis.Client{client}, nil
	case *redis.ClusterClient:
		var mu sync.Mutex
		var all []*redis.Client
		err := client.ForEachMaster(ctx, func(_ context.Context, m *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, m)
			return nil
		})
		return all, err
	}
	return nil, fmt.Errorf("no keys can be listed on a %T", client)
}

// pause holds writers back. A server that knows no pause is not paused: what it costs is
// another try.
func (c *copying) pause(ctx context.Context) (resume func()) {
	say := func(args ...any) func(context.Context) {
		return func(ctx context.Context) {
			_ = c.masters(ctx, func(ctx context.Context, m *redis.Client) error {
				_ = m.Do(ctx, args...).Err() // see above; the pause also ends by itself
				return nil
			})
		}
	}
	say("CLIENT", "PAUSE", c.options.Pause.Milliseconds(), "WRITE")(ctx)
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		say("CLIENT", "UNPAUSE")(ctx)
	}
}

// readMarks reads where the partitions stand.
func (c *copying) readMarks(ctx context.Context) ([]Mark, error) {
	pipe := c.client.Pipeline()
	asked := make([]*redis.SliceCmd, len(c.journals))
	for n := range c.journals {
		asked[n] = pipe.MGet(ctx, prefix(n)+"seq", prefix(n)+"fence", prefix(n)+"chain")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read where the partitions stand: %w", err)
	}
	marks := make([]Mark, len(asked))
	for n, cmd := range asked {
		values := cmd.Val()
		text := func(i int) string { s, _ := values[i].(string); return s }
		marks[n] = Mark{Seq: text(0), Fence: text(1), Chain: text(2)}
	}
	return marks, nil
}

// copyJournals copies the entries that are not copied yet.
func (c *copying) copyJournals(ctx context.Context) error {
	for n := range c.journals {
		if err := c.copyJournal(ctx, prefix(n)+"journal", &c.journals[n]); err != nil {
			return err
		}
	}
	return nil
}

func (c *copying) copyJournal(ctx context.Context, key string, j *journal) error {
	from := "-"
	if j.last != "" {
		from = "(" + j.last
	}
	for {
		entries, err := c.client.Do(ctx, "XRANGE", key, from, "+", "COUNT", page).Slice()
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		for _, entry := range entries {
			args, err := entryArgs(entry)
			if err != nil {
				return fmt.Errorf("read %s: %w", key, err)
			}
			if j.first == "" {
				j.first = args[0]
			}
			j.last = args[0]
			j.entries++
			c.out.command(append([]string{"XADD", key}, args...)...)
		}
		if len(entries) < page {
			return c.sameBeginning(ctx, key, j)
		}
		from = "(" + j.last
	}
}

// entryArgs are an entry's id and fields.
func entryArgs(entry any) ([]string, error) {
	pair, _ := entry.([]any)
	if len(pair) != 2 {
		return nil, fmt.Errorf("an entry is %v", entry)
	}
	fields, _ := pair[1].([]any)
	args := make([]string, 0, 1+len(fields))
	for _, v := range append([]any{pair[0]}, fields...) {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("entry %v has a field %v", pair[0], v)
		}
		args = append(args, text)
	}
	return args, nil
}

// sameBeginning makes sure that a journal was not cut off in front meanwhile.
func (c *copying) sameBeginning(ctx context.Context, key string, j *journal) error {
	entries, err := c.client.XRangeN(ctx, key, "-", "+", 1).Result()
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if len(entries) > 0 && entries[0].ID != j.first {
		return fmt.Errorf("%w: %s was trimmed meanwhile; try again", ErrBusy, key)
	}
	return nil
}

// kinds are the types of keys that a store has, besides journals.
func kinds() []string { return []string{"string", "hash", "zset"} }

// copyKeys copies all keys of partitions but the journals.
func (c *copying) copyKeys(ctx context.Context) error {
	return c.masters(ctx, func(ctx context.Context, m *redis.Client) error {
		for _, kind := range kinds() {
			scan := m.ScanType(ctx, 0, "{p*", page, kind).Iterator()
			var keys []string
			for scan.Next(ctx) {
				if copied(scan.Val()) {
					keys = append(keys, scan.Val())
				}
				if len(keys) >= page {
					if err := c.copyAll(ctx, m, kind, keys); err != nil {
						return err
					}
					keys = keys[:0]
				}
			}
			if err := scan.Err(); err != nil {
				return fmt.Errorf("list keys: %w", err)
			}
			if err := c.copyAll(ctx, m, kind, keys); err != nil {
				return err
			}
		}
		return nil
	})
}

// copied says whether a key belongs in a copy: who has a partition at the moment does not.
func copied(key string) bool {
	_, ours := partitionOf(key)
	_, name, _ := strings.Cut(key, ":")
	return ours && name != "lease"
}

func (c *copying) copyAll(ctx context.Context, m *redis.Client, kind string, keys []string) error {
	if kind == "string" {
		return c.copyTexts(ctx, m, keys)
	}
	each := c.copyHash
	if kind == "zset" {
		each = c.copySet
	}
	for _, key := range keys {
		if err := each(ctx, m, key); err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
	}
	return nil
}

// copyTexts copies text records, those of a partition together.
func (c *copying) copyTexts(ctx context.Context, m *redis.Client, keys []string) error {
	byPartition := make(map[string][]string)
	for _, key := range keys {
		tag, _ := partitionOf(key)
		byPartition[tag] = append(byPartition[tag], key)
	}
	for _, keys := range byPartition {
		values, err := m.MGet(ctx, keys...).Result()
		if err != nil {
			return fmt.Errorf("read %s and %d more: %w", keys[0], len(keys)-1, err)
		}
		pairs := make([]string, 0, 2*len(keys))
		for i, v := range values {
			if text, ok := v.(string); ok { // it may be gone
				pairs = append(pairs, keys[i], text)
			}
		}
		c.out.many([]string{"MSET"}, pairs, 2)
	}
	return nil
}

func (c *copying) copyHash(ctx context.Context, m *redis.Client, key string) error {
	for cursor := uint64(0); ; {
		fields, next, err := m.HScan(ctx, key, cursor, "", page).Result()
		if err != nil {
			return err
		}
		c.out.many([]string{"HSET", key}, fields, 2)
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

func (c *copying) copySet(ctx context.Context, m *redis.Client, key string) error {
	for start := 0; ; start += page {
		members, err := m.Do(ctx, "ZRANGE", key, start, start+page-1, "WITHSCORES").StringSlice()
		if err != nil {
			return err
		}
		for pair := range slices.Chunk(members, 2) {
			pair[0], pair[1] = pair[1], pair[0] // ZADD has the score first
		}
		c.out.many([]string{"ZADD", key}, members, 2)
		if len(members) < 2*page {
			return nil
		}
	}
}
