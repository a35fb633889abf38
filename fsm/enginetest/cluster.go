package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

// Cluster is a Redis Cluster on loopback: masters that share the slots evenly, each of
// which syncs its file before it answers. It is a backend.
type Cluster struct {
	Nodes []*Server // masters, and then the replicas that were added
}

var _ Backend = (*Cluster)(nil)

// slots is how many a cluster has.
const slots = 16384

// NewCluster starts a cluster for the test and waits until all of it serves.
func NewCluster(t testing.TB, masters int, settings ...string) *Cluster {
	t.Helper()
	c := new(Cluster)
	for n := range masters {
		node := newNode(t, settings)
		node.Do(t, "CLUSTER", "ADDSLOTSRANGE", n*slots/masters, (n+1)*slots/masters-1)
		node.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", n+1)
		c.join(t, node)
	}
	c.Await(t)
	return c
}

// newNode starts a node that knows no other yet.
func newNode(t testing.TB, settings []string) *Server {
	t.Helper()
	s := newServer(t)
	port, bus := freePort(t), freePort(t)
	s.Addr = net.JoinHostPort("127.0.0.1", port)
	s.args = append(s.args,
		"--bind", "127.0.0.1", "--port", port, "--cluster-port", bus, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
		"--cluster-require-full-coverage", "no", "--appendfsync", "always", "--aof-load-truncated", "no", "--repl-diskless-sync-delay", "0")
	s.run(t, settings)
	return s
}

// freePort finds a port that nobody listens at, below those that outgoing connections
// are given: it is still free when a server is started again.
func freePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10000 + rand.IntN(20000))
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			_ = ln.Close() // nobody has connected
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// join has a node meet the first one.
func (c *Cluster) join(t testing.TB, node *Server) {
	t.Helper()
	if c.Nodes = append(c.Nodes, node); len(c.Nodes) == 1 {
		return
	}
	first := c.Nodes[0]
	host, port, _ := net.SplitHostPort(first.Addr)
	node.Do(t, "CLUSTER", "MEET", host, port, first.setting("--cluster-port"))
}

func (s *Server) setting(name string) string {
	for i, arg := range s.args {
		if arg == name {
			return s.args[i+1]
		}
	}
	return ""
}

// Await waits until every node knows all others and serves.
func (c *Cluster) Await(t testing.TB) {
	t.Helper()
	known := fmt.Sprintf("cluster_known_nodes:%d\r", len(c.Nodes))
	await(t, "the cluster serves", func() bool {
		for _, node := range c.Nodes {
			said, err := node.Try(t, "CLUSTER", "INFO")
			info, _ := said.(string)
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") || !strings.Contains(info, known) {
				return false
			}
		}
		return true
	})
}

func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Addrs are the nodes' addresses.
func (c *Cluster) Addrs() []string {
	var all []string
	for _, node := range c.Nodes {
		all = append(all, node.Addr)
	}
	return all
}

// URLs are the nodes' addresses as --redis takes them.
func (c *Cluster) URLs() []string {
	var all []string
	for _, node := range c.Nodes {
		all = append(all, "redis://"+node.Addr)
	}
	return all
}

// Flush empties all masters.
func (c *Cluster) Flush(t testing.TB) {
	t.Helper()
	for _, node := range c.Nodes {
		if _, err := node.Try(t, "FLUSHALL"); err != nil && !redis.HasErrorPrefix(err, "READONLY") {
			t.Fatal(err)
		}
	}
}

