package world_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/airtill/airtill/merchant"
)

// The wall clock of the platform is set back and ahead while bills are open: orders are
// taken and paid all the same, and those that are open are not lost, nor over early.
func TestTheClockIsSet(t *testing.T) {
	var step atomic.Int64
	config := people(person("pays", rich), plain())
	config.Wall = func() time.Time { return time.Now().Add(time.Duration(step.Load())).Round(0) }
	over(t, kinds()[:1], config, func(r *rig) {
		buy := func(when string) {
			r.t.Helper()
			if o := r.ended(r.place(tea, payer, buyer).ID); o.Status != merchant.Paid {
				r.t.Fatalf("%s: the order ended as %s (%s)", when, o.Status, o.Reason)
			}
		}
		buy("before")
		waits := order("waits")
		waits.CallbackURL = r.Merchant.URL() + "/airtill"
		power := func(on bool) {
			_, err := r.Phones.Power(r.ctx, payer, on)
			r.ok(err)
		}
		power(false)
		b := r.send(waits)
		for _, by := range []time.Duration{-time.Hour, -time.Second, 10 * time.Minute} {
			step.Store(int64(by))
			if got := r.bill(b.ID); !got.Ended.IsZero() {
				r.t.Errorf("%s: the open bill is %s", by, got.State)
			}
		}
		power(true)
		r.reaches(b.ID, "settled")
		step.Store(int64(-time.Hour))
		buy("after it was set back")
		step.Store(0)
		buy("after it was set right")
	})
}
