package driver

import (
	"context"
	"time"
)

// drainTick is how often it is looked whether all bills are over.
const drainTick = 20 * time.Millisecond

// drain waits until the bills that are under way are over, for as long as it may. Of the
// rest it is only known that they were not over in time.
func (d *drive) drain(ctx context.Context) {
	d.phase("drain")
	ctx, cancel := context.WithTimeout(ctx, d.config.DrainTimeout)
	defer cancel()
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for d.book.waiting() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-d.ending.kill.Done():
			return
		}
	}
}
