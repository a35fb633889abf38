// Package redisstore keeps the engine's partitions in Redis: engine.Store on go-redis
// (v9), for Redis 7.0 and later, one server or a cluster.
//
// All keys of a partition share its hash tag:
//
//	{p03}:fence    how often the partition was taken: the epoch
//	{p03}:lease    who has it, and where that one is reached; absent when it was given up
//	{p03}:seq      the number of the last batch
//	{p03}:cursor   the last journal entry whose effects, and all before, are done
//	{p03}:chain    the chain of the last journal entry
//	{p03}:due      sorted set: wake-ups, by Unix milliseconds
//	{p03}:journal  stream: an entry for each batch, <epoch>-<seq>, a field for each event, and the chain
//	{p03}:NAME     what the actor keeps
//	airtill:store  what the store was made for
//	airtill:members  hash: the engines that share the store, and a beat that says that each lives
//	airtill:NAME   what all who share the store have to agree on
//
// A batch is one MULTI/EXEC of few commands with many values each, on a connection of
// the partition's own. Each batch ends with WATCH of fence and seq for the next one, in
// the same round trip: when somebody takes the partition, or when a copy of the batch
// that was believed lost comes late, EXEC writes nothing. Replies that are lost are
// resolved by reading seq: commands are never blindly sent again.
//
// The chain is 64 hexadecimal digits, the SHA-256 of these octets: the 32 of the chain
// before, zeros for the first entry that has one; the entry's id and a line feed; and for
// each event its name, a zero, its text as it is, and a line feed. An entry that is
// changed, left out or put in breaks the chain of all that follow it.
//
// A lease has no time in it: who shares the store sees by its own clock that fence, seq
// and lease have not moved, and takes the partition over if they still have not (WATCH).
//
// Used are neither Lua, nor blocking commands, nor the server's clock, nor expiry. Left
// out: WAIT for replicas.
package redisstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/airtill/airtill/fsm/engine"
)

// Options says where the store is. Redis must be set.
type Options struct {
	Redis      *redis.UniversalOptions // addresses, credentials, dialer; the rest is set as the store needs it
	Partitions int                     // that the store has; 0: those that it was made with
	New        int                     // those that it is made with for ever if it is new; 0 is Partitions, or engine.DefaultPartitions
	Owner      io.Reader               // randomness for the name under which partitions are taken; nil is crypto/rand
}

// ParseURL makes options of redis:// and rediss:// addresses; several are a cluster's.
func ParseURL(urls ...string) (*redis.UniversalOptions, error) {
	var u redis.UniversalOptions
	for _, url := range urls {
		o, err := redis.ParseURL(url)
		if err != nil {
			return nil, fmt.Errorf("redisstore: %w", err)
		}
		u.Addrs = append(u.Addrs, o.Addr)
		u.DB, u.Username, u.Password, u.TLSConfig = o.DB, o.Username, o.Password, o.TLSConfig
	}
	return &u, nil
}

// Validate says what is missing.
func (o Options) Validate() error {
	switch {
	case o.Redis == nil || len(o.Redis.Addrs) == 0:
		return errors.New("redisstore: no address")
	case o.Partitions < 0 || o.New < 0:
		return errors.New("redisstore: the count of partitions is negative")
	case o.Partitions > 0 && o.New > 0 && o.New != o.Partitions:
		return errors.New("redisstore: a new store would be made with another count of partitions")
	}
	return nil
}

// Store is an engine.Store. It is safe for concurrent use.
type Store struct {
	partitions int
	owner      string
	writer     redis.UniversalClient // never sends a command twice
	reader     redis.UniversalClient

	closed atomic.Bool

	mu   sync.Mutex
	held map[engine.Partition]bool // those taken at least once, of a store that is not shared
}

var _ engine.Store = (*Store)(nil)

// Open connects, and makes the store if it is new.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Owner == nil {
		o.Owner = rand.Reader
	}
	name := make([]byte, 8)
	if _, err := io.ReadFull(o.Owner, name); err != nil {
		return nil, fmt.Errorf("redisstore: name the owner: %w", err)
	}
	s := &Store{
		partitions: cmp.Or(o.Partitions, o.New, engine.DefaultPartitions),
		owner:      hex.EncodeToString(name),
		reader:     redis.NewUniversalClient(reading(*o.Redis)),
		held:       make(map[engine.Partition]bool),
	}
	if err := s.claim(ctx, o.Partitions); err != nil {
		return nil, errors.Join(fmt.Errorf("open store at %v: %w", o.Redis.Addrs, err), s.reader.Close())
	}
	s.writer = redis.NewUniversalClient(writing(*o.Redis, s.partitions))
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error {
	s.closed.Store(true)
	return errors.Join(s.writer.Close(), s.reader.Close())
}

// mostLooks is how often a reader of a cluster asks again while a slot is moved.
const mostLooks = 6

// reading is for readers, which may ask again.
func reading(o redis.UniversalOptions) *redis.UniversalOptions {
	o.Addrs = slices.Clone(o.Addrs) // a cluster's client adds to them
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.Protocol = 2
	o.MaxRedirects = cmp.Or(o.MaxRedirects, mostLooks)
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 3 * time.Second
	}
	return &o
}

// writing is for committers: by default go-redis sends a command again after a lost
// reply and reports success, which applies it twice.
func writing(o redis.UniversalOptions, partitions int) *redis.UniversalOptions {
	o = *reading(o)
	o.MaxRetries = -1
	o.MaxRedirects = -1
	o.DialerRetries = 1
	o.PoolSize = partitions + 4 // a connection each, and some while old ones are closed
	o.MaxActiveConns = 0
	o.ReadBufferSize, o.WriteBufferSize = 4<<10, 64<<10
	return &o
}

func prefix(p engine.Partition) string { return "{" + p.String() + "}:" }

func fenceKey(p engine.Partition) string { return prefix(p) + "fence" }
