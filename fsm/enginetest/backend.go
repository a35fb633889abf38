package enginetest

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

// Redis is a backend of redisstore on the server at an address.
type Redis string

var _ Backend = Redis("")

// Open connects a store.
func (r Redis) Open(t testing.TB, link *Link) engine.Store {
	t.Helper()
	if link == nil {
		link = new(Link)
	}
	store, err := redisstore.Open(t.Context(), redisstore.Options{
		Redis:      &redis.UniversalOptions{Addrs: []string{string(r)}, Dialer: link.Dial},
		Partitions: Partitions,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // closing twice is an error and is fine
	return store
}
