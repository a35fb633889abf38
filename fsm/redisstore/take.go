package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/airtill/airtill/fsm/engine"
)

// hold is an engine.Hold.
type hold struct {
	*reader
	store  *Store
	number engine.Partition
	line   *line // watches fence and seq; nil when that is not sure
	epoch  uint64
	seq    uint64
	cursor string
	chain  chain // of the last entry that is in
	batch  pipeline
}

func (h *hold) Epoch() uint64  { return h.epoch }
func (h *hold) Seq() uint64    { return h.seq }
func (h *hold) Cursor() string { return h.cursor }

// Close lets go of the line.
func (h *hold) Close() error {
	if h.line == nil {
		return nil
	}
	err := h.line.close()
	h.line = nil
	return err
}

// drop closes a line that cannot be relied on any more, and has it looked up anew
// who has the partition.
func (h *hold) drop() {
	_ = h.Close() // it is given up; how it closes does not matter
	h.store.lookAgain()
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
	var err error
	if h.line, err = h.store.connect(ctx, h.number); err != nil {
		return err
	}
	before, err := h.look(ctx, c.watched)
	if err != nil {
		return err
	}
	if err := c.may(before); err != nil {
		return err
	}
	var raise commands
	raise.add("MULTI")
	raise.add("INCR", h.key("fence"))
	raise.add("SET", h.key("lease"), c.text())
	raise.add("EXEC")
	raise.add("WATCH", h.key("fence"), h.key("seq"))
	raise.add("MGET", h.key("fence"), h.key("seq"), h.key("cursor"), h.key("chain"))
	answers, err := h.line.ask(ctx, raise)
	if err == nil {
		err = firstRefusal(answers)
	}
	switch {
	case len(answers) > 3 && answers[3] == nil:
		return fmt.Errorf("%w at the same moment", engine.ErrFenced)
	case err != nil:
		return err
	}
	done, ok := answers[3].([]any)
	if !ok || len(done) != 2 {
		return fmt.Errorf("%w: EXEC answers %v", engine.ErrBroken, answers[3])
	}
	raised, _ := done[0].(int64)
	h.epoch = uint64(raised)
	return h.begin(answers[5])
}

// begin notes where the partition's writer goes on.
func (h *hold) begin(now any) error {
	values, ok := now.([]any)
	if !ok || len(values) != 4 {
		return fmt.Errorf("%w: fence, seq, cursor and chain are %v", engine.ErrBroken, now)
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
	head, _ := values[3].(string)
	h.chain, err = parseChain(head)
	return err
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
