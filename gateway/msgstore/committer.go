package msgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// ErrStopped is what batches are answered with that no committer keeps any more.
var ErrStopped = errors.New("msgstore: the committer has stopped")

// CommitterConfig is how a Committer works. Only Store is needed.
type CommitterConfig struct {
	Store Store
	Log   zerolog.Logger
	Queue int           // octets that may wait before Wait waits; zero is 4 MiB
	Beat  time.Duration // how long it may be quiet before an empty batch asks whether the store is still ours; zero is 1 s
}

const (
	defaultQueue = 4 << 20
	defaultBeat  = time.Second

	pauseMin = 10 * time.Millisecond // before a commit is tried again, doubling
	pauseMax = time.Second
)

// Committer joins the batches that come while one write is under way into the next.
type Committer struct {
	config CommitterConfig
	wake   chan struct{} // something has come

	mu      sync.Mutex
	round   *round        // what gathers
	room    chan struct{} // closed when the gathering round is taken
	stopped bool
}

// round is what one write keeps, and who waits for it.
type round struct {
	batch Batch
	done  []func(error)
}

// NewCommitter makes a Committer. Nothing is kept before Serve.
func NewCommitter(c CommitterConfig) *Committer {
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	if c.Beat <= 0 {
		c.Beat = defaultBeat
	}
	return &Committer{config: c, wake: make(chan struct{}, 1), round: new(round), room: make(chan struct{})}
}

// Add has a batch kept, and done called once it is, or never will be. Calls come in the
// order of Add, one at a time, on the goroutine of Serve: they must be quick, and may call
// Add but not Wait. Add does not block, and the batch is free to be reset and used again
// at once; who adds without bound should Wait first.
func (c *Committer) Add(b *Batch, done func(error)) {
	c.mu.Lock()
	stopped := c.stopped
	if !stopped {
		c.round.batch.Join(b)
		c.round.done = append(c.round.done, done)
	}
	c.mu.Unlock()
	if stopped {
		done(ErrStopped)
		return
	}
	nudge(c.wake)
}

// Wait waits while more waits to be kept than may: a reader that calls it before each
// read takes no more from its peer than the store can keep. The error is ctx's, or
// ErrStopped.
func (c *Committer) Wait(ctx context.Context) error {
	for {
		c.mu.Lock()
		full, stopped, room := c.round.batch.Size() > c.config.Queue, c.stopped, c.room
		c.mu.Unlock()
		switch {
		case stopped:
			return ErrStopped
		case !full:
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Serve keeps what is added until ctx ends, nil then, or until the store is no longer
// ours to write. What was added before ctx ended is still kept, if the store answers;
// what cannot be kept is answered with the error, and all that comes later with
// ErrStopped. A Committer serves once.
func (c *Committer) Serve(ctx context.Context) error {
	err := c.serve(ctx)
	last := c.stop()
	if err == nil && last.batch.Len() > 0 {
		err = c.commit(ctx, &last.batch)
	}
	last.answer(err)
	if Final(err) {
		return err
	}
	return nil
}

// serve keeps round after round. It ends without an error when ctx does.
func (c *Committer) serve(ctx context.Context) error {
	beat := time.NewTimer(c.config.Beat)
	defer beat.Stop()
	spare := new(round)
	for {
		select {
		case <-c.wake:
		case <-beat.C:
		case <-ctx.Done():
			return nil
		}
		r := c.take(spare)
		err := c.commit(ctx, &r.batch)
		r.answer(err)
		if err != nil {
			return err
		}
		spare = r
		beat.Reset(c.config.Beat)
	}
}

// take takes what has gathered.
func (c *Committer) take(spare *round) *round {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.round
	c.round = spare
	close(c.room)
	c.room = make(chan struct{})
	return r
}

// stop refuses what comes from now on, and takes what has come.
func (c *Committer) stop() *round {
	r := c.take(new(round))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	r.batch.Join(&c.round.batch) // what came between the two
	r.done = append(r.done, c.round.done...)
	close(c.room)
	return r
}

// answer calls back who waits, and empties the round.
func (r *round) answer(err error) {
	for _, done := range r.done {
		done(err)
	}
	clear(r.done)
	r.done = r.done[:0]
	r.batch.Reset()
}

// commit tries until the batch is kept, ctx ends, or trying is of no use. An attempt is
// not broken off when ctx ends: what is written should be answered. What goes wrong is
// said once, and that it is right again.
func (c *Committer) commit(ctx context.Context, b *Batch) error {
	failed := false
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		err := c.config.Store.Commit(context.WithoutCancel(ctx), b)
		switch {
		case err == nil:
			if failed {
				c.config.Log.Info().Msg("the message store keeps messages again")
			}
			return nil
		case Final(err):
			c.config.Log.Error().Err(err).Msg("the message store is lost")
			return err
		case !failed:
			failed = true
			c.config.Log.Warn().Err(err).Int("changes", b.Len()).
				Msg("the message store does not answer; no message is accepted until it does")
		}
		if !sleep(ctx, pause) {
			return fmt.Errorf("not kept: %w", err)
		}
	}
}

// sleep waits; it is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// nudge wakes a channel's receiver, unless it is awake already.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
