package world

import (
	"context"

	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/fsm/redisstore"
	msgredis "github.com/airtill/airtill/gateway/msgstore/redisstore"
)

// Messages is the carrier's open message store on a Redis server.
type Messages struct {
	*msgredis.Store
	Shown string // its URLs without what is secret in them
}

// OpenMessages opens the message store at redis:// URLs, several of which are a
// cluster's. Whoever had it has it no more.
func OpenMessages(ctx context.Context, urls ...string) (*Messages, error) {
	logging.Disable() // go-redis tells its dial errors to stderr; we get them as errors too
	options, err := redisstore.ParseURL(urls...)
	if err != nil {
		return nil, err
	}
	store, err := msgredis.Open(ctx, msgredis.Options{Redis: options})
	if err != nil {
		return nil, err
	}
	return &Messages{Store: store, Shown: Shown(urls)}, nil
}
