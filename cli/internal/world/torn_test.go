package world_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

// lastFile is the append-only file that a server writes to.
func lastFile(dir string) string {
	return filepath.Join(dir, "appendonlydir", "appendonly.aof.1.incr.aof")
}

// numbered is a batch that shows when a part of it is missing, or when it comes twice.
func numbered(seq uint64, by string) *engine.Batch {
	n := strconv.FormatUint(seq, 10)
	return &engine.Batch{
		Seq:     seq,
		Puts:    []engine.Put{{Key: "last", Value: []byte(n + by)}},
		Fields:  []engine.Field{{Hash: "all", Name: n, Value: by + strings.Repeat(".", 100)}},
		Journal: []engine.Event{{Subject: n, Name: "step", Cause: by}},
	}
}

// whole looks at what a partition has: so many batches, each whole, the last by somebody.
func whole(t *testing.T, r engine.Reader, last uint64, by string) {
	t.Helper()
	kept, err := r.Get(t.Context(), "last", "seq")
	if err != nil {
		t.Fatal(err)
	}
	n := strconv.FormatUint(last, 10)
	fields, err := r.Fields(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.Journal(t.Context(), "-", "+", 0)
	if err != nil {
		t.Fatal(err)
	}
	if kept[0] != n+by || kept[1] != n || len(fields) != int(last) || len(entries) != int(last) ||
		!strings.HasPrefix(fields[n], by+".") || entries[last-1].Events[0].Cause != by {
		t.Errorf("want %d batches, the last by %s: last is %q, seq %q, %d fields, %d entries", last, by, kept[0], kept[1], len(fields), len(entries))
	}
}

// torn is the directory of a server that was killed, and how large its file was when
// all but the last batch were acknowledged, and when the last was.
func torn(t *testing.T, acknowledged uint64) (dir string, before, after int64) {
	t.Helper()
	server := enginetest.NewServer(t, "--appendfsync", "always")
	store, err := redisstore.Open(t.Context(), redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	h, err := store.Take(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for seq := uint64(1); seq <= acknowledged+1; seq++ {
		before = size(t, lastFile(server.Dir))
		if err := h.Commit(t.Context(), numbered(seq, "first")); err != nil {
			t.Fatal(err)
		}
	}
	server.Kill()
	return server.Dir, before, size(t, lastFile(server.Dir))
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// copied is a copy of a server's files.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := shortDir(t)
	if err := os.CopyFS(filepath.Join(to, "appendonlydir"), os.DirFS(filepath.Join(dir, "appendonlydir"))); err != nil {
		t.Fatal(err)
	}
	return to
}

// A power cut can tear the file anywhere beyond the last batch that was acknowledged. The
// batch that is torn is cut off whole and kept aside, and no restart brings a part of it
// back.
func TestTornTail(t *testing.T) {
	const acknowledged = 20
	dir, before, after := torn(t, acknowledged)
	file, err := os.ReadFile(lastFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	cuts := []int64{before + 1, before + 8, after - 1}
	for n := range int64(6) {
		cuts = append(cuts, before+9+n*(after-before-10)/6)
	}
	for _, cut := range cuts {
		t.Run(fmt.Sprint(cut-before), func(t *testing.T) {
			dir := copied(t, dir)
			if err := os.Truncate(lastFile(dir), cut); err != nil {
				t.Fatal(err)
			}
			goOnTwice(t, dir, acknowledged)
			aside, err := os.ReadFile(filepath.Join(dir, "appendonly.aof.torn"))
			if err != nil || !slices.Equal(aside, file[before:cut]) {
				t.Errorf("kept aside are %d octets, want %d; %v", len(aside), cut-before, err)
			}
		})
	}
}

// goOnTwice starts the server, commits a batch in the place of the torn one, and looks
// again after another start.
func goOnTwice(t *testing.T, dir string, acknowledged uint64) {
	t.Helper()
	var told []string
	s, err := world.OpenChild(t.Context(), dir, func(err error) { told = append(told, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	whole(t, s.Read(3), acknowledged, "first")
	h, err := s.Take(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Commit(t.Context(), numbered(acknowledged+1, "second")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "were cut off") {
		t.Errorf("it told %q", told)
	}
	if s, err = world.OpenChild(t.Context(), dir, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	whole(t, s.Read(3), acknowledged+1, "second")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A file that is damaged where batches come after it is left as it is.
func TestDamaged(t *testing.T) {
	dir, before, after := torn(t, 5)
	dir = copied(t, dir)
	f, err := os.OpenFile(lastFile(dir), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("*x"), before-(after-before)); err != nil { // where the batch before the last begins
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := world.OpenChild(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "damaged before its end") {
		t.Errorf("opening it answers %v", err)
	}
	if got := size(t, lastFile(dir)); got != after {
		t.Errorf("the file has %d octets, it had %d", got, after)
	}
}

// A server of our own that is killed is started again, and its store goes on.
func TestChildKilled(t *testing.T) {
	enginetest.RequireServer(t)
	dir := shortDir(t)
	told := make(chan error, 10)
	s, err := world.OpenChild(t.Context(), dir, func(err error) { told <- err })
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Take(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= 9; seq++ {
		if seq%3 == 0 {
			if err := syscall.Kill(processOf(t, filepath.Join(dir, "redis.sock")), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := <-told; !strings.Contains(err.Error(), "started again (signal: killed)") {
				t.Errorf("of its end it says: %v", err)
			}
		}
		if err := h.Commit(t.Context(), numbered(seq, "first")); err != nil {
			t.Fatal(err)
		}
	}
	whole(t, s.Read(3), 9, "first")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// processOf asks a server for the number of its process.
func processOf(t *testing.T, socket string) int {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: socket, Dialer: new(enginetest.Link).Dial})
	defer client.Close()
	info, err := client.InfoMap(context.Background(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(info["Server"]["process_id"])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
