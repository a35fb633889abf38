package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

	queue     *queue
	ready     chan struct{} // closed when the first session serves
	readyOnce sync.Once
}

func newPartition(n Partition, c Config, store Store, actor func(Partition) Actor, perform Performer) *partition {
	return &partition{
		number: n, config: c, store: store, actor: actor, perform: perform,
		log:   c.Log.With().Stringer("partition", n).Logger(),
		queue: newQueue(c.Queue), ready: make(chan struct{}),
	}
}

// run serves session after session until ctx ends or the partition is lost.
func (p *partition) run(ctx context.Context) error {
	defer p.queue.refuse(ErrUnavailable)
	pause := backoff{min: p.config.RetryMin, max: p.config.RetryMax}
	for {
		served, err := p.session(ctx)
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

// session takes the partition, builds its memory and serves until something breaks.
func (p *partition) session(ctx context.Context) (served bool, err error) {
	hold, err := p.store.Take(ctx, p.number)
	if err != nil {
		return false, fmt.Errorf("take: %w", err)
	}
	defer hold.Close()
	fault.Point(fault.AfterTake)
	actor := p.actor(p.number)
	if err := actor.Load(ctx, hold); err != nil {
		return false, fmt.Errorf("load: %w", err)
	}
	kept, err := hold.Wakes(ctx)
	if err != nil {
		return false, fmt.Errorf("load wake-ups: %w", err)
	}
	if fault.Planted(fault.LostDeadline) {
		kept = nil
	}
	fault.Point(fault.AfterLoad)
	s := newSession(p, hold, actor, newWakes(kept))
	defer s.effects.stop()
	if err := s.recover(ctx); err != nil {
		return false, fmt.Errorf("load effects: %w", err)
	}
	p.log.Debug().Uint64("epoch", hold.Epoch()).Uint64("seq", hold.Seq()).Int("wakes", len(kept)).Msg("partition taken")
	fault.Point(fault.AfterRecover)
	p.queue.open()
	p.readyOnce.Do(func() { close(p.ready) })
	if err := s.serve(ctx); err != nil {
		return true, fmt.Errorf("epoch %d: %w", hold.Epoch(), err)
	}
	return true, nil
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
