package world

import (
	"context"
	"errors"
	"fmt"

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
	for _, pattern := range []string{"{p[0-9]*}:*", "airtill:*"} {
		n, err := eraseMatching(ctx, client, pattern)
		erased += n
		if err != nil {
			return erased, fmt.Errorf("erase the store: %w", err)
		}
	}
	return erased, nil
}

func eraseMatching(ctx context.Context, client redis.UniversalClient, pattern string) (erased int, err error) {
	const page = 1000
	for cursor := uint64(0); ; {
		names, next, err := client.Scan(ctx, cursor, pattern, page).Result()
		if err != nil {
			return erased, err
		}
		if len(names) > 0 {
			n, err := client.Del(ctx, names...).Result()
			if err != nil {
				return erased, err
			}
			erased += int(n)
		}
		if cursor = next; cursor == 0 {
			return erased, nil
		}
	}
}