// Open connects a store.
func (c *Cluster) Open(t testing.TB, link *Link) engine.Store {
	t.Helper()
	if link == nil {
		link = new(Link)
	}
	store, err := redisstore.Open(t.Context(), redisstore.Options{
		Redis:      &redis.UniversalOptions{Addrs: c.Addrs(), Dialer: link.Dial},
		Partitions: Partitions,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // closing twice is an error and is fine
	return store
}

// Slot is the slot of a key.
func (c *Cluster) Slot(t testing.TB, key string) int {
	t.Helper()
	slot, _ := c.Nodes[0].Do(t, "CLUSTER", "KEYSLOT", key).(int64)
	return int(slot)
}

// Master is the node that has a key's slot, as one that answers knows it.
func (c *Cluster) Master(t testing.TB, key string) *Server {
	t.Helper()
	slot := c.Slot(t, key)
	for _, node := range c.Nodes {
		said, err := node.Try(t, "CLUSTER", "SLOTS")
		ranges, _ := said.([]any)
		if err != nil {
			continue
		}
		for _, r := range ranges {
			from, to, addr := slotRange(r)
			if from <= slot && slot <= to {
				return c.node(t, addr)
			}
		}
	}
	t.Fatalf("nobody has slot %d", slot)
	return nil
}

// slotRange reads one range of CLUSTER SLOTS, with its master.
func slotRange(r any) (from, to int, addr string) {
	parts, _ := r.([]any)
	if len(parts) < 3 {
		return 0, -1, ""
	}
	low, _ := parts[0].(int64)
	high, _ := parts[1].(int64)
	master, _ := parts[2].([]any)
	return int(low), int(high), fmt.Sprintf("%v:%v", master[0], master[1])
}

func (c *Cluster) node(t testing.TB, addr string) *Server {
	t.Helper()
	for _, node := range c.Nodes {
		if node.Addr == addr {
			return node
		}
	}
	t.Fatalf("no node is at %s", addr)
	return nil
}

// Other is a master that does not have the key's slot.
func (c *Cluster) Other(t testing.TB, key string) *Server {
	t.Helper()
	has := c.Master(t, key)
	for _, node := range c.Nodes {
		if node != has && c.isMaster(t, node) {
			return node
		}
	}
	t.Fatal("there is one master only")
	return nil
}

func (c *Cluster) isMaster(t testing.TB, node *Server) bool {
	role, _ := node.Do(t, "ROLE").([]any)
	return role[0] == "master"
}

// Move moves a key's slot to another master, with all that is in it, while the cluster
// serves. halfway, if there is one, is called when some keys are here and some there.
func (c *Cluster) Move(t testing.TB, key string, to *Server, halfway func()) {
	t.Helper()
	slot, from := c.Slot(t, key), c.Master(t, key)
	fromID, toID := from.Do(t, "CLUSTER", "MYID"), to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	for page := 2; ; page = 1000 {
		keys, _ := from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, page).([]any)
		if len(keys) == 0 {
			break
		}
		host, port, _ := net.SplitHostPort(to.Addr)
		from.Do(t, append([]any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}, keys...)...)
		if halfway != nil {
			halfway()
			halfway = nil
		}
	}
	to.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
}

// Replicate adds a replica of a master and waits until it follows.
func (c *Cluster) Replicate(t testing.TB, master *Server) *Server {
	t.Helper()
	replica := newNode(t, nil)
	c.join(t, replica)
	c.Await(t)
	replica.Do(t, "CLUSTER", "REPLICATE", master.Do(t, "CLUSTER", "MYID"))
	c.AwaitReplica(t, replica)
	return replica
}

// AwaitReplica waits until a replica has all that its master has.
func (c *Cluster) AwaitReplica(t testing.TB, replica *Server) {
	t.Helper()
	await(t, "the replica follows", func() bool {
		said, _ := replica.Do(t, "INFO", "replication").(string)
		return strings.Contains(said, "master_link_status:up")
	})
}

// CutReplica has a replica follow its master no more, though both run: it would log in
// at a master that knows no password.
func (c *Cluster) CutReplica(t testing.TB, replica, master *Server) {
	t.Helper()
	replica.Do(t, "CONFIG", "SET", "masterauth", "there is none")
	master.Do(t, "CLIENT", "KILL", "TYPE", "replica")
	await(t, "the replica is cut off", func() bool {
		said, _ := replica.Do(t, "INFO", "replication").(string)
		return strings.Contains(said, "master_link_status:down")
	})
}
