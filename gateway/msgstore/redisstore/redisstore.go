// Package redisstore keeps the carrier's messages in Redis: msgstore.Store on go-redis
// (v9), for Redis 7.0 and later, one server or a cluster.
//
// All keys share a hash tag, the store's name:
//
//	{smsc}:fence     how often the store was taken: the epoch
//	{smsc}:seq       how many batches were kept
//	{smsc}:live      hash: the live records' texts by key
//	{smsc}:finished  stream: finished records, at most 256 to an entry; ids are <epoch>-<n>
//
// A batch is one MULTI/EXEC of few commands with many values each: HSET and HDEL of live,
// XADD and XTRIM of finished, SET of seq. It ends with WATCH of fence and seq for the next
// one, in the same round trip. So when another gateway takes the store, or when a copy of
// a batch that was believed lost comes late, EXEC writes nothing. After a lost reply seq
// says whether the batch is in: commands are never blindly sent again (go-redis does so by
// default, and reports success).
//
// The last gateway to open the store has it. Whoever had it learns so with its next
// batch, and writes nothing more.
//
// Used are neither Lua, nor blocking commands, nor the server's clock, nor expiry. What is
// kept outlasts the server's machine only with appendfsync always.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/airtill/airtill/gateway/msgstore"
)

// Options says where the store is. Redis must be set.
type Options struct {
	Redis *redis.UniversalOptions // addresses, credentials, dialer; the rest is set as the store needs it
	Name  string                  // of the store, where a server has several; empty is "smsc"
	Keep  msgstore.Keep           // of finished records
}

// Store is a msgstore.Store.
type Store struct {
	name   string
	keep   msgstore.Keep
	client redis.UniversalClient // never sends a command twice
	conn   *redis.Conn           // watches fence and seq; nil when that is not sure
	epoch  uint64
	seq    uint64
	closed bool
	doubt  bool // batch seq+1 was sent, and may be in
	shelf  shelf
	args   []any // of a batch's commands, used again
}

var _ msgstore.Store = (*Store)(nil)

// Open connects, and takes the store from whoever had it.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Redis == nil || len(o.Redis.Addrs) == 0 {
		return nil, errors.New("redisstore: no address")
	}
	if o.Name == "" {
		o.Name = "smsc"
	}
	s := &Store{name: o.Name, keep: o.Keep.OrDefault(), client: redis.NewUniversalClient(settings(*o.Redis))}
	if err := s.take(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open message store %s at %v: %w", o.Name, o.Redis.Addrs, err), s.Close())
	}
	return s, nil
}

// settings are those that a store needs: no command is sent twice.
func settings(o redis.UniversalOptions) *redis.UniversalOptions {
	o.Addrs = slices.Clone(o.Addrs) // a cluster's client adds to them
	o.MaxRetries, o.MaxRedirects, o.DialerRetries = -1, -1, 1
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.Protocol = 2
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.PoolSize, o.MaxActiveConns = 4, 0
	o.ReadBufferSize, o.WriteBufferSize = 32<<10, 256<<10
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 3 * time.Second
	}
	return &o
}

// Close closes the connections.
func (s *Store) Close() error {
	s.closed = true
	s.drop()
	return s.client.Close()
}

// drop closes a connection that cannot be relied on any more. In a cluster it has it
// asked anew who has the store: a pinned connection follows no MOVED, and of one whose
// server is gone nobody says it.
func (s *Store) drop() {
	if s.conn != nil {
		_ = s.conn.Close() // it is given up; how it closes does not matter
	}
	s.conn = nil
	if c, ok := s.client.(*redis.ClusterClient); ok && !s.closed {
		c.ReloadState(context.Background()) // it only asks for it, and does not wait
	}
}

func (s *Store) key(name string) string { return "{" + s.name + "}:" + name }

// connect pins a connection to the server that has the store.
func (s *Store) connect(ctx context.Context) error {
	switch c := s.client.(type) {
	case *redis.Client:
		s.conn = c.Conn()
	case *redis.ClusterClient:
		master, err := c.MasterForKey(ctx, s.key("fence"))
		if err != nil {
			return err
		}
		s.conn = master.Conn()
	default:
		return fmt.Errorf("redisstore: no connection can be pinned on a %T", s.client)
	}
	return nil
}

// take raises the fence, and notes where the last writer stopped.
func (s *Store) take(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	epoch, err := s.conn.Incr(ctx, s.key("fence")).Uint64()
	if err != nil {
		return err
	}
	s.epoch = epoch
	fence, seq, err := s.watch(ctx)
	if err == nil && fence != epoch {
		err = msgstore.ErrFenced
	}
	s.seq = seq
	return err
}

// watch watches fence and seq on the pinned connection, and reads them.
func (s *Store) watch(ctx context.Context) (fence, seq uint64, err error) {
	pipe := s.conn.Pipeline()
	now := s.watchIn(ctx, pipe)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, 0, err
	}
	return standing(now)
}

func (s *Store) watchIn(ctx context.Context, pipe redis.Pipeliner) *redis.SliceCmd {
	pipe.Do(ctx, "WATCH", s.key("fence"), s.key("seq"))
	return pipe.MGet(ctx, s.key("fence"), s.key("seq"))
}

// standing reads the answer to MGET fence seq; what is absent is 0.
func standing(now *redis.SliceCmd) (fence, seq uint64, err error) {
	values, err := now.Result()
	if err != nil {
		return 0, 0, err
	}
	var n [2]uint64
	for i, v := range values {
		if v == nil {
			continue
		}
		text, _ := v.(string)
		if n[i], err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("%w: fence and seq are %v", msgstore.ErrBroken, values)
		}
	}
	return n[0], n[1], nil
}
