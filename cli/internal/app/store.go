package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/redisstore"
)

func redisFlag(into *string) cli.Flag {
	return &cli.StringFlag{
		Name: "redis", Usage: "keep everything in the Redis at `URL` (default: embedded, gone at the end)",
		EnvVars: []string{"AIRTILL_REDIS"}, Destination: into,
	}
}

func freshFlag(into *bool) cli.Flag {
	return &cli.BoolFlag{Name: "fresh", Usage: "erase what an earlier network left in that Redis first", Destination: into}
}

// What is said instead of an address: --redis child is a redis-server of its own, --data
// none keeps nothing.
const (
	child    = "child"
	inMemory = "none"
)

// storeAt is where a store for keeps is.
type storeAt struct{ redis, data string }

func (s *storeAt) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "redis", Usage: "keep everything in the Redis at `URL`, or \"child\": in a redis-server of its own, in the data directory (default: embedded)",
			EnvVars: []string{"AIRTILL_REDIS"}, Destination: &s.redis,
		},
		&cli.StringFlag{
			Name: "data", Usage: "keep what is embedded in `DIR`, or \"none\": in memory, gone at the end (default store in the state directory)",
			EnvVars: []string{"AIRTILL_DATA"}, Destination: &s.data,
		},
	}
}

// open opens the store.
func (s *storeAt) open(ctx context.Context, c *call, n network.Network) (*world.Store, error) {
	dir, err := s.dir(c)
	switch {
	case err != nil:
		return nil, err
	case s.redis != "" && s.redis != child:
		return openStore(ctx, world.Stores{Network: n}, s.redis)
	}
	warn := func(err error) { c.log.Warn().Err(err).Msg("the store") }
	var store *world.Store
	if s.redis == child {
		store, err = world.OpenChild(ctx, dir, warn)
	} else {
		store, err = world.OpenKept(ctx, n, "127.0.0.1:0", dir, warn)
	}
	return store, explainStore(err, dir)
}

// own says whether the store is this process's alone: embedded, or a server of its own.
func (s *storeAt) own() bool { return s.redis == "" || s.redis == child }

// dir is the data directory; "" is none.
func (s *storeAt) dir(c *call) (string, error) {
	switch {
	case s.redis != "" && s.redis != child && s.data != "":
		return "", usagef("--redis URL and --data DIR: a store is in one place; leave one of them out")
	case s.redis == child && s.data == inMemory:
		return "", usagef("--redis child needs a directory: --data DIR, or leave --data out")
	case s.data == inMemory:
		return "", nil
	}
	return cmp.Or(s.data, stateFile(c.env.Getenv, "store")), nil
}

// refuseUnsafe does so where the store is a server that others have started.
func (s *storeAt) refuseUnsafe(ctx context.Context, c *call, allowed bool) error {
	if _, err := s.dir(c); err != nil || s.redis == child {
		return err
	}
	return refuseUnsafe(ctx, c, s.redis, allowed)
}

// explainStore says what to do about a store that does not open.
func explainStore(err error, dir string) error {
	switch {
	case errors.Is(err, world.ErrNoServer):
		return hinted(err, "install redis 7, or leave --redis out: the embedded store keeps everything too")
	case errors.Is(err, aofstore.ErrInUse):
		return hinted(err, "airtill processes share a store in a Redis of their own: --redis URL")
	case errors.Is(err, aofstore.ErrServers):
		return hinted(err, "go on with it: --redis child; or say another directory: --data DIR")
	case errors.Is(err, aofstore.ErrDamaged):
		return hinted(err, "nothing was changed in %s", dir)
	}
	return err
}

// storeURLs reads what was said of a store: nothing, its URL, or those of a cluster.
// They may hold a password, so no error repeats them.
func storeURLs(said string) ([]string, error) {
	if said == "" {
		return nil, nil
	}
	urls := strings.Split(said, ",")
	if _, err := redisstore.ParseURL(urls...); err != nil {
		return nil, usagef("the store's address is no URL like redis://127.0.0.1:6379/0; say one: --redis URL")
	}
	return urls, nil
}

