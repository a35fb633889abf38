// Package engine runs actors, one for each partition, over a store: inputs go in one
// after the other, the actor decides in memory, and what it decided is kept in one
// commit for many inputs before anybody is answered.
//
//	inputs ──▶ queue ──▶ Actor.Handle, each ──▶ one Batch ──▶ Hold.Commit ──▶ replies
//	                         (memory)           while one is                   └─▶ effects
//	                                            in flight the
//	                                            next one gathers
//
// The rules, in the order in which they matter:
//
//   - One writer. A partition has one [Actor], called by one goroutine; nothing can
//     conflict, so an actor needs no locks. Who takes a partition fences off whoever had
//     it: the store refuses the other's next commit ([ErrFenced]). An engine that shares
//     its store drops the partition ([Share]); one that does not stops.
//   - Nobody is answered before the commit is. An input that staged nothing (a query, a
//     duplicate, a refusal) is answered when all that it may have seen is in, and while
//     nobody else can have taken the partition.
//   - Memory is ahead of the store only by the batches that are on their way. When a
//     commit fails or stays in doubt, memory is dropped, and a fresh actor is loaded.
//   - Effects are performed after the commit, at least once. The journal holds them; the
//     cursor says up to where all are done; what lies behind it is performed again after
//     a restart. An effect's ID is for its receiver to know a repeat.
//   - Wake-ups are kept in the store and come back as [Due] inputs, also after a restart.
//   - A takeover need not read all that is live: a [Lazy] actor is fed what an input is
//     about, beside the others, and the input is handled again.
//   - A batch takes what is queued and never waits to fill: under load batches grow by
//     themselves, without it an input pays one round trip.
//
// The package knows no Redis; fsm/redisstore is the store, fsm/enginetest its suite.
// Left out: changing the number of partitions of a store.
package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// Partition is a number from 0 to the store's count of partitions less one.
type Partition int

// String is the partition as keys and logs have it: p03.
func (p Partition) String() string { return fmt.Sprintf("p%02d", int(p)) }

// PartitionOf chooses the partition of a key, the same one for ever.
func PartitionOf(key string, count int) Partition {
	h := fnv.New64a()
	h.Write([]byte(key))
	x := h.Sum64()
	x ^= x >> 33 // FNV's low bits follow the last octets; mix before taking the rest
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return Partition(x % uint64(count))
}

// Why an input has no reply from its actor.
var (
	// ErrUnknown: the input may or may not be in; its source repeats it to find out.
	ErrUnknown = errors.New("the outcome is unknown")
	// ErrUnavailable: the input was not run; try again later.
	ErrUnavailable = errors.New("the partition is not available")
	// ErrBusy: the partition's queue is full; the input was not run.
	ErrBusy = errors.New("the partition is busy")
)

// Actor decides for one partition. The engine calls it from one goroutine.
type Actor interface {
	// Load builds memory from what the store holds. It is called once, before Handle.
	Load(ctx context.Context, r Reader) error

	// Handle decides one input and stages what follows. It does no I/O and takes the time
	// from tx. With an error it must have staged nothing: the engine panics if it has.
	// A due wake-up comes as a Due; when Handle neither sets it again nor takes it away,
	// it is over, and when Handle fails it comes again a little later.
	Handle(tx *Tx, in any) (reply any, err error)
}

// Performer does effects. It is called from many goroutines, but for one lane of a
// partition from one at a time, in the order of the journal. nil is done; after an
// error the effect is tried again, with a growing pause, until ctx ends.
type Performer interface {
	Perform(ctx context.Context, p Partition, e Effect) error
}

// Config is what an engine can be told. The zero value is for real use.
type Config struct {
	Partitions    int           // as many as the store was made with; 0 is DefaultPartitions
	MaxBatch      int           // inputs in one commit; 0 is 512
	Queue         int           // inputs that may wait in one partition; 0 is 8192
	MaxEffects    int           // performed at the same time, over all partitions; 0 is 4096
	CommitTimeout time.Duration // after which a commit is given up as unknown; 0 is 10 s
	CursorEvery   time.Duration // how long an idle partition waits before it notes which effects are done; 0 is 1 s
	RetryMin      time.Duration // the pause after an effect or a takeover that failed; 0 is 50 ms
	RetryMax      time.Duration // what the pause grows to; 0 is 5 s
	Observer      Observer      // is told of commits; nil is nobody
	Clock         *Clock        // of inputs and deadlines; nil is the process's
	Share         *Share        // with other engines of the same store; nil: all partitions are this one's
	Log           zerolog.Logger
}

// DefaultPartitions is how many partitions there are unless somebody says otherwise.
const DefaultPartitions = 16

// MostPartitions is how many there can be.
const MostPartitions = 1 << 16

// DefaultLease is how long a lease stands still before others take its partition.
const DefaultLease = 3 * time.Second

