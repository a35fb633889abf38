package smsc

import (
	"context"
	"time"

	"github.com/airtill/airtill/gateway"
)

// run acts when timers are due, until ctx ends.
func (a *account) run(ctx context.Context) {
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		next := a.tick()
		if next.IsZero() {
			clock.Stop()
		} else {
			clock.Reset(time.Until(next))
		}
		select {
		case <-clock.C:
		case <-a.kick:
		case <-ctx.Done():
			return
		}
	}
}

// tick does all that is due and says when the next is.
func (a *account) tick() (next time.Time) {
	a.lock()
	defer func() { a.unlock(next) }()
	now := time.Now()
	for t := a.due.Take(now); t != nil; t = a.due.Take(now) {
		if t.Of.box != nil {
			a.wake(t.Of.box, now)
			continue
		}
		a.arrived(t.Of.message, now)
	}
	a.pump(now)
	return a.due.Next()
}

// wake looks at a mailbox whose timer was due: for what is over, or to try again.
func (a *account) wake(b *mailbox, now time.Time) {
	for _, m := range b.remove(func(m *message) bool { return !now.Before(m.expires) }) {
		b.inFlight++ // finish gives the place back
		a.finish(m, gateway.Expired, now)
	}
	a.review(b, now)
	if b.listed {
		a.due.Set(&b.timer, b.wants(now))
	}
}
