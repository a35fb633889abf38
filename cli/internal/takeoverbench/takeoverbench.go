// Package takeoverbench measures how long it takes to take a store of many live bills
// over, and how much room they have: in the store, and in the process that has them.
//
// The bills are made by the platform's own rules, over the engine: phones are enrolled,
// orders claimed, bills opened, pushed and delivered. What a phone and an element do is
// left out, and so is all that is sent. Beyond 10,000 bills, the records and deadlines of
// those that were made are copied, under other ids.
package takeoverbench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/cputime"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
)

// Config says what is measured. URL must be set.
type Config struct {
	URL        string // a database of a Redis, empty or Fresh
	Fresh      bool   // erase what it holds first
	Keep       bool   // leave the bills there
	Bills      int    // live ones
	Phones     int    // that they are for; 0 is one for each bill that is made by the rules
	Finished   int    // of the bills, that are finished after the takeover
	Partitions int
}

// ErrTaken: the database holds something.
var ErrTaken = errors.New("that database holds something")

// Result is what came of it.
type Result struct {
	Whole       bool    `json:"whole"` // nothing went wrong
	Bills       int     `json:"bills"`
	Phones      int     `json:"phones"`
	Partitions  int     `json:"partitions"`
	LoadAverage float64 `json:"load_average"` // of the machine, as the takeover began

	Takeover  float64 `json:"takeover_s"`            // until every partition serves
	GoCPU     float64 `json:"takeover_cpu_s"`        // of this process
	RedisCPU  float64 `json:"takeover_redis_cpu_s"`  // of the server
	Heap      float64 `json:"heap_bytes_per_bill"`   // of a live bill that no input was about
	FirstP50  float64 `json:"first_touch_p50_ms"`    // the first question about a phone
	FirstP99  float64 `json:"first_touch_p99_ms"`    //
	AwakeHeap float64 `json:"awake_bytes_per_phone"` // of a phone and its bills once they are in memory

	FillPerS   float64            `json:"fill_bills_per_s"`
	RedisPhone float64            `json:"redis_bytes_per_phone"`
	RedisBill  float64            `json:"redis_bytes_per_live_bill"` // all that a live bill has brought
	RedisParts map[string]float64 `json:"redis_bytes_per_live_bill_parts"`

	Finished        int     `json:"finished"`
	RedisFinished   float64 `json:"redis_bytes_per_finished_bill"` // its field in finished:DAY
	RedisFinishedIn float64 `json:"redis_journal_bytes_to_finish"` // what the journal tells of the end
}

// bench is a run.
type bench struct {
	config    Config
	client    *redis.Client
	rules     billing.Config
	result    *Result
	made      []platform.BillID
	deadlines map[platform.BillID]deadline
	homes     map[platform.MerchantID]engine.Partition
}

// Run fills the store, takes it over, and measures.
func Run(ctx context.Context, c Config) (*Result, error) {
	if c.Phones == 0 {
		c.Phones = min(c.Bills, most)
	}
	options, err := redis.ParseURL(c.URL)
	if err != nil {
		return nil, errors.New("it is no URL like redis://127.0.0.1:6379/9")
	}
	options.DisableIdentity, options.ReadTimeout = true, time.Minute
	vault, err := keys.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	b := &bench{
		config: c, client: redis.NewClient(options), made: make([]platform.BillID, min(c.Bills, most)), homes: make(map[platform.MerchantID]engine.Partition),
		result: &Result{Bills: c.Bills, Phones: c.Phones, Partitions: c.Partitions},
		rules: billing.Config{
			Partitions: c.Partitions, Vault: vault, Random: rand.Reader, Log: zerolog.Nop(),
			Timing: billing.Timing{Linger: time.Hour}, // however long it takes
		},
	}
	defer b.client.Close()
	if err := b.claim(ctx); err != nil {
		return nil, err
	}
	err = b.run(ctx)
	if err == nil {
		b.result.Whole = true
	}
	if !c.Keep {
		err = errors.Join(err, b.empty(context.WithoutCancel(ctx)))
	}
	return b.result, err
}

