package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// hold is an engine.Hold.
type hold struct {
	*reader
	store  *Store
	number engine.Partition
	conn   *redis.Conn // watches fence and seq; nil when that is not sure
	epoch  uint64
	seq    uint64
	cursor string
	line   pipeline
}

func (h *hold) Epoch() uint64  { return h.epoch }
func (h *hold) Seq() uint64    { return h.seq }
func (h *hold) Cursor() string { return h.cursor }

// Close lets go of the connection.
func (h *hold) Close() error {
	if h.conn == nil {
		return nil
	}
	err := h.conn.Close()
	h.conn = nil
	return err
}

// drop closes a connection that cannot be relied on any more.
func (h *hold) drop() {
	_ = h.Close() // it is given up; how it closes does not matter
}

// Take raises the fence, unless this store had the partition before and another has now.
func (s *Store) Take(ctx context.Context, p engine.Partition) (engine.Hold, error) {
	return s.takeIf(ctx, p, claim{
		lease:   lease{Owner: s.owner},
		watched: []string{"fence", "lease"},
		may: func(now engine.Lease) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.held[p] && now.Owner != s.owner {
				return fmt.Errorf("%w: it belongs to %q now", engine.ErrFenced, now.Owner)
			}
			return nil
		},
	})
}

// takeIf takes a partition if its lease may be replaced.
func (s *Store) takeIf(ctx context.Context, p engine.Partition, c claim) (engine.Hold, error) {
	if p < 0 || int(p) >= s.partitions {
		return nil, fmt.Errorf("redisstore: there is no partition %d", int(p))
	}
	h := &hold{reader: s.read(p), store: s, number: p}
	err := h.take(ctx, c)
	if err != nil {
		h.drop()
		return nil, fmt.Errorf("take %s: %w", p, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[p] = true
	return h, nil
}

func (h *hold) take(ctx context.Context, c claim) error {
	conn, err := h.store.conn(ctx, h.number)
	if err != nil {
		return err
	}
	h.conn = conn
	before, err := h.look(ctx, c.watched)
	if err != nil {
		return err
	}
	if err := c.may(before); err != nil {
		return err
	}
	pipe := conn.Pipeline()
	pipe.Do(ctx, "MULTI")
	pipe.Do(ctx, "INCR", h.key("fence"))
	pipe.Do(ctx, "SET", h.key("lease"), c.text())
	exec := pipe.Do(ctx, "EXEC")
	watch := pipe.Do(ctx, "WATCH", h.key("fence"), h.key("seq"))
	now := pipe.Do(ctx, "MGET", h.key("fence"), h.key("seq"), h.key("cursor"))
	_, err = pipe.Exec(ctx)
	switch {
	case errors.Is(exec.Err(), redis.Nil):
		return fmt.Errorf("%w at the same moment", engine.ErrFenced)
	case err != nil:
		return err
	case watch.Err() != nil:
		return watch.Err()
	}
	done, err := exec.Slice()
	if err != nil || len(done) != 2 {
		return fmt.Errorf("raise the fence: %v (%w)", done, err)
	}
	raised, _ := done[0].(int64)
	h.epoch = uint64(raised)
	return h.begin(now)
}

// begin notes where the partition's writer goes on.
func (h *hold) begin(now *redis.Cmd) error {
	values, err := now.Slice()
	if err != nil || len(values) != 3 {
		return fmt.Errorf("read fence, seq and cursor: %v (%w)", values, err)
	}
	fence, err := number(values[0])
	if err != nil {
		return err
	}
	if fence != h.epoch {
		return engine.ErrFenced
	}
	if h.seq, err = number(values[1]); err != nil {
		return err
	}
	h.cursor, _ = values[2].(string)
	return nil
}

// number reads a count as Redis answers it; absent is 0.
func number(v any) (uint64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case string:
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", engine.ErrBroken, err)
		}
		return n, nil
	}
	return 0, fmt.Errorf("%w: a number is %v", engine.ErrBroken, v)
}
