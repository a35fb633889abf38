// Package enginebench measures the engine over a store: what it keeps in a second and
// what that costs, beside a replay of the very same bytes with no logic.
//
// The load is package till's: bills of five durable steps. What the store's committers
// write is recorded as it passes, batch by batch. Then the store is emptied, and a
// loader writes each connection's batches again, on as many connections, each when all
// of the one before it is answered. The loader decides nothing, encodes nothing and
// knows the answers only as far as it must: the replay is what the store can do.
package enginebench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest/till"
)

// Config is one run. Bills or Time is needed.
type Config struct {
	Network network.Network // nil is TCP
	URL     string          // redis://HOST:PORT/DB of a server; empty is an embedded store
	Dir     string          // where an embedded store is kept meanwhile; empty is memory
	Fresh   bool            // erase what the server's database holds first

	Partitions int           // zero is two for each processor of the machine
	InFlight   int           // bills at a time, in a closed loop; zero is 4096
	Rate       float64       // bills to begin in a second, in an open loop; zero is a closed one
	Bills      int           // to begin; zero is as many as Time allows
	Time       time.Duration // to begin them for; zero is until Bills are

	Processors int // this process uses at a time; zero is all, less one for a server on this machine

	Profile io.Writer // takes a CPU profile of the engine's part; nil is none
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case c.Partitions < 0 || c.InFlight < 0 || c.Rate < 0 || c.Bills < 0 || c.Time < 0 || c.Processors < 0:
		return errors.New("a number is negative")
	case c.Bills == 0 && c.Time == 0:
		return errors.New("neither a count of bills nor a time")
	case c.Rate > 0 && c.InFlight > 0:
		return errors.New("an open loop has a rate, a closed one a count in flight: not both")
	case c.URL != "" && c.Dir != "":
		return errors.New("a store is in one place: a server or a directory")
	}
	return engine.Config{Partitions: c.Partitions}.Validate()
}

// perProcessor is how many partitions there are for each processor: one decides while the
// other is being kept. More of them keep smaller batches, each of which has its price.
const perProcessor = 2

func (c *Config) setDefaults() {
	if c.Network == nil {
		c.Network = network.TCP{}
	}
	c.Partitions = cmp.Or(c.Partitions, perProcessor*runtime.GOMAXPROCS(0))
	if c.Rate == 0 {
		c.InFlight = cmp.Or(c.InFlight, 4096)
	}
}

// Run measures. After the engine's part the result is good so far, whatever the error.
func Run(ctx context.Context, c Config) (r *Result, err error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("enginebench: %w", err)
	}
	c.setDefaults()
	p, err := openPlace(ctx, &c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.leave(context.WithoutCancel(ctx))) }()
	r = newResult(&c, p.fsync(ctx))
	defer limit(r.Processors)()
	reels, err := measure(ctx, &c, p, r)
	if err != nil || ctx.Err() != nil {
		return r, cmp.Or(err, ctx.Err())
	}
	return r, replay(ctx, p, reels, r)
}

// measure runs the load on an engine, and answers what its store was sent.
func measure(ctx context.Context, c *Config, p place, r *Result) (reels []reel, err error) {
	room := tapeRoom
	if c.Bills > 0 {
		room = min(room, c.Bills*perBill)
	}
	t := newTape(room)
	store, done, err := p.open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	e, err := engine.New(engine.Config{Partitions: c.Partitions, Queue: max(8192, c.InFlight)}, store, till.New, till.Performer{})
	if err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // what was begun is finished after a Ctrl-C
	ended := make(chan error, 1)
	go func() { ended <- e.Run(serving) }()
	err = e.Ready(ctx)
	if err == nil {
		err = load(ctx, c, e, p, r)
	}
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return nil, err
	}
	commits, err := till.Commits(context.WithoutCancel(ctx), store, c.Partitions)
	reels = t.reels()
	r.recorded(commits, t.sent(), octets(reels))
	return reels, err
}

// load takes bills through their lives, and notes what that took.
func load(ctx context.Context, c *Config, e *engine.Engine, p place, r *Result) error {
	if c.Profile != nil {
		if err := pprof.StartCPUProfile(c.Profile); err != nil {
			return fmt.Errorf("profile the processor: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	o := newObserver(c.Partitions)
	l := till.Load{
		Engine: e, Partitions: c.Partitions, Bills: int64(c.Bills), Time: c.Time,
		InFlight: c.InFlight, Rate: c.Rate, Observe: o.observe,
	}
	var report till.Report
	used, err := p.cost(context.WithoutCancel(ctx), func() error {
		report = l.Run(ctx)
		return nil
	})
	if err != nil {
		return err
	}
	r.measured(report, used, o.latency())
	if report.First != nil {
		return fmt.Errorf("%d bills did not come through: %w", report.Errors, report.First)
	}
	return nil
}

// observer gathers how long steps took.
type observer []*observed

// observed is of one partition.
type observed struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram
}

func newObserver(partitions int) observer {
	var o observer
	for range partitions {
		o = append(o, &observed{latency: newHistogram()})
	}
	return o
}

func (o observer) observe(p engine.Partition, took time.Duration) {
	at := o[p]
	at.mu.Lock()
	defer at.mu.Unlock()
	_ = at.latency.RecordValue(max(1, int64(took/time.Microsecond))) // over a minute is not recorded
}

func (o observer) latency() *hdrhistogram.Histogram {
	all := newHistogram()
	for _, at := range o {
		all.Merge(at.latency)
	}
	return all
}
