package enginetest_test

import (
	"testing"

	"github.com/airtill/airtill/fsm/enginetest"
)

func mini(t testing.TB) enginetest.Backend { return enginetest.Redis(enginetest.Miniredis(t)) }

func server(t testing.TB) enginetest.Backend { return enginetest.Redis(enginetest.RedisServer(t)) }

func TestStoreOnMiniredis(t *testing.T)   { enginetest.TestStore(t, mini) }
func TestStoreOnRedisServer(t *testing.T) { enginetest.TestStore(t, server) }

func TestEngineOnMiniredis(t *testing.T)   { enginetest.TestEngine(t, mini) }
func TestEngineOnRedisServer(t *testing.T) { enginetest.TestEngine(t, server) }

func TestServerKilled(t *testing.T) { enginetest.TestServerKilled(t) }
