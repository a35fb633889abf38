package driver

import (
	"context"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/platform"
)

// pacerTick is how late a bill may be begun because the pacer sleeps.
const pacerTick = time.Millisecond

// pace begins bills when they are due, until there are no more. It waits for nothing but
// the clock: many that are due are begun at once.
func (d *drive) pace(ctx context.Context) {
	tick := time.NewTicker(pacerTick)
	defer tick.Stop()
	var next schedule.Due
	ready := false
	for {
		if d.config.stall != nil {
			d.config.stall(time.Since(d.start))
		}
		now := time.Since(d.start)
		if d.obey(now) {
			ready = ready && next.At <= now // what was to come later may come at another time
		}
		if d.ending.stopped() {
			return
		}
		for ready = ready || d.take(&next); ready && next.At <= now; ready = d.take(&next) {
			d.begin(next.Bill, next.At)
		}
		if !ready && d.plan.Over(now) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// take takes the bill that comes due next, if there is one.
func (d *drive) take(next *schedule.Due) (ok bool) {
	*next, ok = d.plan.Next()
	return ok
}

// begin begins a bill that is due, unless too many are in flight.
func (d *drive) begin(n int64, at time.Duration) {
	record := d.recorder.Due(at)
	if d.recorder.InFlight() >= int64(d.config.MaxInFlight) {
		record.Dropped()
		return
	}
	b := d.traffic.Bill(n)
	t := &trip{
		phone: d.phone(b), menu: d.config.form(b.Handset) == platform.FormNone,
		record: record, due: d.start.Add(at), handset: b.Handset, habit: d.traffic.Person(b.Handset).Kind,
		shop: int(n % int64(len(d.shops.ids))), amount: d.amount(b), bill: b,
		blind: d.phones != "",
	}
	record.Begun(max(time.Since(t.due), 0))
	t.reference = d.book.begin(t)
	d.due <- t // there is room for all that may be in flight
}

// obey carries out the changes that have come, and says whether due times are others now.
func (d *drive) obey(now time.Duration) (changed bool) {
	for {
		select {
		case o := <-d.changes:
			changed = d.carryOut(o, now) || changed
		default:
			return changed
		}
	}
}

// carryOut carries out one order.
func (d *drive) carryOut(o load.Order, now time.Duration) (changed bool) {
	if d.plan == nil {
		return false // a closed model has no rate
	}
	switch o.Kind {
	case "rate":
		d.plan.SetRate(now, max(o.Rate, 0))
	case "rate+":
		d.plan.SetRate(now, max(d.plan.Asked(now)+o.Rate, 0))
	case "pause":
		if !d.dial.paused.Swap(true) {
			d.plan.Pause(now)
		}
	case "resume":
		if d.dial.paused.Swap(false) {
			d.plan.Resume(now)
		}
	}
	return true
}

// end ends the run before its time: "stop" lets what is under way end, "kill" does not.
func (d *drive) end(kind string) {
	d.ending.interrupted.Store(true)
	d.ending.stopNow()
	if kind == "kill" {
		d.ending.killNow()
	}
}

// attend takes orders until ctx ends: those that end the run are carried out at once, the
// others by the pacer.
func (d *drive) attend(ctx context.Context) {
	for {
		select {
		case o, ok := <-d.config.Orders:
			switch {
			case !ok:
				return
			case o.Kind == "stop" || o.Kind == "kill":
				d.end(o.Kind)
			default:
				d.change(o)
			}
		case <-ctx.Done():
			return
		}
	}
}

// change hands a change to the pacer, if there is one that takes it.
func (d *drive) change(o load.Order) {
	select {
	case d.changes <- o:
	default:
	}
}
