package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// sure says that nobody else can have the partition by now: an input that staged nothing
// may be answered from memory. It goes by this engine's own clock and by when the last
// batch that is in was sent: others count from when they have seen that one.
func (s *session) sure() bool {
	share := s.config.Share
	return share == nil || time.Since(s.confirmed) < share.trust()
}

// startBeats has beats tick, in an engine that shares its store.
func (s *session) startBeats() (stop func()) {
	share := s.config.Share
	if share == nil {
		return func() {}
	}
	ticker := time.NewTicker(share.beat())
	s.beats = ticker.C
	return ticker.Stop
}

// beat has an empty batch committed unless one was sent of late.
func (s *session) beat() {
	if time.Since(s.sent) >= s.config.Share.beat()/2 {
		s.open.flush = true
	}
}

// beating commits empty batches while build goes on, which may take longer than a lease,
// and answers when the last one that is in was sent.
func (p *partition) beating(ctx context.Context, hold Hold, build func(context.Context) error) (confirmed time.Time, err error) {
	confirmed = p.taken
	if p.config.Share == nil {
		return confirmed, build(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	built := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		ticker := time.NewTicker(p.config.Share.beat())
		defer ticker.Stop()
		for {
			select {
			case <-built:
				return
			case <-ticker.C:
			}
			sent := time.Now()
			if err := p.commitEmpty(ctx, hold, &Batch{}, p.config.CommitTimeout); err != nil {
				cancel(err)
				return
			}
			confirmed = sent
		}
	})
	err = build(ctx)
	close(built)
	beating.Wait()
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	} else if cause != nil {
		err = cause
	}
	cancel(nil)
	return confirmed, err
}

// commitEmpty commits a batch that says no more than that the owner lives, or leaves.
func (p *partition) commitEmpty(ctx context.Context, hold Hold, b *Batch, giveUp time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUp)
	defer cancel()
	b.Seq = hold.Seq() + 1
	return hold.Commit(ctx, b)
}

// giveUp releases a partition that was taken and cannot be served: another process may.
func (p *partition) giveUp(ctx context.Context, hold Hold) {
	share := p.config.Share
	if share == nil {
		return
	}
	if err := p.commitEmpty(ctx, hold, &Batch{Release: true}, share.Lease); err != nil && !errors.Is(err, ErrFenced) {
		p.log.Warn().Err(err).Msg("a partition that was taken and not served could not be released; others take it when its lease has stood still")
	}
}
