package world

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/redisstore"
)

// EraseStore removes what an earlier network left at the redis:// URLs, and nothing
// else that is kept there. It answers how many keys there were.
func EraseStore(ctx context.Context, urls ...string) (erased int, err error) {
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return 0, err
	}
	client := redis.NewUniversalClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	var sum atomic.Int64
	err = eachServer(ctx, client, func(ctx context.Context, server *redis.Client) error {
		for _, pattern := range []string{"{p[0-9]*}:*", "airtill:*"} {
			n, err := eraseMatching(ctx, server, pattern)
			sum.Add(int64(n))
			if err != nil {
				return fmt.Errorf("erase the store: %w", err)
			}
		}
		return nil
	})
	return int(sum.Load()), err
}

// eachServer does something to the server, or to each master of a cluster, which has some
// of the keys.
func eachServer(ctx context.Context, client redis.UniversalClient, do func(context.Context, *redis.Client) error) error {
	switch c := client.(type) {
	case *redis.Client:
		return do(ctx, c)
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, do)
	}
	return fmt.Errorf("no servers are known behind a %T", client)
}

func eraseMatching(ctx context.Context, server *redis.Client, pattern string) (erased int, err error) {
	const page = 1000
	for cursor := uint64(0); ; {
		names, next, err := server.Scan(ctx, cursor, pattern, page).Result()
		if err != nil {
			return erased, err
		}
		n, err := eraseKeys(ctx, server, names)
		if erased += n; err != nil {
			return erased, err
		}
		if cursor = next; cursor == 0 {
			return erased, nil
		}
	}
}

// eraseKeys deletes each key for itself: those of different slots cannot be named in one command.
func eraseKeys(ctx context.Context, server *redis.Client, names []string) (erased int, err error) {
	if len(names) == 0 {
		return 0, nil
	}
	replies, err := server.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, name := range names {
			pipe.Del(ctx, name)
		}
		return nil
	})
	for _, reply := range replies {
		if n, ok := reply.(*redis.IntCmd); ok {
			erased += int(n.Val())
		}
	}
	return erased, err
}
