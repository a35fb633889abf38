// Package enginetest proves stores and the engine over them: a conformance suite that
// any engine.Store must pass, a suite that kills and restarts the engine on it, and a
// benchmark. It also starts what they run on: miniredis in the process, and a real
// redis-server as a process of its own.
//
// Faults come from a [Link], which stands in for the network between a store and its
// server: it loses requests, loses replies, holds a request back to deliver it late,
// and cuts everything off.
package enginetest

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/airtill/airtill/fsm/engine"
)

// Backend is one set of data under test. Open connects a store to it, once more each
// time, through the link if there is one.
type Backend interface {
	Open(t testing.TB, link *Link) engine.Store
}

// Partitions is how many partitions the suites expect a backend to have.
const Partitions = 4

// RequirePeers is the environment variable that makes a missing redis-server fail a
// test instead of skipping it.
const RequirePeers = "AIRTILL_REQUIRE_PEERS"

// Miniredis starts a miniredis for the test and answers its address.
func Miniredis(t testing.TB) string {
	return miniredis.RunT(t).Addr()
}

// Network is the network of an address: unix for a path, else tcp.
func Network(addr string) string {
	if strings.HasPrefix(addr, "/") {
		return "unix"
	}
	return "tcp"
}
