package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
)

// drive is a load test under way.
type drive struct {
	config   Config
	plan     *schedule.Schedule // nil: a closed model
	traffic  *schedule.Traffic
	book     *book
	recorder *load.Recorder
	watchdog *load.Watchdog
	shops    *shops
	dial     dial

	start   time.Time
	due     chan *trip      // begun, to be ordered
	changes chan load.Order // for the pacer
	ending  ending
	climb   *climb
	phones  Seen // whether phones tell what they do
	carrier Seen // and the carrier

	generator load.Generator // how it did until the last bill was over
}

func newDrive(c Config) (d *drive, err error) {
	d = &drive{config: c, due: make(chan *trip, c.MaxInFlight+1), changes: make(chan load.Order, 64)}
	if d.traffic, err = schedule.NewTraffic(c.Traffic); err != nil {
		return nil, err
	}
	if c.Segment.N > 1 {
		c.Plan.Owns = d.traffic.Owns
	}
	if c.Climb.From > 0 {
		c.Plan.Rate = c.Climb.From
	}
	d.climb = newClimb(c)
	if c.Users == 0 {
		if d.plan, err = schedule.New(c.Plan); err != nil {
			return nil, err
		}
	}
	d.book = newBook(c.Traffic.Handsets)
	d.dial.init(c)
	d.ending.init()
	return d, nil
}

// phase sets what is going on.
func (d *drive) phase(name string) { d.dial.phase.Store(&name) }

// run enrols, loads, drains and judges.
func (d *drive) run(ctx context.Context, n *Network) (result *load.Result, err error) {
	d.phones, d.carrier, d.book.ahead = n.Phones, n.Carrier, n.Ahead
	for _, text := range n.Says {
		d.config.Talk("%s", text)
	}
	d.watchdog = load.NewWatchdog(n.Server...)
	if d.config.doze != nil {
		d.watchdog.Wait = d.config.doze
	}
	if d.shops, err = openShops(ctx, d.config, n, d.book); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.shops.close()) }()
	stop := d.watch(ctx)
	defer stop()
	if err := d.enrolAll(ctx, n); err != nil {
		return nil, err
	}
	begun := d.load(ctx)
	d.drain(ctx)
	d.generator = d.watchdog.Generator() // the audit may hold it up as it likes
	d.phase("audit")
	found := d.look(ctx, n)
	result = d.result(begun, found)
	result.Environment.Store = n.Store
	d.phase("done")
	d.tick()
	return result, nil
}

// deaf is called when the phones of a network are not heard of any more.
func (d *drive) deaf(why error) {
	d.config.Talk("%s: what phones do from now on is not timed", why)
	d.book.deafen()
}

// enrolAll enrols the handsets, and shows how far that is.
func (d *drive) enrolAll(ctx context.Context, n *Network) error {
	d.phase("enrol")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ending.stop, cancel)()
	begun := time.Now()
	if err := d.enrol(ctx, n); err != nil {
		return fmt.Errorf("enrol the handsets: %w", err)
	}
	d.tick()
	d.config.Talk("%d handsets enrolled in %.1f s", d.dial.enrolled.Load(), time.Since(begun).Seconds())
	return nil
}

// load begins bills until there are no more, or somebody ends it, and answers for how long.
func (d *drive) load(ctx context.Context) time.Duration {
	d.recorder = load.NewRecorder(load.Recording{
		Name: d.config.Name, Seed: d.config.Traffic.Seed, Model: d.config.Model(), Handsets: len(d.traffic.Handsets()),
		Warmup: d.config.Plan.Warmup, Length: d.length(),
	})
	d.start = time.Now()
	d.watchdog.Forget() // enrolment is work too, and not what the run is judged by
	d.dial.started.Store(true)
	d.phase("run")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	for range orderers {
		work.Go(func() { d.orders(ctx) })
	}
	if d.climb.wanted() {
		work.Go(func() { d.climbUp(ctx) })
	}
	if d.config.Users > 0 {
		d.pool(ctx)
	} else {
		d.pace(ctx)
	}
	begun := time.Since(d.start)
	close(d.due)
	d.ending.stopNow()
	unkill := context.AfterFunc(d.ending.kill, cancel)
	work.Wait()
	unkill()
	return begun
}

// length is how long the run is to be, with its warm-up; 0: it ends by count, or when it is stopped.
func (d *drive) length() time.Duration {
	switch {
	case d.plan != nil:
		return d.plan.End()
	case d.config.Plan.Duration > 0:
		return d.config.Plan.Warmup + d.config.Plan.Duration
	}
	return 0
}

// ending is how a run ends before its time.
type ending struct {
	stop, kill           context.Context
	stopNow, killNow     context.CancelFunc
	interrupted, aborted atomic.Bool
}

func (e *ending) init() {
	e.stop, e.stopNow = context.WithCancel(context.Background())
	e.kill, e.killNow = context.WithCancel(context.Background())
}

func (e *ending) stopped() bool { return e.stop.Err() != nil }
func (e *ending) killed() bool  { return e.kill.Err() != nil }
