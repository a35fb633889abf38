// Package msgstoretest proves stores of messages: a conformance suite for any
// msgstore.Store, one of faults for stores on a server, and one that kills the server and
// its writer under load.
package msgstoretest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/msgstore/redisstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// Backend is one set of records under test. Open opens it, once more each time, through
// the link if there is one and if there is a wire.
type Backend func(t testing.TB, link *Link, keep msgstore.Keep) msgstore.Store

// RequirePeers is the environment variable that makes a missing redis-server fail a test
// instead of skipping it.
const RequirePeers = "AIRTILL_REQUIRE_PEERS"

// Memory is a store that lasts as long as the test.
func Memory(testing.TB) Backend {
	var m *msgstore.Memory
	return func(_ testing.TB, _ *Link, keep msgstore.Keep) msgstore.Store {
		if m == nil {
			m = msgstore.NewMemory(keep)
		}
		return m
	}
}

// Miniredis is redisstore on an empty miniredis.
func Miniredis(t testing.TB) Backend { return On(miniredis.RunT(t).Addr()) }

// RedisServer is redisstore on an empty redis-server.
func RedisServer(t testing.TB) Backend { return On(NewServer(t).Addr) }

// On is redisstore on the server at an address.
func On(addr string) Backend {
	return func(t testing.TB, link *Link, keep msgstore.Keep) msgstore.Store {
		t.Helper()
		if link == nil {
			link = new(Link)
		}
		s, err := redisstore.Open(t.Context(), redisstore.Options{
			Redis: &redis.UniversalOptions{Addrs: []string{addr}, Dialer: link.Dial}, Keep: keep,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() }) // its connections may be gone
		return s
	}
}

// Server is a redis-server that can be killed and started again on what it has kept: it
// syncs its append-only file before it answers.
type Server struct {
	Addr    string // a unix socket: it needs no free port, and nobody else connects to it
	path    string
	out     strings.Builder
	process *exec.Cmd
}

// NewServer starts an empty server for the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv(RequirePeers) != "" {
			t.Fatalf("%v; %s is set", err, RequirePeers)
		}
		t.Skip("no redis-server on the PATH")
	}
	s := &Server{Addr: filepath.Join(t.TempDir(), "s"), path: path}
	s.Start(t)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("redis-server said:\n%s", s.out.String())
		}
	})
	return s
}

// Start starts the server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.process = exec.Command(s.path, "--port", "0", "--unixsocket", s.Addr, "--dir", filepath.Dir(s.Addr), "--save", "",
		"--daemonize", "no", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
	s.process.Stdout, s.process.Stderr = &s.out, &s.out
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !answers(s.Addr); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
}

// Kill ends the server at once (SIGKILL).
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // it may have ended by itself
	_ = s.process.Wait()         // killed
}

// answers says whether the server answers and has loaded its file.
func answers(addr string) bool {
	c, err := net.Dial("unix", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	var reply [5]byte
	_, err = io.ReadFull(c, reply[:])
	return err == nil && string(reply[:]) == "+PONG"
}

var accepted = time.UnixMilli(1_764_288_032_000).UTC()

// message is a live record.
func message(key string) *msgstore.Record {
	return &msgstore.Record{
		Key: key, ID: gateway.MessageID(key), Account: "platform", Order: 1, State: gateway.Enroute, Accepted: accepted,
		PDU: &smpp.SubmitSM{Source: smpp.Address{Digits: "10658"}, Destination: smpp.Address{Digits: "8613800000001"}, ShortMessage: []byte(key)},
	}
}

// delivered is the message in its final state.
func delivered(key string) *msgstore.Record {
	r := message(key)
	r.State, r.Done = gateway.Delivered, time.Now()
	return r
}

// receipt is the message's, under a key of its own.
func receipt(key string) *msgstore.Record {
	r := message(key)
	r.Key, r.Kind, r.PDU = key+"/r", msgstore.Receipt, &smpp.DeliverSM{ESMClass: smpp.ESMReceipt, ShortMessage: []byte("id:" + key)}
	return r
}

// batch makes one of the given changes.
func batch(t testing.TB, changes ...func(*msgstore.Batch) error) *msgstore.Batch {
	t.Helper()
	b := new(msgstore.Batch)
	for _, change := range changes {
		if err := change(b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func put(r *msgstore.Record) func(*msgstore.Batch) error {
	return func(b *msgstore.Batch) error { return b.Put(r) }
}

func finish(r *msgstore.Record) func(*msgstore.Batch) error {
	return func(b *msgstore.Batch) error { return b.Finish(r) }
}

func remove(key string) func(*msgstore.Batch) error {
	return func(b *msgstore.Batch) error { b.Remove(key); return nil }
}

// commit keeps a batch, trying again as a committer does.
func commit(t testing.TB, s msgstore.Store, b *msgstore.Batch) {
	t.Helper()
	var err error
	for range 3 {
		if err = s.Commit(t.Context(), b); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// contents are a store's records, as key and state in order.
func contents(t testing.TB, s msgstore.Store) []string {
	t.Helper()
	var all []string
	for _, r := range load(t, s) {
		all = append(all, r.Key+" "+r.State.String())
	}
	slices.Sort(all)
	return all
}

func load(t testing.TB, s msgstore.Store) []msgstore.Record {
	t.Helper()
	var all []msgstore.Record
	for r, err := range s.Load(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func want(t testing.TB, s msgstore.Store, records ...string) {
	t.Helper()
	if got := contents(t, s); !slices.Equal(got, records) {
		t.Errorf("the store has %q, want %q", got, records)
	}
}

func numbered(prefix string, n int) string { return fmt.Sprintf("%s%06d", prefix, n) }
