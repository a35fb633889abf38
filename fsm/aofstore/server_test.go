package aofstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

const parts = 4

// writerDir is the variable that makes this test program the writer of TestKilled.
const writerDir = "AIRTILL_TEST_AOFSTORE_WRITER"

func TestMain(m *testing.M) {
	logging.Disable()
	if dir := os.Getenv(writerDir); dir != "" {
		fmt.Println(write(dir, os.Stdout))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func open(dir string) (*aofstore.Store, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return aofstore.Open(context.Background(), aofstore.Options{Dir: dir, Listener: ln, Partitions: parts})
}

// write commits batches to all partitions at once, for ever, and says of each that it
// was acknowledged: a line of partition and number.
func write(dir string, out io.Writer) error {
	s, err := open(dir)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for p := range engine.Partition(parts) {
		go func() { ended <- writeTo(s, p, out) }()
	}
	return <-ended
}

func writeTo(s *aofstore.Store, p engine.Partition, out io.Writer) error {
	h, err := s.Take(context.Background(), p)
	if err != nil {
		return err
	}
	for {
		if err := h.Commit(context.Background(), batch(h.Seq()+1)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%d %d\n", p, h.Seq()); err != nil {
			return err
		}
	}
}

// batch adds its number to what is there, so that a batch that is lost or comes twice shows.
func batch(seq uint64) *engine.Batch {
	n := strconv.FormatUint(seq, 10)
	return &engine.Batch{
		Seq:     seq,
		Puts:    []engine.Put{{Key: "last", Value: []byte(n)}},
		Fields:  []engine.Field{{Hash: "all", Name: n, Value: strings.Repeat("x", int(seq%300))}},
		Journal: []engine.Event{{Subject: n, Name: "pay"}},
	}
}

// checkWhole looks at what a partition has: all batches up to the last, each once.
func checkWhole(t *testing.T, r engine.Reader, atLeast uint64) (last uint64) {
	t.Helper()
	kept, err := r.Get(t.Context(), "last", "seq")
	if err != nil {
		t.Fatal(err)
	}
	last, _ = strconv.ParseUint(kept[0], 10, 64) // absent is none
	all, err := r.Fields(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.Journal(t.Context(), "-", "+", 0)
	if err != nil {
		t.Fatal(err)
	}
	if last < atLeast || kept[0] != kept[1] || len(all) != int(last) || len(entries) != int(last) {
		t.Errorf("acknowledged %d; kept are last %s, seq %s, %d fields, %d entries", atLeast, kept[0], kept[1], len(all), len(entries))
	}
	return last
}

// TestKilled kills a process under load (SIGKILL), again and again: what it was told is
// kept is there, wholly, and nothing twice.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	told := make(map[int]uint64)
	for round := range 6 {
		killedWriter(t, dir, 40+60*round, told)
		s, err := open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for p := range engine.Partition(parts) {
			checkWhole(t, s.Read(p), told[int(p)])
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedWriter runs a writer until it has told so much, and notes the last it told.
func killedWriter(t *testing.T, dir string, lines int, told map[int]uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	n := 0
	for ; in.Scan(); n++ {
		if n == lines {
			_ = cmd.Process.Kill() // and what it has told before it ended is read
		}
		var p int
		var seq uint64
		if _, err := fmt.Sscanf(in.Text(), "%d %d", &p, &seq); err != nil {
			if n < lines {
				t.Errorf("the writer says %s", in.Text())
			}
			continue // the last line may be torn
		}
		told[p] = max(told[p], seq)
	}
	_ = cmd.Wait() // killed
	if n < lines {
		t.Fatalf("the writer told %d lines and ended", n)
	}
}

// filled is a data directory with batches in it, and how many each partition has.
func filled(t *testing.T) (dir string, each uint64) {
	t.Helper()
	dir = t.TempDir()
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for p := range engine.Partition(parts) {
		h, err := s.Take(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for h.Seq() < 50 {
			if err := h.Commit(t.Context(), batch(h.Seq()+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, 50
}

func checkServer(t *testing.T, addr string, each uint64) {
	t.Helper()
	s, err := redisstore.Open(t.Context(), redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{addr}}, Partitions: parts})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for p := range engine.Partition(parts) {
		checkWhole(t, s.Read(p), each)
		h, err := s.Take(t.Context(), p)
		if err != nil || h.Epoch() != 2 || h.Seq() != each {
			t.Fatalf("%s cannot go on: %v", p, err)
		}
		if err := h.Commit(t.Context(), batch(h.Seq()+1)); err != nil {
			t.Error(err)
		}
	}
}

// TestPipe loads a file into a redis-server.
func TestPipe(t *testing.T) {
	server := enginetest.NewServer(t)
	dir, each := filled(t)
	file, err := os.Open(filepath.Join(dir, "appendonly.aof"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("redis-cli", "-s", server.Addr, "--pipe")
	cmd.Stdin = file
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "errors: 0,") {
		t.Fatalf("redis-cli: %v\n%s", err, out)
	}
	checkServer(t, server.Addr, each)
}

// TestTakenOver has a redis-server start on a data directory.
func TestTakenOver(t *testing.T) {
	dir, each := filled(t)
	server := enginetest.NewServer(t, "--dir", dir, "--aof-load-truncated", "no")
	checkServer(t, server.Addr, each)
	server.Kill()
	if _, err := open(dir); err == nil || !strings.Contains(err.Error(), "redis-server") {
		t.Errorf("the embedded store in a server's directory: %v", err)
	}
}
