package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/gateway/msgstore"
)

// Commit implements msgstore.Store.
func (s *Store) Commit(ctx context.Context, b *msgstore.Batch) error {
	in, err := s.resolve(ctx)
	if err == nil && !in {
		err = s.send(ctx, b)
	}
	if err != nil {
		s.drop()
		return fmt.Errorf("keep batch %d: %w", s.seq+1, err)
	}
	s.seq++
	s.doubt = false
	s.shelf.put(s.epoch, b)
	return nil
}

// resolve connects anew where that is not sure, and finds out whether the batch that was
// sent before is in.
func (s *Store) resolve(ctx context.Context) (in bool, err error) {
	if s.conn != nil {
		return false, nil
	}
	if err := s.connect(ctx); err != nil {
		return false, err
	}
	fence, seq, err := s.watch(ctx)
	switch {
	case err != nil:
		return false, err
	case fence != s.epoch:
		return false, fmt.Errorf("%w, in epoch %d", msgstore.ErrFenced, fence)
	case seq == s.seq:
		return false, nil
	case seq == s.seq+1 && s.doubt:
		return true, nil
	}
	return false, fmt.Errorf("%w: it is at batch %d, its writer at %d", msgstore.ErrBroken, seq, s.seq)
}

// send sends the batch once, and watches for the next.
func (s *Store) send(ctx context.Context, b *msgstore.Batch) error {
	pipe := s.conn.Pipeline()
	pipe.Do(ctx, "MULTI")
	s.write(ctx, pipe, b)
	exec := pipe.Do(ctx, "EXEC")
	now := s.watchIn(ctx, pipe)
	s.doubt = true
	commands, err := pipe.Exec(ctx)
	clear(s.args)
	done, execErr := exec.Slice()
	if execErr != nil {
		return why(execErr, commands)
	}
	for _, reply := range done {
		if failed, ok := reply.(error); ok {
			return fmt.Errorf("%w: a command failed inside a batch that was done in part: %w", msgstore.ErrBroken, failed)
		}
	}
	fence, seq, nowErr := standing(now)
	if err != nil || nowErr != nil || fence != s.epoch || seq != s.seq+1 {
		s.drop() // it is in; the next batch finds out where things stand
	}
	return nil
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

// write writes the batch out as few commands with many values. The order among them does
// not matter, since a key lives once.
func (s *Store) write(ctx context.Context, pipe redis.Pipeliner, b *msgstore.Batch) {
	s.args = s.args[:0]
	do := func(from int) { pipe.Do(ctx, s.args[from:len(s.args):len(s.args)]...) }
	s.add("SET", s.key("seq"), strconv.FormatUint(s.seq+1, 10))
	do(0)
	start := s.begin("HSET", s.key("live"))
	for c := range b.Puts() {
		s.add(c.Key, c.Value)
	}
	if len(s.args) > start+2 {
		do(start)
	}
	start = s.begin("HDEL", s.key("live"))
	for c := range b.Finished() {
		s.add(c.Key)
	}
	for c := range b.Removed() {
		s.add(c.Key)
	}
	if len(s.args) > start+2 {
		do(start)
	}
	s.finish(b, do)
}

func (s *Store) add(args ...any) { s.args = append(s.args, args...) }

// begin starts a command, and says where.
func (s *Store) begin(args ...any) int {
	start := len(s.args)
	s.add(args...)
	return start
}

// finish adds finished records to the stream, and takes old ones off.
func (s *Store) finish(b *msgstore.Batch, do func(int)) {
	n, start := 0, 0
	for c := range b.Finished() {
		if n%perEntry == 0 {
			if n > 0 {
				do(start)
			}
			start = s.begin("XADD", s.key("finished"), s.shelf.id(s.epoch, n/perEntry))
		}
		s.add(c.Key, c.Value)
		n++
	}
	if n > 0 {
		do(start)
	}
	if s.shelf.tidy(s.keep, time.Now()) {
		do(s.begin("XTRIM", s.key("finished"), "MINID", s.shelf.first(s.epoch)))
	}
}
