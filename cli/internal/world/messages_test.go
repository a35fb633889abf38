package world_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/msgstore/msgstoretest"
	msgredis "github.com/airtill/airtill/gateway/msgstore/redisstore"
)

// The carrier's messages are kept in a cluster as on one server: its suites pass there,
// and its slot moves and its master is killed under load.
func TestMessagesInCluster(t *testing.T) {
	c := enginetest.NewCluster(t, 3)
	empty := func(t testing.TB) msgstoretest.Backend {
		c.Flush(t)
		return func(t testing.TB, link *msgstoretest.Link, keep msgstore.Keep) msgstore.Store {
			t.Helper()
			if link == nil {
				link = new(msgstoretest.Link)
			}
			s, err := msgredis.Open(t.Context(), msgredis.Options{
				Redis: &redis.UniversalOptions{Addrs: c.Addrs(), Dialer: link.Dial}, Keep: keep,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() }) // its connections may be gone
			return s
		}
	}
	t.Run("store", func(t *testing.T) { msgstoretest.TestStore(t, empty) })
	t.Run("faults", func(t *testing.T) { msgstoretest.TestFaults(t, empty) })
	t.Run("its slot is moved", func(t *testing.T) {
		msgstoretest.TestDisturbed(t, empty(t), func(more func()) {
			for range 2 {
				c.Move(t, "{smsc}:fence", c.Other(t, "{smsc}:fence"), nil)
				more()
			}
		})
	})
	t.Run("its master is killed", func(t *testing.T) {
		msgstoretest.TestDisturbed(t, empty(t), func(more func()) {
			master := c.Master(t, "{smsc}:fence")
			master.Kill()
			master.Start(t)
			more()
		})
	})
}
