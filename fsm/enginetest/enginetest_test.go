package enginetest_test

import (
	"net"
	"testing"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/enginetest"
)

func mini(t testing.TB) enginetest.Backend { return enginetest.Redis(enginetest.Miniredis(t)) }

func server(t testing.TB) enginetest.Backend { return enginetest.Redis(enginetest.RedisServer(t)) }

// kept is an embedded store with a file.
func kept(t testing.TB) enginetest.Backend {
	return enginetest.Redis(embedded(t, enginetest.Partitions).Addr())
}

func embedded(t testing.TB, partitions int) *aofstore.Store {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := aofstore.Open(t.Context(), aofstore.Options{
		Dir: t.TempDir(), Listener: ln, Partitions: partitions, Warn: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStoreOnMiniredis(t *testing.T)   { enginetest.TestStore(t, mini) }
func TestStoreOnFile(t *testing.T)        { enginetest.TestStore(t, kept) }
func TestStoreOnRedisServer(t *testing.T) { enginetest.TestStore(t, server) }

func TestEngineOnMiniredis(t *testing.T)   { enginetest.TestEngine(t, mini) }
func TestEngineOnFile(t *testing.T)        { enginetest.TestEngine(t, kept) }
func TestEngineOnRedisServer(t *testing.T) { enginetest.TestEngine(t, server) }

func TestServerKilled(t *testing.T) { enginetest.TestServerKilled(t) }

func TestShareOnMiniredis(t *testing.T)   { enginetest.TestShare(t, mini) }
func TestShareOnFile(t *testing.T)        { enginetest.TestShare(t, kept) }
func TestShareOnRedisServer(t *testing.T) { enginetest.TestShare(t, server) }
