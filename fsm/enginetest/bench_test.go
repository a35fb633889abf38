package enginetest_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

func BenchmarkEngine(b *testing.B) {
	for _, server := range []struct {
		name  string
		start func(b *testing.B) string
	}{
		{"miniredis", func(b *testing.B) string { return enginetest.Miniredis(b) }},
		{"file", func(b *testing.B) string { return embedded(b, 4).Addr() }},
		{"redis-everysec", func(b *testing.B) string { return enginetest.RedisServer(b) }},
		{"redis-always", func(b *testing.B) string { return enginetest.RedisServer(b, "--appendfsync", "always") }},
	} {
		b.Run(server.name, func(b *testing.B) {
			const partitions = 4
			store, err := redisstore.Open(b.Context(), redisstore.Options{
				Redis:      &redis.UniversalOptions{Addrs: []string{server.start(b)}},
				Partitions: partitions,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			enginetest.Benchmark(b, store, partitions, 4096)
		})
	}
}