func (b *bench) claim(ctx context.Context) error {
	if b.config.Fresh {
		return b.empty(ctx)
	}
	n, err := b.client.DBSize(ctx).Result()
	if err == nil && n > 0 {
		err = fmt.Errorf("%w: %d keys", ErrTaken, n)
	}
	return err
}

// empty empties the database, without its clients waiting for it.
func (b *bench) empty(ctx context.Context) error {
	if err := b.client.FlushDBAsync(ctx).Err(); err != nil {
		return fmt.Errorf("empty the database: %w", err)
	}
	for { // what is not freed yet would be measured
		left, err := b.info(ctx, "memory", "lazyfree_pending_objects")
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *bench) run(ctx context.Context) error {
	if err := b.with(ctx, b.fill); err != nil {
		return err
	}
	for _, do := range []func(context.Context) error{b.measureStore, b.readDeadlines, b.copies} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return b.takeover(ctx)
}

// room is the partitions and who runs them.
type room struct {
	*engine.Engine
	service *billing.Service
}

// start opens the store and runs the partitions; stop ends that.
func (b *bench) start(ctx context.Context) (p *room, stop func() error, err error) {
	o, err := redisstore.ParseURL(b.config.URL)
	if err != nil {
		return nil, nil, err
	}
	store, err := redisstore.Open(ctx, redisstore.Options{Redis: o, Partitions: b.config.Partitions})
	if err != nil {
		return nil, nil, err
	}
	actor := func(n engine.Partition) engine.Actor {
		part, err := billing.New(b.rules, n)
		if err != nil {
			panic(err) // what it needs is there
		}
		return part
	}
	e, err := engine.New(engine.Config{Partitions: b.config.Partitions, CommitTimeout: time.Minute}, store, actor, nil)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	service, err := billing.NewService(b.rules, e, store)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(running) }()
	stop = func() error {
		cancel()
		return errors.Join(<-ended, store.Close())
	}
	if err := e.Ready(ctx); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return &room{e, service}, stop, nil
}

func (b *bench) with(ctx context.Context, do func(context.Context, *room) error) error {
	p, stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, p), stop())
}

// takeover takes the store over, and asks about some phones.
func (b *bench) takeover(ctx context.Context) error {
	before, server, err := heap(), time.Duration(0), error(nil)
	if server, err = b.serverCPU(ctx); err != nil {
		return err
	}
	b.rules.Timing.Linger = time.Second // bills that end are filed soon
	b.result.LoadAverage = loadAverage()
	began, used := time.Now(), cputime.Self()
	p, stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	b.result.Takeover, b.result.GoCPU = time.Since(began).Seconds(), (cputime.Self() - used).Seconds()
	after, err := b.serverCPU(ctx)
	b.result.RedisCPU = (after - server).Seconds()
	asleep := heap()
	b.result.Heap = (asleep - before) / float64(b.config.Bills)
	if err == nil {
		err = b.touch(ctx, p, asleep)
	}
	if err == nil {
		err = b.finish(ctx, p)
	}
	return errors.Join(err, stop())
}

// mostTouched is how many phones are asked about.
const mostTouched = 1000

func (b *bench) touch(ctx context.Context, p *room, asleep float64) error {
	n := min(b.config.Phones, mostTouched)
	took := make([]time.Duration, 0, n)
	for i := range n {
		number := msisdn(i * (b.config.Phones / n))
		began := time.Now()
		if _, err := p.Do(ctx, p.service.PhonePartition(number), billing.FindPhone{Phone: number}); err != nil {
			return fmt.Errorf("ask about a phone: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.result.FirstP50, b.result.FirstP99 = ms(took[n/2]), ms(took[n*99/100])
	b.result.AwakeHeap = (heap() - asleep) / float64(n)
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// heap is what is live in this process.
func heap() float64 {
	runtime.GC()
	runtime.GC() // the first leaves what the pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// loadAverage is the machine's of the last minute; 0 if it does not say.
func loadAverage() (load float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	_, _ = fmt.Sscan(strings.SplitN(string(text), " ", 2)[0], &load) // 0 is as good as unknown
	return load
}

func msisdn(n int) gateway.MSISDN { return gateway.MSISDN(fmt.Sprintf("86138%08d", n)) }