// knock makes sure at once that a server listens at the URLs.
func knock(ctx context.Context, urls []string) error {
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return err
	}
	if err := answers(ctx, options.Addrs); err != nil {
		return hinted(fmt.Errorf("open the store: %w", err), "is a Redis 7 there? leave --redis out to keep everything in this process")
	}
	return nil
}

// openStore opens the store that --redis says, or an embedded one.
func openStore(ctx context.Context, stores world.Stores, said string) (*world.Store, error) {
	urls, err := storeURLs(said)
	if err != nil {
		return nil, err
	}
	if err := knock(ctx, urls); err != nil {
		return nil, err
	}
	store, err := stores.Open(ctx, "127.0.0.1:0", urls...)
	if err != nil {
		return nil, hinted(err, "is a Redis 7 there? leave --redis out to keep everything in this process")
	}
	return store, nil
}

// ownStore opens the store of a network that enrols people of its own: it must be empty.
func ownStore(ctx context.Context, c *call, stores world.Stores, said string, fresh bool) (*world.Store, error) {
	if fresh {
		if err := erase(ctx, c, said); err != nil {
			return nil, err
		}
	}
	store, err := openStore(ctx, stores, said)
	if err != nil {
		return nil, err
	}
	empty, err := store.Empty(ctx)
	if err == nil && !empty {
		err = hinted(fmt.Errorf("the Redis at %s holds a network already", store.Shown),
			"use an empty database (redis://HOST:PORT/1), or erase it with --fresh")
	}
	if err != nil {
		closeStore(c, store)
		return nil, err
	}
	warnRisks(c, store)
	return store, nil
}

// erase makes room for a new network where there is an old one.
func erase(ctx context.Context, c *call, said string) error {
	urls, err := storeURLs(said)
	if err != nil || len(urls) == 0 {
		return err
	}
	if err := knock(ctx, urls); err != nil {
		return err
	}
	if err := confirmStore(ctx, c, urls); err != nil {
		return err
	}
	erased, err := world.EraseStore(ctx, urls...)
	if err != nil {
		return err
	}
	c.talk("erased %d keys of an earlier network", erased)
	return nil
}

// confirmStore asks before a database that holds something is erased.
func confirmStore(ctx context.Context, c *call, urls []string) error {
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return err
	}
	client := redis.NewUniversalClient(looking(options))
	defer client.Close()
	count, err := client.DBSize(ctx).Result()
	if err != nil {
		return fmt.Errorf("count what would be erased: %w", err)
	}
	if count == 0 {
		return nil
	}
	return c.confirmErase(ctx, "the network in %s, a database of %d keys", world.Shown(urls), count)
}

func closeStore(c *call, store *world.Store) {
	if err := store.Close(); err != nil {
		c.log.Warn().Err(err).Msg("the store did not close well")
	}
}

// warnRisks says what the store's server can lose.
func warnRisks(c *call, store *world.Store) {
	for _, risk := range store.Risks {
		c.log.Warn().Str("store", store.Shown).Msg(risk)
	}
}

// refuseUnsafe refuses a server whose settings can lose money, before anything is
// written to it. One that does not tell its settings is warned of and trusted.
func refuseUnsafe(ctx context.Context, c *call, said string, allowed bool) error {
	urls, err := storeURLs(said)
	if err != nil || len(urls) == 0 || allowed {
		return err
	}
	if err := knock(ctx, urls); err != nil {
		return err
	}
	settings, err := inspect(ctx, urls)
	if err != nil {
		c.log.Warn().Err(err).Msg("what the store's server can lose is not known")
		return nil
	}
	var dangers []string
	for _, s := range redisstore.Dangers(settings) {
		dangers = append(dangers, s.String())
	}
	if len(dangers) == 0 {
		return nil
	}
	return hinted(fmt.Errorf("this Redis can lose money: %s", strings.Join(dangers, "; ")),
		"airtill doctor --redis URL says how to mend it; --allow-unsafe-redis starts all the same")
}
