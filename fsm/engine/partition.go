package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/fault"
)

// partition is one partition over its whole run: a queue that stays, and sessions that
// come and go with the store's connection.
type partition struct {
	number  Partition
	config  Config
	store   Store
	actor   func(Partition) Actor
	perform Performer
	log     zerolog.Logger

	seen      seen
	queue     *queue
	ready     chan struct{} // closed when the first session serves
	readyOnce sync.Once
	taken     time.Time     // before the hold was asked for
	epoch     atomic.Uint64 // of the session that serves; 0 is none
	news      *news
}

func newPartition(n Partition, c Config, store Store, actor func(Partition) Actor, perform Performer) *partition {
	p := &partition{
		number: n, config: c, store: store, actor: actor, perform: perform,
		log:   c.Log.With().Stringer("partition", n).Logger(),
		queue: newQueue(c.Queue), ready: make(chan struct{}), news: newNews(),
	}
	p.queue.stamps = c.Observer != nil
	return p
}

// run serves session after session until ctx ends or the partition is lost.
func (p *partition) run(ctx context.Context) error {
	defer p.queue.refuse(ErrUnavailable)
	pause := backoff{min: p.config.RetryMin, max: p.config.RetryMax}
	for {
		served, err := p.session(ctx, p.takeAnyway)
		p.seen.leave(err)
		p.queue.refuse(ErrUnavailable)
		switch {
		case err == nil, ctx.Err() != nil && !served:
			return nil
		case ctx.Err() != nil, errors.Is(err, ErrFenced), errors.Is(err, ErrBroken), !p.hasServed():
			return fmt.Errorf("partition %s: %w", p.number, err)
		}
		if served {
			pause.reset()
		}
		wait := pause.next()
		p.log.Warn().Err(err).Dur("pause", wait).Msg("partition dropped its memory; it will be loaded again")
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

func (p *partition) hasServed() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// takeAnyway is how a partition is taken by an engine that shares its store with nobody.
func (p *partition) takeAnyway(ctx context.Context) (Hold, error) { return p.store.Take(ctx, p.number) }

// session takes the partition, builds its memory and serves until something breaks.
func (p *partition) session(ctx context.Context, take func(context.Context) (Hold, error)) (served bool, err error) {
	p.taken = time.Now()
	hold, err := take(ctx)
	if err != nil {
		return false, fmt.Errorf("take: %w", err)
	}
	defer hold.Close()
	fault.Point(fault.AfterTake)
	s, err := p.build(ctx, hold)
	if err != nil {
		p.giveUp(ctx, hold)
		return false, err
	}
	defer s.effects.stop()
	p.log.Debug().Uint64("epoch", hold.Epoch()).Uint64("seq", hold.Seq()).Int("wakes", len(s.wakes.heap)).Msg("partition taken")
	fault.Point(fault.AfterRecover)
	p.seen.serve(s)
	p.serving(hold.Epoch())
	defer p.serving(0)
	if err := s.serve(ctx); err != nil {
		return true, fmt.Errorf("epoch %d: %w", hold.Epoch(), err)
	}
	return true, nil
}

// build builds the partition's memory.
func (p *partition) build(ctx context.Context, hold Hold) (*session, error) {
	actor := p.actor(p.number)
	var kept []Due
	confirmed, err := p.beating(ctx, hold, func(ctx context.Context) (err error) {
		if err := actor.Load(ctx, hold); err != nil {
			return fmt.Errorf("load: %w", err)
		}
		if kept, err = hold.Wakes(ctx); err != nil {
			return fmt.Errorf("load wake-ups: %w", err)
		}
		if lazy, ok := actor.(Lazy); ok {
			if err := lazy.Index(kept); err != nil {
				return fmt.Errorf("load: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if fault.Planted(fault.LostDeadline) {
		kept = nil
	}
	fault.Point(fault.AfterLoad)
	s := newSession(p, hold, actor, newWakes(kept))
	s.confirmed = confirmed
	if err := s.recover(ctx); err != nil {
		return nil, fmt.Errorf("load effects: %w", err)
	}
	return s, nil
}

// serving opens the partition in an epoch; 0 is that it is served no more.
func (p *partition) serving(epoch uint64) {
	p.epoch.Store(epoch)
	if epoch != 0 {
		p.queue.open()
		p.readyOnce.Do(func() { close(p.ready) })
	}
	p.news.tell()
}

// backoff doubles a pause from min to max.
type backoff struct{ min, max, last time.Duration }

func (b *backoff) reset() { b.last = 0 }

func (b *backoff) next() time.Duration {
	b.last = min(max(b.last*2, b.min), b.max)
	return b.last
}

// sleep waits, and says false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
