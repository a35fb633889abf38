package main

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/enginetest"
)

// The same binary, and a cluster of three masters as its store: the platform is killed in
// the middle of many bills, doctor finds every master right, and one node of the cluster
// that is named as if it were a server is not taken for one.
func TestRoomsOnCluster(t *testing.T) {
	t.Parallel()
	c := enginetest.NewCluster(t, 3)
	urls := strings.Join(c.URLs(), ",")
	r := openRooms(t, "--redis", urls)
	r.killPlatform()
	r.run(0, "audit", "--redis", urls)
	said := r.run(0, "doctor", "--redis", urls)
	for _, node := range c.Nodes {
		if !strings.Contains(said, node.Addr) {
			t.Errorf("doctor has not looked at %s", node.Addr)
		}
		if keys := node.Do(t, "DBSIZE").(int64); keys < 10 {
			t.Errorf("%s has %d keys", node.Addr, keys)
		}
	}
	for _, node := range c.URLs() {
		r.run(1, "platform", "--redis", node, "--http", "127.0.0.1:0", "--vault", r.file("vault.json"))
		if said := r.said.String(); !strings.Contains(said, "it is one node of a cluster: name two of its masters or more") {
			t.Errorf("a node that is named alone: %s", said)
		}
	}
}
