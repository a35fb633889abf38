package enginetest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// RedisServer starts an empty redis-server for the test and answers its address. It
// keeps an append-only file (everysec) in a directory of its own.
func RedisServer(t testing.TB, settings ...string) string {
	t.Helper()
	return NewServer(t, settings...).Addr
}

// Server is a redis-server that can be killed and started again on what it has kept.
type Server struct {
	Addr    string // a unix socket: it needs no free port, and nobody else connects to it
	path    string
	args    []string
	out     strings.Builder
	process *exec.Cmd
}

// NewServer starts a server as RedisServer does.
func NewServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv(RequirePeers) != "" {
			t.Fatalf("%v; %s is set", err, RequirePeers)
		}
		t.Skip("no redis-server on the PATH")
	}
	dir := t.TempDir()
	s := &Server{Addr: filepath.Join(dir, "s"), path: path}
	s.args = append([]string{
		"--port", "0", "--unixsocket", s.Addr, "--dir", dir, "--save", "", "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
	}, settings...)
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
	s.process = exec.Command(s.path, s.args...)
	s.process.Stdout, s.process.Stderr = &s.out, &s.out
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	awaitServer(t, s.Addr)
}

// Kill ends the server at once (SIGKILL).
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // it may have ended by itself
	_ = s.process.Wait()         // killed
}

// awaitServer waits until the server answers and has loaded its file.
func awaitServer(t testing.TB, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, addr) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("redis-server does not answer")
		}
	}
}

func answers(ctx context.Context, addr string) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, Network(addr), addr)
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

// TestServerKilled kills a redis-server that syncs always, under load, and starts it
// again on its file, while the engine runs on: nothing that was acknowledged is lost.
func TestServerKilled(t *testing.T) {
	const kills, callers, each = 4, 8, 60
	server := NewServer(t, "--appendfsync", "always")
	w := new(witness)
	r := startHasty(t, Redis(server.Addr), w)
	var must []string
	var work sync.WaitGroup
	for c := range callers {
		for i := range each {
			must = append(must, fmt.Sprintf("%d.%d", c, i))
		}
		work.Go(func() {
			for i := range each {
				r.addUntilIn(add{ID: fmt.Sprintf("%d.%d", c, i), Amount: i, Lane: fmt.Sprint(c)})
			}
		})
	}
	for range kills {
		target := r.link.Commits() + 10
		until(t, "some more is committed", func() bool {
			return r.link.Commits() >= target || len(w.times()) == callers*each
		})
		server.Kill()
		server.Start(t)
	}
	work.Wait()
	until(t, "all effects are done", func() bool { return len(w.times()) == callers*each })
	r.halt()
	audit(t, r.store.Read(1), must)
}
