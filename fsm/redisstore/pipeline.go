package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
)

// pipeline is one batch as commands. It is used again and again.
type pipeline struct {
	seq  uint64
	args []any // of all commands, one after the other
	ends []int // where each ends
	text []byte
}

func (l *pipeline) add(args ...any) { l.args = append(l.args, args...) }

func (l *pipeline) end() { l.ends = append(l.ends, len(l.args)) }

// encode writes the batch out as few commands with many values.
func (l *pipeline) encode(h *hold, b *engine.Batch) error {
	clear(l.args)
	l.seq, l.args, l.ends, l.text = b.Seq, l.args[:0], l.ends[:0], l.text[:0]
	if err := l.journal(h, b); err != nil {
		return err
	}
	l.records(h, b)
	l.fields(h, b)
	l.scores(h, b)
	if b.Release {
		l.add("DEL", h.key("lease"))
		l.end()
	}
	return nil
}

// records are MSET, with seq and cursor among them, and DEL.
func (l *pipeline) records(h *hold, b *engine.Batch) {
	l.add("MSET", h.key("seq"), strconv.FormatUint(b.Seq, 10))
	if b.Cursor != "" && b.Cursor != h.cursor {
		l.add(h.key("cursor"), b.Cursor)
	}
	for _, r := range b.Puts {
		l.add(h.key(r.Key), r.Value)
	}
	l.end()
	if len(b.Deletes) == 0 {
		return
	}
	l.add("DEL")
	for _, key := range b.Deletes {
		l.add(h.key(key))
	}
	l.end()
}

// fields are an HSET and an HDEL for each hash.
func (l *pipeline) fields(h *hold, b *engine.Batch) {
	byHash := func(a, b engine.Field) int { return strings.Compare(a.Hash, b.Hash) }
	slices.SortStableFunc(b.Fields, byHash)
	slices.SortStableFunc(b.FieldDeletes, byHash)
	sameHash := func(a, b engine.Field) bool { return a.Hash == b.Hash }
	runs(b.Fields, sameHash, func(run []engine.Field) {
		l.add("HSET", h.key(run[0].Hash))
		for _, f := range run {
			l.add(f.Name, f.Value)
		}
		l.end()
	})
	runs(b.FieldDeletes, sameHash, func(run []engine.Field) {
		l.add("HDEL", h.key(run[0].Hash))
		for _, f := range run {
			l.add(f.Name)
		}
		l.end()
	})
}

// scores are a ZADD and a ZREM for each sorted set, the wake-ups' among them.
func (l *pipeline) scores(h *hold, b *engine.Batch) {
	bySet := func(a, b engine.Score) int { return strings.Compare(a.Set, b.Set) }
	slices.SortStableFunc(b.Scores, bySet)
	slices.SortStableFunc(b.ScoreDeletes, bySet)
	sameSet := func(a, b engine.Score) bool { return a.Set == b.Set }
	runs(b.Scores, sameSet, func(run []engine.Score) {
		l.add("ZADD", h.key(run[0].Set))
		for _, m := range run {
			l.add(m.Score, m.Member)
		}
		l.end()
	})
	runs(b.ScoreDeletes, sameSet, func(run []engine.Score) {
		l.add("ZREM", h.key(run[0].Set))
		for _, m := range run {
			l.add(m.Member)
		}
		l.end()
	})
	l.wakes(h, b)
}

func (l *pipeline) wakes(h *hold, b *engine.Batch) {
	if len(b.Wakes) > 0 {
		l.add("ZADD", h.key(engine.DueSet))
		for _, d := range b.Wakes {
			l.add(d.At.UnixMilli(), d.ID)
		}
		l.end()
	}
	if len(b.NoWakes) > 0 {
		l.add("ZREM", h.key(engine.DueSet))
		for _, id := range b.NoWakes {
			l.add(id)
		}
		l.end()
	}
}

// runs calls each with the stretches of a sorted slice that belong together.
func runs[E any](all []E, same func(a, b E) bool, each func([]E)) {
	for start := 0; start < len(all); {
		end := start + 1
		for end < len(all) && same(all[start], all[end]) {
			end++
		}
		each(all[start:end])
		start = end
	}
}

// journal is an XADD, the first command because it is the only one that could be refused
// for what the store holds.
func (l *pipeline) journal(h *hold, b *engine.Batch) error {
	if len(b.Journal) == 0 {
		return nil
	}
	id := strconv.FormatUint(h.epoch, 10) + "-" + strconv.FormatUint(b.Seq, 10)
	l.add("XADD", h.key("journal"), id)
	for _, event := range b.Journal {
		start := len(l.text)
		text, err := event.AppendText(l.text)
		if err != nil {
			return fmt.Errorf("journal %s of %s: %w", event.Name, event.Subject, err)
		}
		l.text = text
		l.add(event.Name, text[start:len(text):len(text)])
	}
	l.end()
	return nil
}

// send sends the batch once, and watches for the next. The error is a redis.Error when
// the server surely did not run it; after any other it may have.
func (l *pipeline) send(ctx context.Context, h *hold) (in bool, err error) {
	pipe := h.conn.Pipeline()
	pipe.Do(ctx, "MULTI")
	start := 0
	for _, end := range l.ends {
		pipe.Do(ctx, l.args[start:end:end]...)
		start = end
	}
	exec := pipe.Do(ctx, "EXEC")
	watch := pipe.Do(ctx, "WATCH", h.key("fence"), h.key("seq"))
	if fault.Planted(fault.NoFence) {
		pipe.Do(ctx, "UNWATCH")
	}
	now := pipe.Do(ctx, "MGET", h.key("fence"), h.key("seq"))
	commands, err := pipe.Exec(ctx)
	done, execErr := exec.Slice()
	if execErr != nil {
		return false, why(execErr, commands)
	}
	if err := failed(done); err != nil {
		return false, err
	}
	fence, seq, nowErr := standing(now)
	if fault.Planted(fault.NoFence) {
		fence = h.epoch
	}
	if err != nil || watch.Err() != nil || nowErr != nil || fence != h.epoch || seq != l.seq {
		h.drop() // it is in; the next batch finds out where things stand
	}
	return true, nil
}

// why puts the reason for an EXECABORT, the command that was not queued, in its place.
func why(err error, commands []redis.Cmder) error {
	if _, refused := errors.AsType[redis.Error](err); !refused || errors.Is(err, redis.Nil) {
		return err
	}
	for _, c := range commands {
		if first := c.Err(); first != nil {
			return fmt.Errorf("%s: %w", c.Name(), first)
		}
	}
	return err
}

// failed looks for a command that failed inside EXEC: the others were done all the same.
func failed(done []any) error {
	for _, reply := range done {
		if err, ok := reply.(error); ok {
			return fmt.Errorf("%w: a command failed inside a batch that was done in part: %w", engine.ErrBroken, err)
		}
	}
	return nil
}
