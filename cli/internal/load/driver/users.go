package driver

import (
	"context"
	"time"
)

// pool keeps as many bills under way as there are users, each beginning when another is
// over, until the run is long enough or has bills enough: the closed model.
func (d *drive) pool(ctx context.Context) {
	over := make(chan struct{}, d.config.Users)
	d.book.whenOver(func() {
		select {
		case over <- struct{}{}:
		default: // more have ended than have begun since the users were filled
		}
	})
	for range d.config.Users {
		over <- struct{}{}
	}
	tick := time.NewTicker(pacerTick)
	defer tick.Stop()
	var n, begun int64
	for {
		now := time.Since(d.start)
		d.obey(now)
		if length := d.length(); d.ending.stopped() || length > 0 && now >= length || d.config.Plan.Bills > 0 && begun >= d.config.Plan.Bills {
			return
		}
		select {
		case <-over:
			for !d.traffic.Owns(n) {
				n++
			}
			d.begin(n, time.Since(d.start))
			n++
			begun++
		case <-tick.C: // orders may have come, or the end
		case <-ctx.Done():
			return
		}
	}
}
