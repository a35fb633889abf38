package world

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/monitor"
)

// Drain is how a platform stops.
type Drain struct {
	LameDuck time.Duration // how long it goes on taking requests while readyz says that it will not; 0 is not at all
	Timeout  time.Duration // how long all of it may take; 0 is DefaultDrain
}

// DefaultDrain has room for one attempt to tell a merchant that takes all its time.
const DefaultDrain = 30 * time.Second

func (d Drain) withDefaults() Drain {
	if d.Timeout == 0 {
		d.Timeout = DefaultDrain
	}
	return d
}

// carrierLine is the connection to the carrier, so that it can be cut.
type carrierLine struct {
	dial func(context.Context) (net.Conn, error)

	mu   sync.Mutex
	conn net.Conn
}

func (l *carrierLine) connect(ctx context.Context) (net.Conn, error) {
	conn, err := l.dial(ctx)
	if err == nil {
		l.mu.Lock()
		l.conn = conn
		l.mu.Unlock()
	}
	return conn, err
}

func (l *carrierLine) cut() {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// Run serves until ctx ends, and then drains: readyz says no, and after the lame-duck
// time no request is taken any more; those begun are answered, the carrier answers what
// was sent to it and is unbound, attempts to tell merchants end, and the engine commits
// what it has and notes its cursor. When the drain takes too long, the carrier's
// connection is cut and attempts are given up: nothing is lost, for all that is not done
// is in the store.
func (p *Platform) Run(ctx context.Context) error {
	defer p.hooks.Close()
	defer p.closePeers()
	life := context.WithoutCancel(ctx)
	httpCtx, stopHTTP := context.WithCancel(life)
	esmeCtx, stopESME := context.WithCancel(life)
	menusCtx, stopMenus := context.WithCancel(life)
	engineCtx, stopEngine := context.WithCancel(life)
	defer stopEngine()
	defer context.AfterFunc(httpCtx, func() { close(p.ending) })()
	g, gctx := errgroup.WithContext(ctx)
	late, cancel := context.WithCancel(life) // the drain
	served, told, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { p.drainAfter(gctx, ended, stopHTTP, cancel) })
	g.Go(func() error {
		defer close(served)
		defer stopESME()
		return serveHTTP(httpCtx, p.ln, p.handler)
	})
	g.Go(func() error { defer stopMenus(); return p.esme.Run(esmeCtx) })
	g.Go(func() error {
		defer close(told)
		<-served
		if p.hooks.Drain(late) != nil {
			p.log.Warn().Msg("merchants were not told in time; they are after the next start")
		}
		return nil
	})
	g.Go(func() error {
		defer stopEngine()
		defer func() { <-told }()
		return p.menus.Run(menusCtx)
	})
	g.Go(func() error { return p.engine.Run(engineCtx) })
	if p.keeper != nil {
		g.Go(func() error { return p.keeper.Serve(gctx) })
	}
	err := g.Wait()
	close(ended)
	watch.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// drainAfter begins the drain when ctx ends, and ends it when it takes too long.
func (p *Platform) drainAfter(ctx context.Context, ended <-chan struct{}, stopHTTP, giveUp func()) {
	defer giveUp()
	defer stopHTTP()
	select {
	case <-ctx.Done():
	case <-ended:
		return
	}
	p.monitor.Drain("the platform is stopping")
	limit, lame := time.NewTimer(p.drain.Timeout), time.NewTimer(p.drain.LameDuck)
	defer limit.Stop()
	defer lame.Stop()
	for {
		select {
		case <-lame.C:
			stopHTTP()
		case <-limit.C:
			p.log.Warn().Dur("timeout", p.drain.Timeout).Msg("the drain takes too long; the rest is done after the next start")
			p.line.cut()
			return
		case <-ended:
			return
		}
	}
}

// parts are what the monitor looks after.
func (p *Platform) parts(c PlatformConfig) monitor.Parts {
	parts := monitor.Parts{
		Engine: p.engine.Status, Carrier: p.esme.Status, Callbacks: p.hooks.Stats, Tally: p.tally, Drops: p.phones.Dropped,
		Store: func(ctx context.Context) error {
			_, err := p.store.Read(engine.Partition(0)).Get(ctx, "seq")
			return err
		},
	}
	if c.Data != "" {
		parts.Disk = func() (uint64, error) { return freeSpace(c.Data) }
	}
	return parts
}

// tally counts what the partitions have that are served here: others tell of theirs.
func (p *Platform) tally(ctx context.Context) (billing.Tallied, error) {
	var here []engine.Partition
	for _, s := range p.engine.Status() {
		if s.Serving {
			here = append(here, s.Partition)
		}
	}
	return p.service.Tally(ctx, here...)
}
