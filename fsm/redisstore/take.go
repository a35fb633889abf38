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

// drop closes a connection that cannot be relied on any more, and has it looked up anew
// who has the partition.
func (h *hold) drop() {
	_ = h.Close() // it is given up; how it closes does not matter
	h.store.lookAgain()
}

// Take raises the fence.
func (s *Store) Take(ctx context.Context, p engine.Partition) (engine.Hold, error) {
	if p < 0 || int(p) >= s.partitions {
		return nil, fmt.Errorf("redisstore: there is no partition %d", int(p))
	}
	h := &hold{reader: s.read(p), store: s, number: p}
	err := h.take(ctx)
	if err != nil {
		h.drop()
		return nil, fmt.Errorf("take %s: %w", p, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[p] = true
	return h, nil
}

func (h *hold) take(ctx context.Context) error {
	conn, err := h.store.conn(ctx, h.number)
	if err != nil {
		return err
	}
	h.conn = conn
	if err := h.mayTake(ctx); err != nil {
		return err
	}
	pipe := conn.Pipeline()
	pipe.Do(ctx, "MULTI")
	pipe.Do(ctx, "INCR", h.key("fence"))
	pipe.Do(ctx, "SET", h.key("owner"), h.store.owner)
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

// mayTake refuses to take a partition back from another owner who took it from us.
func (h *hold) mayTake(ctx context.Context) error {
	pipe := h.conn.Pipeline()
	pipe.Do(ctx, "UNWATCH") // what another partition's writer left watched on it
	pipe.Do(ctx, "WATCH", h.key("fence"), h.key("owner"))
	get := pipe.Do(ctx, "GET", h.key("owner"))
	fence := pipe.Do(ctx, "GET", h.key("fence"))
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	owner, err := get.Text()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	if errors.Is(fence.Err(), redis.Nil) {
		return lost(h.number)
	}
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	if h.store.held[h.number] && owner != h.store.owner {
		return fmt.Errorf("%w: it belongs to %q now", engine.ErrFenced, owner)
	}
	return nil
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
