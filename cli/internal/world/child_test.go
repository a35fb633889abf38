package world_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
)

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "airtill")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func putOne(t *testing.T, s *world.Store, want uint64) {
	t.Helper()
	h, err := s.Take(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if h.Seq() != want {
		t.Errorf("the store goes on after batch %d, want %d", h.Seq(), want)
	}
	if err := h.Commit(t.Context(), &engine.Batch{Seq: h.Seq() + 1, Puts: []engine.Put{{Key: "a", Value: []byte("1")}}}); err != nil {
		t.Fatal(err)
	}
}

// TestOpenChild: a redis-server of our own goes on with what an embedded store has kept,
// tells its settings, says when it has ended, and is started again on what it had.
func TestOpenChild(t *testing.T) {
	enginetest.RequireServer(t)
	dir := shortDir(t)
	kept, err := world.OpenKept(t.Context(), network.TCP{}, "127.0.0.1:0", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	putOne(t, kept, 0)
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	warned := make(chan error, 1)
	s, err := world.OpenChild(t.Context(), dir, func(err error) { warned <- err })
	if err != nil {
		t.Fatal(err)
	}
	putOne(t, s, 1)
	if len(s.Risks) > 0 || !strings.Contains(s.Promise, "nothing acknowledged is lost") {
		t.Errorf("it promises %q, at the risks %q", s.Promise, s.Risks)
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := world.OpenChild(soon, dir, nil); !errors.Is(err, aofstore.ErrInUse) {
		t.Errorf("another in the same directory: %v", err)
	}
	client := redis.NewClient(&redis.Options{Addr: filepath.Join(dir, "redis.sock"), MaxRetries: -1})
	_ = client.ShutdownNoSave(t.Context()).Err() // it ends without an answer
	_ = client.Close()
	if err := <-warned; !strings.Contains(err.Error(), filepath.Join(dir, "redis.log")) {
		t.Errorf("of its end it says %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = world.OpenChild(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	putOne(t, s, 2)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenChildNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := world.OpenChild(t.Context(), t.TempDir(), nil); !errors.Is(err, world.ErrNoServer) {
		t.Errorf("without a redis-server: %v", err)
	}
}
