package enginetest

import (
	"errors"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

// key1 is a key of the partition that the suites use.
const key1 = "{p01}:fence"

// TestCluster runs everything on one cluster of three masters, emptied before each.
func TestCluster(t *testing.T) {
	c := NewCluster(t, 3)
	empty := func(t testing.TB) Backend {
		c.Flush(t)
		return c
	}
	t.Run("store", func(t *testing.T) { TestStore(t, empty) })
	t.Run("engine", func(t *testing.T) { TestEngine(t, empty) })
	for _, test := range []struct {
		name string
		run  func(t *testing.T, c *Cluster)
	}{
		{"partitions are spread over the masters", testSpread},
		{"a slot is moved", testMove},
		{"a master is killed and restarted in place", testMasterKilled},
		{"a master stands still", testMasterStopped},
		{"a master comes back without its keys", testMasterEmpty},
		{"a replica that lags takes over", testFailover}, // the last: it is another cluster afterwards
	} {
		t.Run(test.name, func(t *testing.T) {
			c.Flush(t)
			test.run(t, c)
		})
	}
}

// testSpread counts the masters that the partitions of a real store come to.
func testSpread(t *testing.T, c *Cluster) {
	masters := make(map[*Server]int)
	for p := range engine.Partition(engine.DefaultPartitions) {
		masters[c.Master(t, "{"+p.String()+"}:fence")]++
	}
	for _, n := range masters {
		if len(masters) != 3 || n < 4 {
			t.Errorf("the masters have %v partitions", masters)
		}
	}
}

// testMove moves the partition's slot twice under load. Halfway nothing can be written,
// and nothing is lost by it.
func testMove(t *testing.T, c *Cluster) {
	l := underLoad(t, c)
	for range 2 {
		c.Move(t, key1, c.Other(t, key1), func() {
			refusals(t, c.Master(t, key1), "(?:ASK|TRYAGAIN)", 1)
			if _, err := l.Do(t.Context(), 2, ask{}); err != nil {
				t.Errorf("a partition of another slot: %v", err)
			}
		})
		l.more(50)
	}
	l.end()
}

// testMasterKilled kills the partition's master under load (SIGKILL), again and again.
func testMasterKilled(t *testing.T, c *Cluster) {
	l := underLoad(t, c)
	for range 2 {
		l.more(50)
		master := c.Master(t, key1)
		master.Kill()
		if _, err := l.Do(t.Context(), elsewhere(t, c), add{ID: "elsewhere", Amount: 1}); err != nil {
			t.Errorf("a partition on another master: %v", err)
		}
		master.Start(t)
	}
	l.end()
}

// elsewhere is a partition on another master.
func elsewhere(t *testing.T, c *Cluster) engine.Partition {
	t.Helper()
	master := c.Master(t, key1)
	for _, p := range []engine.Partition{0, 2, 3} {
		if c.Master(t, "{"+p.String()+"}:fence") != master {
			return p
		}
	}
	t.Fatal("all partitions are on one master")
	return 0
}

// testMasterStopped has the partition's master stand still for longer than a commit may
// take: what was on its way is then run late, or not at all.
func testMasterStopped(t *testing.T, c *Cluster) {
	l := underLoad(t, c)
	for range 3 {
		master := c.Master(t, key1)
		master.Stop(t)
		var err error
		for err == nil { // until a batch is on its way that the answer has to wait for
			_, err = l.Do(t.Context(), 1, ask{})
		}
		if !errors.Is(err, engine.ErrUnknown) && !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("while its master stands still the partition answers %v", err)
		}
		master.Continue(t)
		l.more(50)
	}
	l.end()
}

// testMasterEmpty empties the partition's master, as when it is started without its
// files: the partition is not taken for a new one.
func testMasterEmpty(t *testing.T, c *Cluster) {
	r := start(t, c, nil)
	r.add(add{ID: "a", Amount: 1})
	r.halt()
	c.Master(t, key1).Do(t, "FLUSHALL")
	if _, err := c.Open(t, nil).Take(t.Context(), 1); !errors.Is(err, redisstore.ErrLost) {
		t.Errorf("taking a partition whose keys are lost answers %v", err)
	}
}

// testFailover has a replica take over that was cut off for a while: what its master has
// acknowledged meanwhile is lost. The engine goes on from what the replica has, and who
// repeats what was lost has it again.
func testFailover(t *testing.T, c *Cluster) {
	r := start(t, c, nil)
	r.add(add{ID: "kept", Amount: 1})
	master := c.Master(t, key1)
	replica := c.Replicate(t, master)
	c.CutReplica(t, replica, master)
	r.add(add{ID: "lost", Amount: 2})
	master.Kill()
	replica.Do(t, "CLUSTER", "FAILOVER", "TAKEOVER")
	r.add(add{ID: "after", Amount: 4})
	if total, err := r.Do(t.Context(), 1, ask{}); err != nil || total != 5 {
		t.Errorf("after the failover the total is %v, %v; want 5", total, err)
	}
	r.add(add{ID: "lost", Amount: 2})
	r.halt()
	audit(t, r.store.Read(1), []string{"kept", "lost", "after"})
}
