package redisstore

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// Reading is a store that is only read, whatever it was made for, by a client that stays
// the caller's.
func Reading(client redis.UniversalClient) engine.Store { return onlyRead{client} }

type onlyRead struct{ client redis.UniversalClient }

func (s onlyRead) Read(p engine.Partition) engine.Reader {
	return &reader{client: s.client, prefix: prefix(p)}
}

func (onlyRead) Take(context.Context, engine.Partition) (engine.Hold, error) {
	return nil, errors.New("redisstore: this store is only read")
}