// Validate says what cannot be.
func (c Config) Validate() error {
	switch {
	case c.Partitions < 0 || c.Partitions > MostPartitions:
		return fmt.Errorf("engine: %d partitions: 1 to %d are possible", c.Partitions, MostPartitions)
	case c.MaxBatch < 0 || c.Queue < 0 || c.MaxEffects < 0:
		return errors.New("engine: a bound is negative")
	case c.CommitTimeout < 0 || c.CursorEvery < 0 || c.RetryMin < 0 || c.RetryMax < 0:
		return errors.New("engine: a time is negative")
	case c.Share != nil && c.Share.Lease < 0:
		return errors.New("engine: the lease is negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Partitions = orDefault(c.Partitions, DefaultPartitions)
	c.MaxBatch = orDefault(c.MaxBatch, 512)
	c.Queue = orDefault(c.Queue, 8192)
	c.MaxEffects = orDefault(c.MaxEffects, 4096)
	c.CommitTimeout = orDefault(c.CommitTimeout, 10*time.Second)
	c.CursorEvery = orDefault(c.CursorEvery, time.Second)
	c.RetryMin = orDefault(c.RetryMin, 50*time.Millisecond)
	c.RetryMax = orDefault(c.RetryMax, 5*time.Second)
	if c.Share != nil {
		share := *c.Share
		share.Lease = orDefault(share.Lease, DefaultLease)
		c.Share = &share
	}
	if c.Clock == nil {
		c.Clock = NewClock(nil)
	}
	return c
}

func orDefault[V comparable](v, otherwise V) V {
	var zero V
	if v == zero {
		return otherwise
	}
	return v
}

// Engine runs all partitions of a store. Its methods are safe for concurrent use.
type Engine struct {
	config     Config
	partitions []*partition
	sharer     *sharer       // nil: all partitions are this engine's
	news       *news         // that Ready waits for
	stopped    chan struct{} // closed when Run has ended
}

// New makes an engine; Run starts it. actor makes an empty actor for a partition, each
// time that the partition's memory is built. perform may be nil if there are no effects.
func New(c Config, store Store, actor func(Partition) Actor, perform Performer) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	e := &Engine{config: c, news: newNews(), stopped: make(chan struct{})}
	for n := range c.Partitions {
		p := newPartition(Partition(n), c, store, actor, perform)
		p.news = e.news
		e.partitions = append(e.partitions, p)
	}
	if c.Share == nil {
		return e, nil
	}
	shared, ok := store.(SharedStore)
	if !ok {
		return nil, fmt.Errorf("engine: a %T cannot be shared", store)
	}
	e.sharer = newSharer(e, shared)
	return e, nil
}

// Run takes every partition, or its part of those that are shared, and serves them until
// ctx ends; then it takes no more inputs, commits those it has, waits for the effects that
// are being performed, and answers nil. It answers ErrFenced when somebody else took a
// partition, ErrBroken when the store is not as it was left, and whatever kept it from
// starting. In a store that is shared a partition that is lost or broken ends nothing
// else: it is taken again when it can be. Run is called once.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.stopped)
	if e.sharer != nil {
		return e.sharer.run(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range e.partitions {
		group.Go(func() error { return p.run(ctx) })
	}
	return group.Wait()
}

// Ready waits until every partition serves: here, or as far as this engine sees in one of
// those that it shares them with. Its error says which do not.
func (e *Engine) Ready(ctx context.Context) error {
	for {
		news := e.news.next()
		if len(e.ownerless()) == 0 {
			return nil
		}
		var again <-chan time.Time
		if e.sharer != nil { // a lease comes to stand still by itself
			again = time.After(e.config.Share.look())
		}
		select {
		case <-news:
		case <-again:
		case <-e.stopped:
			return ErrUnavailable
		case <-ctx.Done():
			return fmt.Errorf("nobody serves %s: %w", strings.Join(e.ownerless(), " "), ctx.Err())
		}
	}
}

// ownerless lists the partitions that nobody serves.
func (e *Engine) ownerless() (names []string) {
	for _, o := range e.Owners() {
		if !o.Live {
			names = append(names, o.Partition.String())
		}
	}
	return names
}

// Owner tells who has a partition. Without sharing that is this engine, or nobody yet.
func (e *Engine) Owner(p Partition) Ownership {
	if p < 0 || int(p) >= len(e.partitions) {
		return Ownership{Partition: p}
	}
	epoch := e.partitions[p].epoch.Load()
	if epoch == 0 && e.sharer != nil {
		return e.sharer.owner(p)
	}
	o := Ownership{Partition: p, Here: epoch != 0, Live: epoch != 0}
	o.Epoch = epoch
	if o.Here && e.sharer != nil {
		o.Lease.Owner, o.Address = e.sharer.store.ID(), e.config.Share.Address
	}
	return o
}

// Owners tells who has which partition.
func (e *Engine) Owners() []Ownership {
	all := make([]Ownership, 0, len(e.partitions))
	for n := range e.partitions {
		all = append(all, e.Owner(Partition(n)))
	}
	return all
}

// Do hands an input to a partition and answers what its actor did, once it is kept.
// The error is the actor's refusal, ErrUnknown, ErrUnavailable or ErrBusy.
func (e *Engine) Do(ctx context.Context, p Partition, in any) (any, error) {
	answers := make(chan answer, 1)
	if err := e.Post(p, in, func(reply any, err error) { answers <- answer{reply, err} }); err != nil {
		return nil, err
	}
	select {
	case a := <-answers:
		return a.reply, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

type answer struct {
	reply any
	err   error
}

// Post hands an input to a partition and does not wait. done, which may be nil, is
// called once with what Do would answer; it must not block. When Post answers an error
// (ErrBusy, ErrUnavailable) the input was not taken and done is not called.
func (e *Engine) Post(p Partition, in any, done func(any, error)) error {
	if p < 0 || int(p) >= len(e.partitions) {
		return fmt.Errorf("%w: there is no partition %d", ErrUnavailable, int(p))
	}
	return e.partitions[p].queue.push(input{in: in, done: done})
}
