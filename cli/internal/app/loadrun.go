package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/driver"
	"github.com/airtill/airtill/cli/internal/load/scenario"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/money"
)

// run runs a load test.
func (l *loadTest) run(ctx context.Context, c *call) error {
	if _, file := c.env.Stderr.(*os.File); !file { // what is said of interrupts comes between the lines of the run
		c.env.Stderr = &oneAtATime{w: c.env.Stderr}
	}
	if l.printScenario != "" {
		text, err := scenario.Builtin(l.printScenario)
		if err != nil {
			return usagef("--print-scenario: %w", err)
		}
		return write(c.env.Stdout, string(text))
	}
	config, err := l.plan(c)
	if err != nil {
		return err
	}
	files, err := l.files()
	if err != nil {
		return err
	}
	if l.check {
		return c.out.one(config.Asked, askedFields(config)...)
	}
	return l.load(ctx, c, config, files)
}

// askedFields are what --check shows.
func askedFields(config driver.Config) []field {
	a := config.Asked
	fields := []field{
		{"model", config.Model()}, {"rate", a.Rate}, {"stages", strings.Join(a.Stages, ",")}, {"duration", a.Duration},
		{"handsets", fmt.Sprint(a.Handsets)}, {"mix", a.Mix}, {"think", a.Think}, {"arrivals", a.Arrivals}, {"seed", fmt.Sprint(config.Traffic.Seed)},
	}
	for _, t := range config.Thresholds {
		fields = append(fields, field{"threshold", t.String()})
	}
	return append(fields, field{"command", config.Command})
}

// load runs the load against its network, shows it, and writes what came of it.
func (l *loadTest) load(ctx context.Context, c *call, config driver.Config, files []outFile) (err error) {
	stopProfile, err := startProfile(l.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	defer collectRarely(c)()
	running := context.WithoutCancel(ctx) // an interrupt is an order: bills under way end first
	site, closeSite, err := l.site(running, c, &config)
	if err != nil {
		return err
	}
	defer closeSite()
	orders := make(chan load.Order, 16)
	config.Orders = orders
	if !c.out.json {
		c.talk("%s: %s model, seed %d", config.Name, config.Model(), config.Traffic.Seed)
	}
	show, err := l.show(running, c, config.Traffic.Handsets, orders)
	if err != nil {
		return err
	}
	faces, err := l.serve(running, c, files, orders, show)
	if err != nil {
		return errors.Join(err, show.end())
	}
	config.Watch, config.Talk, config.Site = show.watch, show.talk, site
	unwatch := watchSignals(ctx, orders, show.talk)
	result, err := driver.Run(running, config)
	unwatch()
	err = errors.Join(err, show.end(), faces())
	switch {
	case errors.Is(err, driver.ErrUnreachable):
		return &Error{Status: StatusUnreachable, Err: err, Hint: "is it up? airtill dev starts one"}
	case err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled):
		return &Error{Status: load.ExitStatus(load.Interrupted), Err: context.Canceled}
	case err != nil:
		return err
	}
	return l.report(c, result, files)
}

// startProfile profiles this process until the function that it answers is called.
func startProfile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}

// watchSignals turns interrupts into orders: the first ends the run softly, the second at
// once. An end of ctx is a first one.
func watchSignals(ctx context.Context, orders chan<- load.Order, talk func(format string, args ...any)) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(ctx)
	ended, end := context.WithCancel(context.Background())
	var work sync.WaitGroup
	var say sync.Once // an interrupt ends ctx too
	work.Go(func() {
		interrupts, done := 0, ctx.Done()
		for {
			select {
			case <-signals:
				interrupts++
			case <-done:
				done = nil
			case <-ended.Done():
				return
			}
			if ended.Err() != nil {
				return
			}
			if interrupts > 1 {
				orders <- load.Order{Kind: "kill"}
				continue
			}
			say.Do(func() { talk("ending: bills under way go on to their end; Ctrl-C again stops at once") })
			orders <- load.Order{Kind: "stop"}
		}
	})
	return func() { signal.Stop(signals); end(); cancel(); work.Wait() }
}

// site is the network to load, and what closes it.
func (l *loadTest) site(ctx context.Context, c *call, config *driver.Config) (driver.Site, func(), error) {
	if l.target != "" {
		site, err := l.running(c, config)
		return site, func() {}, err
	}
	store, dir, err := l.store(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	closeAll := func() {
		closeStore(c, store)
		if dir != "" {
			_ = os.RemoveAll(dir) // a temporary one
		}
	}
	w := world.Config{
		Network: network.TCP{}, Store: store, Seed: config.Traffic.Seed, Connections: loadConnections,
		Profile: l.merchants, Timing: billing.Timing{SweepEvery: l.sweep}, Pace: paceOf(config), Log: c.log,
	}
	if config.Traffic.Channel != "" {
		w.USSDCap = map[money.Currency]money.Amount{money.CNY: money.Max}
	}
	return driver.Embedded{Config: w}, closeAll, nil
}

// loadConnections is how many connections the handsets of a load have to the carrier.
const loadConnections = 4

// paceOf is how long people take, as it was asked.
func paceOf(config *driver.Config) persona.Pace { return driver.Pace(config.Traffic.Think) }

// store is that of a network of the load's own, and its directory if that is to go with it.
func (l *loadTest) store(ctx context.Context, c *call) (*world.Store, string, error) {
	stores := world.Stores{Network: network.TCP{}, Partitions: l.partitions}
	if l.redis != child {
		store, err := ownStore(ctx, c, stores, l.redis, l.fresh)
		return store, "", err
	}
	dir, err := os.MkdirTemp("", "airtill-load-")
	if err != nil {
		return nil, "", err
	}
	store, err := stores.Child(ctx, dir, func(err error) { c.log.Warn().Err(err).Msg("the store") })
	if err != nil {
		return nil, "", errors.Join(explainStore(err, dir), os.RemoveAll(dir))
	}
	return store, dir, nil
}

// running is the network of --target.
func (l *loadTest) running(c *call, config *driver.Config) (driver.Site, error) {
	at := target{network: l.target}
	isURL := strings.Contains(l.target, "://")
	if isURL {
		at.network = ""
		if err := checkAddress("target", l.target); err != nil {
			return nil, err
		}
	}
	r, err := at.ready(c)
	if err != nil {
		return nil, &Error{Status: StatusUnreachable, Err: err, Hint: "start one: airtill dev; or say its ready file: --target FILE"}
	}
	if isURL && strings.TrimRight(r.HTTP, "/") != strings.TrimRight(l.target, "/") {
		return nil, &Error{Status: StatusUnreachable, Err: fmt.Errorf("the usual ready file is of %s, not of %s", cmp.Or(r.HTTP, "a carrier"), l.target),
			Hint: "its keys are needed: say its ready file, --target FILE"}
	}
	t := driver.Target{Ready: r, Seed: config.Traffic.Seed}
	if r.Redis != "" {
		t.Store = func(ctx context.Context) load.Audit { return auditTarget(ctx, r.Redis) }
	}
	return t, nil
}

// auditTarget audits the store of a running network.
func auditTarget(ctx context.Context, said string) load.Audit {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	urls, err := storeURLs(said)
	if err != nil {
		return load.Audit{Why: err.Error(), Differences: []string{}}
	}
	report, err := auditStore(ctx, urls, "")
	return driver.Audited(report, err)
}

// oneAtATime is a writer for several goroutines, as files are.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(b)
}
