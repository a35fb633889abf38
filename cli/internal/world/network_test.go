package world_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// kind is one way to have the whole network: in memory over miniredis, or over TCP
// and a real redis-server.
type kind struct {
	name    string
	network func() network.Network
	store   func(t *testing.T) []string // redis URLs; none: embedded
	suite   scp80.Suite
}

func kinds() []kind { return []kind{inMemory(scp80.Modern), overTCP(scp80.Modern)} }

func inMemory(s scp80.Suite) kind {
	return kind{"memory", func() network.Network { return new(network.Memory) }, func(*testing.T) []string { return nil }, s}
}

func overTCP(s scp80.Suite) kind {
	return kind{"tcp", func() network.Network { return network.TCP{} }, func(t *testing.T) []string {
		return []string{"unix://" + enginetest.RedisServer(t)}
	}, s}
}

// rig is a network under test and all that looks on at it.
type rig struct {
	*world.World
	t     *testing.T
	ctx   context.Context
	net   network.Network
	store *world.Store
	vault *keys.Vault
	suite scp80.Suite // of the elements
	seen  *story      // what crossed the wires, and what happened on the phones
	logs  *lines      // what the rooms said

	client redis.UniversalClient // of the store's server; nil until it is asked
	ends   []func()              // before the network ends
	parts  uint16                // messages of several parts sent so far
}

// onEnd keeps something to be done when the test is over and the network is not.
func (r *rig) onEnd(f func()) { r.ends = append(r.ends, f) }

func (r *rig) end() {
	for i := range r.ends {
		r.ends[len(r.ends)-1-i]()
	}
}

// everywhere runs a clause's test over each kind of network.
func everywhere(t *testing.T, config world.Config, test func(r *rig)) {
	t.Helper()
	over(t, kinds(), config, test)
}

// inBothSuites does so too, and once more with the legacy suite, which the network
// under it does not know of.
func inBothSuites(t *testing.T, config world.Config, test func(r *rig)) {
	t.Helper()
	over(t, append(kinds(), inMemory(scp80.Legacy)), config, test)
}

// inMemoryOnly runs what says nothing of the network in each suite.
func inMemoryOnly(t *testing.T, config world.Config, test func(r *rig)) {
	t.Helper()
	over(t, []kind{inMemory(scp80.Modern), inMemory(scp80.Legacy)}, config, test)
}

func over(t *testing.T, all []kind, config world.Config, test func(r *rig)) {
	t.Helper()
	for _, k := range all {
		t.Run(k.name+"/"+k.suite.String(), func(t *testing.T) {
			t.Parallel()
			c := config
			c.Network, c.Suite = k.network(), k.suite
			run(t, c, k.store(t), test)
		})
	}
}

// quick people and timings, so that a test waits for nothing but the network.
func quick(c world.Config) world.Config {
	c.ShopName = "Sky Travel"
	c.Seed = max(c.Seed, 1)
	c.Pace = persona.Pace{Read: 10 * time.Millisecond, Type: 10 * time.Millisecond, Later: 100 * time.Millisecond, Off: 300 * time.Millisecond}
	c.Client.AnswerWithin = cmp.Or(c.Client.AnswerWithin, 2*time.Second)
	c.Timing = billing.Timing{
		PushAgain:  c.Timing.PushAgain,
		SweepEvery: 20 * time.Millisecond, RemindLeast: 300 * time.Millisecond,
		Reports: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, time.Second},
	}
	return c
}

// run has a network for the time of a test, and audits its books at the end.
func run(t *testing.T, c world.Config, urls []string, test func(r *rig)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, c := newRig(ctx, t, c, urls)
	r.live(ctx, c, test)
}

// newRig opens the store of a network, and sets up what looks on.
func newRig(ctx context.Context, t *testing.T, c world.Config, urls []string) (*rig, world.Config) {
	t.Helper()
	store, err := world.OpenStore(ctx, c.Network, "127.0.0.1:0", urls...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	c = quick(c)
	r := &rig{t: t, net: c.Network, store: store, suite: cmp.Or(c.Suite, scp80.Modern), seen: newStory(), logs: new(lines)}
	c.Store, c.Watch = store, r.seen.watch()
	c.OpenCards = true // what attackers send must be stopped by the cards
	c.Log = zerolog.New(r.logs)
	if os.Getenv("AIRTILL_TEST_LOG") != "" {
		c.Log = zerolog.New(zerolog.MultiLevelWriter(r.logs, zerolog.ConsoleWriter{Out: os.Stderr}))
	}
	if r.vault, err = keys.Generate(world.NewRandom(c.Seed, 99)); err != nil {
		t.Fatal(err)
	}
	c.Vault = r.vault
	return r, c
}

// live runs the network for as long as the test of it lasts.
func (r *rig) live(ctx context.Context, c world.Config, test func(r *rig)) {
	r.t.Helper()
	var err error
	if r.World, err = world.New(ctx, c); err != nil {
		r.t.Fatal(err)
	}
	err = r.Run(ctx, func(ctx context.Context) error {
		r.ctx = ctx
		defer r.end()
		if !within(func() { test(r) }) {
			return nil // it has said why
		}
		return checkBooks(ctx, r.store)
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// within runs a test on a goroutine of its own, which a failure may end without
// ending the network's, and says whether it came to its end.
func within(test func()) (whole bool) {
	var wg sync.WaitGroup
	wg.Go(func() {
		test()
		whole = true
	})
	wg.Wait()
	return whole
}

func checkBooks(ctx context.Context, store *world.Store) error {
	report, err := audit.Run(ctx, store, store.Partitions())
	if err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("the books are wrong: %q", report.Differences)
	}
	if report.DuplicateDebits != 0 || report.LedgerSum() != 0 {
		return errors.New("the audit passed what it must not")
	}
	return nil
}

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

// until waits for something that must come to be, and says what if it does not.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			r.t.Fatalf("waited %v for %s", patience, what)
		case <-r.ctx.Done():
			r.t.Fatalf("the network ended before %s", what)
		}
	}
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The numbers of the people in these tests.
const (
	payer gateway.MSISDN = "8613800000001"
	buyer gateway.MSISDN = "8613900000002"
)
