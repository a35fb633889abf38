package msgstoretest_test

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/gateway/msgstore/msgstoretest"
)

// go-redis tells each dial that fails to stderr, and here servers are killed on purpose.
func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

func TestMemory(t *testing.T)      { msgstoretest.TestStore(t, msgstoretest.Memory) }
func TestMiniredis(t *testing.T)   { msgstoretest.TestStore(t, msgstoretest.Miniredis) }
func TestRedisServer(t *testing.T) { msgstoretest.TestStore(t, msgstoretest.RedisServer) }

func TestFaultsOfMiniredis(t *testing.T)   { msgstoretest.TestFaults(t, msgstoretest.Miniredis) }
func TestFaultsOfRedisServer(t *testing.T) { msgstoretest.TestFaults(t, msgstoretest.RedisServer) }

func TestServerKilled(t *testing.T) { msgstoretest.TestServerKilled(t) }

func TestWriterKilledOnMiniredis(t *testing.T) {
	msgstoretest.TestWriterKilled(t, msgstoretest.Miniredis, 1)
}

func TestWriterKilledOnRedisServer(t *testing.T) {
	msgstoretest.TestWriterKilled(t, msgstoretest.RedisServer, 2)
}

// BenchmarkCommitter has many sessions keep messages, from acceptance to delivery, and
// reports how many batches share a write.
func BenchmarkCommitter(b *testing.B) {
	b.Run("memory", func(b *testing.B) { msgstoretest.BenchmarkCommitter(b, msgstoretest.Memory) })
	b.Run("miniredis", func(b *testing.B) { msgstoretest.BenchmarkCommitter(b, msgstoretest.Miniredis) })
	b.Run("redis-always", func(b *testing.B) { msgstoretest.BenchmarkCommitter(b, msgstoretest.RedisServer) })
}
