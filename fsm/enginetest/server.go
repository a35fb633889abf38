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
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisServer starts an empty redis-server for the test and answers its address. It
// keeps an append-only file (everysec) in a directory of its own.
func RedisServer(t testing.TB, settings ...string) string {
	t.Helper()
	return NewServer(t, settings...).Addr
}

// Server is a redis-server that can be stopped, killed and started again on what it has
// kept.
type Server struct {
	Addr    string // a unix socket: it needs no free port, and nobody else connects to it
	Dir     string // its files
	path    string
	args    []string
	out     strings.Builder
	process *exec.Cmd
}

// NewServer starts a server as RedisServer does.
func NewServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := newServer(t)
	s.Addr = filepath.Join(s.Dir, "s")
	s.args = append(s.args, "--port", "0", "--unixsocket", s.Addr)
	s.run(t, settings)
	return s
}

// RequireServer skips a test where no redis-server is installed, or fails it where one
// must be there.
func RequireServer(t testing.TB) (path string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv(RequirePeers) != "" {
			t.Fatalf("%v; %s is set", err, RequirePeers)
		}
		t.Skip("no redis-server on the PATH")
	}
	return path
}

// newServer is a server without an address.
func newServer(t testing.TB) *Server {
	t.Helper()
	path, dir := RequireServer(t), t.TempDir()
	return &Server{Dir: dir, path: path, args: []string{
		"--dir", dir, "--save", "", "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
	}}
}

// run starts the server for the test.
func (s *Server) run(t testing.TB, settings []string) {
	t.Helper()
	s.args = append(s.args, settings...)
	s.Start(t)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("redis-server said:\n%s", s.out.String())
		}
	})
}

// Start starts the server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.Launch(t)
	awaitServer(t, s.Addr)
}

// Launch starts the server and does not wait.
func (s *Server) Launch(t testing.TB) {
	t.Helper()
	s.process = exec.Command(s.path, s.args...)
	s.process.Stdout, s.process.Stderr = &s.out, &s.out
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the server at once (SIGKILL).
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // it may have ended by itself
	_ = s.process.Wait()         // killed
}

// Wait waits until the server has ended by itself.
func (s *Server) Wait() { _ = s.process.Wait() } // how it ends is in what it says

// Said is what the server has told so far; it is for a server that has ended.
func (s *Server) Said() string { return s.out.String() }

// Stop has the server stand still (SIGSTOP) until Continue.
func (s *Server) Stop(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Continue has it go on (SIGCONT).
func (s *Server) Continue(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Do has the server run a command, and answers its reply.
func (s *Server) Do(t testing.TB, args ...any) any {
	t.Helper()
	reply, err := s.Try(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return reply
}

// Try is Do for a command that may be refused.
func (s *Server) Try(t testing.TB, args ...any) (any, error) {
	t.Helper()
	c := s.client()
	defer c.Close()
	return c.Do(t.Context(), args...).Result()
}

func (s *Server) client() *redis.Client {
	return redis.NewClient(&redis.Options{Network: Network(s.Addr), Addr: s.Addr, Protocol: 2, MaxRetries: -1, DisableIdentity: true})
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
