package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
)

// The pause before a commit is tried again, doubling.
const (
	pauseMin = 10 * time.Millisecond
	pauseMax = 500 * time.Millisecond
)

// Commit writes the batch after Seq. Only when an answer is lost, or when the server
// would not run it, is there more to do than to send it once.
func (h *hold) Commit(ctx context.Context, b *engine.Batch) error {
	if b.Seq != h.seq+1 {
		return fmt.Errorf("commit batch %d after %d: %w", b.Seq, h.seq, engine.ErrBroken)
	}
	if err := h.batch.encode(h, b); err != nil {
		return err
	}
	sent := false // a copy may have been run, or may yet come
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		in, err := h.attempt(ctx, b.Seq, &sent)
		if in {
			h.seq, h.chain = b.Seq, h.batch.chain
			if b.Cursor != "" {
				h.cursor = b.Cursor
			}
			return nil
		}
		if final(err) {
			return err
		}
		if outcomeOf(err) == refused || h.store.closed.Load() || !wait(ctx, pause) {
			return givenUp(sent, err)
		}
	}
}

// final says that trying again would not help.
func final(err error) bool {
	return errors.Is(err, engine.ErrFenced) || errors.Is(err, engine.ErrDoubt) || errors.Is(err, engine.ErrBroken)
}

// givenUp is for a batch that ctx left no more time for.
func givenUp(sent bool, err error) error {
	if sent {
		return fmt.Errorf("%w: %w", engine.ErrDoubt, err)
	}
	return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt finds out where the partition stands if that is not sure, and sends the batch
// if it is not in.
func (h *hold) attempt(ctx context.Context, seq uint64, sent *bool) (in bool, err error) {
	if h.line == nil {
		if in, err = h.resolve(ctx, seq, *sent); in || err != nil {
			return in, err
		}
	}
	in, err = h.batch.send(ctx, h)
	if err != nil {
		*sent = *sent || outcomeOf(err) == unknown
		h.drop()
	}
	return in, err
}

// resolve connects anew, watches, and reads what became of the batch.
func (h *hold) resolve(ctx context.Context, seq uint64, sent bool) (in bool, err error) {
	fence, last, err := h.watch(ctx)
	if err != nil {
		h.drop()
		return false, err
	}
	switch {
	case fence < h.epoch || last+1 < seq:
		return false, fmt.Errorf("%w: the store has lost what it had acknowledged: it is at batch %d in epoch %d, its writer at %d in %d",
			engine.ErrDoubt, last, fence, seq-1, h.epoch)
	case fence != h.epoch && sent:
		return false, fmt.Errorf("%w, in epoch %d; %w", engine.ErrFenced, fence, engine.ErrDoubt)
	case fence != h.epoch:
		return false, fmt.Errorf("%w, in epoch %d", engine.ErrFenced, fence)
	case last == seq && sent:
		return true, nil
	case last == seq-1:
		return false, nil
	}
	return false, fmt.Errorf("%w: the store is at batch %d, its writer at %d", engine.ErrDoubt, last, seq-1)
}

// watch makes a new line and watches fence and seq on it.
func (h *hold) watch(ctx context.Context) (fence, seq uint64, err error) {
	if h.line, err = h.store.connect(ctx, h.number); err != nil {
		return 0, 0, err
	}
	var c commands
	h.addWatch(&c)
	answers, err := h.line.ask(ctx, c)
	if err == nil {
		err = firstRefusal(answers)
	}
	if err != nil {
		return 0, 0, err
	}
	return standing(answers[len(answers)-1])
}

// addWatch adds what watches fence and seq, and reads them.
func (h *hold) addWatch(c *commands) {
	c.add("WATCH", h.key("fence"), h.key("seq"))
	if fault.Planted(fault.NoFence) {
		c.add("UNWATCH")
	}
	c.add("MGET", h.key("fence"), h.key("seq"))
}

// standing reads the answer to MGET fence seq.
func standing(now any) (fence, seq uint64, err error) {
	values, ok := now.([]any)
	if !ok || len(values) != 2 {
		return 0, 0, fmt.Errorf("%w: fence and seq are %v", engine.ErrBroken, now)
	}
	if fence, err = number(values[0]); err != nil {
		return 0, 0, err
	}
	seq, err = number(values[1])
	return fence, seq, err
}
