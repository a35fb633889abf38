package world_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// reader follows the shop's feed, over restarts of the platform, and keeps what came.
type reader struct {
	mu   sync.Mutex
	came []platform.Attempt
	cuts int
}

func (f *reader) follow(ctx context.Context, c *api.Client, q api.FeedQuery) {
	for ctx.Err() == nil {
		err := c.Follow(ctx, q, func(at platform.Place, a *platform.Attempt) error {
			q.After = at
			if a != nil {
				f.mu.Lock()
				f.came = append(f.came, *a)
				f.mu.Unlock()
			}
			return nil
		})
		if errors.Is(err, api.ErrFeedEnded) {
			f.mu.Lock()
			f.cuts++
			f.mu.Unlock()
		}
	}
}

func (f *reader) of(id platform.BillID) (numbers []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.came {
		if a.Bill == id {
			numbers = append(numbers, a.Number)
		}
	}
	return numbers
}

// The feed has what the merchant is told, as it is set going, also of bills without a
// callback address, when it is sent again by hand, and after a restart; another's it has not.
func TestFeed(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			c := people(person("pays", rich), plain())
			c.Network, c.Suite, c.Movable = k.network(), k.suite, true
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, c := newRig(ctx, t, c, k.store(t))
			c.Watch.Platform = nil // who looks on keeps answers until they are whole
			r.live(ctx, c, func(r *rig) {
				told := func(reference string) platform.BillID {
					o := order(reference)
					o.CallbackURL = r.Merchant.URL() + world.CallbackPath
					b := r.send(o)
					r.told(b.ID)
					return b.ID
				}
				before := told("before")
				_, err := r.Office.AdvanceClock(r.ctx, time.Hour)
				r.ok(err)
				var f reader
				reading, stop := context.WithCancel(r.ctx)
				var wg sync.WaitGroup
				wg.Go(func() { f.follow(reading, r.Bills, api.FeedQuery{Backfill: 10 * time.Minute}) })
				defer wg.Wait()
				defer stop()
				has := func(id platform.BillID, want ...int) {
					r.t.Helper()
					r.until("the feed to have "+string(id), func() bool { return slices.Equal(f.of(id), want) })
				}
				first := told("first")
				has(first, 1)
				quiet := r.reaches(r.send(order("nobody is told")).ID, "settled")
				has(quiet.ID, 0)
				_, err = r.Bills.Resend(r.ctx, string(first))
				r.ok(err)
				has(first, 1, 2)
				r.restart()
				second := told("second")
				has(second, 1)
				if got := f.of(before); got != nil {
					r.t.Errorf("what was told an hour ago came as %v", got)
				}
				var all reader
				wg.Go(func() { all.follow(reading, r.Bills, api.FeedQuery{Backfill: 2 * time.Hour}) })
				r.until("all of it", func() bool { return len(all.of(before)) == 1 && len(all.of(second)) == 1 })
				if f.cuts == 0 {
					r.t.Error("the platform was restarted and the feed went on")
				}
			})
		})
	}
}
