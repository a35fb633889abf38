package redisstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

var _ engine.SharedStore = (*Store)(nil)

// lease is what a partition says of its owner. Its epoch and its last batch are beside
// it, in fence and seq.
type lease struct {
	Owner   string `json:"owner"`
	Address string `json:"address,omitempty"`
}

func (l lease) text() string {
	text, err := json.Marshal(l)
	if err != nil {
		panic(fmt.Sprintf("redisstore: encode a lease: %v", err)) // two texts can be encoded
	}
	return string(text)
}

// parseLease reads the answer to MGET fence seq lease.
func parseLease(values []any) (l engine.Lease, err error) {
	if len(values) != 3 {
		return l, fmt.Errorf("%w: fence, seq and lease are %v", engine.ErrBroken, values)
	}
	if l.Epoch, err = number(values[0]); err != nil {
		return l, err
	}
	if l.Seq, err = number(values[1]); err != nil {
		return l, err
	}
	text, ok := values[2].(string)
	if !ok {
		return l, nil // nobody's
	}
	var kept lease
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return l, fmt.Errorf("%w: the lease is %q", engine.ErrBroken, text)
	}
	l.Owner, l.Address = kept.Owner, kept.Address
	return l, nil
}

// ID is the name under which the store takes partitions.
func (s *Store) ID() string { return s.owner }

// Leases reads who has what, by partition.
func (s *Store) Leases(ctx context.Context) ([]engine.Lease, error) {
	pipe := s.reader.Pipeline()
	answers := make([]*redis.SliceCmd, s.partitions)
	for n := range answers {
		tag := prefix(engine.Partition(n))
		answers[n] = pipe.MGet(ctx, tag+"fence", tag+"seq", tag+"lease")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read the leases: %w", err)
	}
	leases := make([]engine.Lease, len(answers))
	for n, a := range answers {
		var err error
		if leases[n], err = parseLease(a.Val()); err != nil {
			return nil, fmt.Errorf("read the lease of %s: %w", engine.Partition(n), err)
		}
	}
	return leases, nil
}

const membersKey = "airtill:members"

// member is an engine that shares the store, as it is kept.
type member struct {
	Address string `json:"address"`
	Beat    uint64 `json:"beat"`
}

// Members reads who takes part.
func (s *Store) Members(ctx context.Context) (map[string]engine.Member, error) {
	fields, err := s.reader.HGetAll(ctx, membersKey).Result()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", membersKey, err)
	}
	all := make(map[string]engine.Member, len(fields))
	for id, text := range fields {
		var m member
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return nil, fmt.Errorf("%w: %s has %q for %s", engine.ErrBroken, membersKey, text, id)
		}
		all[id] = engine.Member(m)
	}
	return all, nil
}

// Join says that the store's engine takes part, and again that it lives.
func (s *Store) Join(ctx context.Context, m engine.Member) error {
	text, err := json.Marshal(member(m))
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := s.reader.HSet(ctx, membersKey, s.owner, text).Err(); err != nil { // sent twice it says the same
		return fmt.Errorf("write %s: %w", membersKey, err)
	}
	return nil
}

// Leave takes a member off the list.
func (s *Store) Leave(ctx context.Context, id string) error {
	if err := s.reader.HDel(ctx, membersKey, id).Err(); err != nil {
		return fmt.Errorf("write %s: %w", membersKey, err)
	}
	return nil
}

// TakeOver takes a partition whose lease is what was seen.
func (s *Store) TakeOver(ctx context.Context, p engine.Partition, seen engine.Lease, address string) (engine.Hold, error) {
	return s.takeIf(ctx, p, claim{
		lease:   lease{Owner: s.owner, Address: address},
		watched: []string{"fence", "lease", "seq"}, // no batch of the owner's may come in between
		may: func(now engine.Lease) error {
			if now != seen {
				return fmt.Errorf("%w: it has moved: %q, epoch %d", engine.ErrFenced, now.Owner, now.Epoch)
			}
			return nil
		},
	})
}

// claim is how a partition is taken.
type claim struct {
	lease                            // to come
	watched []string                 // keys that nobody may write meanwhile
	may     func(engine.Lease) error // says why the lease that there is must stay
}

// look watches what the claim says on the hold's line, and reads the lease.
func (h *hold) look(ctx context.Context, watched []string) (engine.Lease, error) {
	names := []string{"WATCH"}
	for _, name := range watched {
		names = append(names, h.key(name))
	}
	var c commands
	c.add(names...)
	c.add("MGET", h.key("fence"), h.key("seq"), h.key("lease"))
	answers, err := h.line.ask(ctx, c)
	if err == nil {
		err = firstRefusal(answers)
	}
	if err != nil {
		return engine.Lease{}, err
	}
	values, _ := answers[1].([]any)
	if len(values) > 0 && values[0] == nil {
		return engine.Lease{}, lost(h.number)
	}
	return parseLease(values)
}

// Mark keeps a text under a name for the store's life, and answers the one that is kept:
// the first.
func (s *Store) Mark(ctx context.Context, name, text string) (kept string, err error) {
	key := "airtill:" + name
	if err := s.reader.SetNX(ctx, key, text, 0).Err(); err != nil {
		return "", fmt.Errorf("write %s: %w", key, err)
	}
	if kept, err = s.reader.Get(ctx, key).Result(); err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return kept, nil
}
