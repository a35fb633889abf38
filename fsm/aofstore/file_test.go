package aofstore

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

const parts = 2

// open opens a store that is closed at the end of the test. Warnings go to told.
func open(t testing.TB, o Options, told *[]string) (*Store, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Listener, o.Partitions = ln, parts
	var mu sync.Mutex
	o.Warn = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if told == nil {
			t.Errorf("warned: %v", err)
			return
		}
		*told = append(*told, err.Error())
	}
	return Open(t.Context(), o)
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := open(t, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func take(t testing.TB, s *Store, p engine.Partition) engine.Hold {
	t.Helper()
	h, err := s.Take(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// batch is one with something of everything.
func batch(seq uint64) *engine.Batch {
	n := fmt.Sprint(seq)
	b := &engine.Batch{
		Seq: seq, Cursor: n + "-0",
		Puts:    []engine.Put{{Key: "bill:" + n, Value: []byte("{\"n\":" + n + "}\r\n")}, {Key: "last", Value: []byte(n)}},
		Fields:  []engine.Field{{Hash: "balances", Name: "a", Value: n}, {Hash: "balances", Name: n, Value: "0"}},
		Scores:  []engine.Score{{Set: "index", Member: n, Score: float64(seq) / 3}},
		Wakes:   []engine.Due{{ID: n, At: time.UnixMilli(1_700_000_000_000 + int64(seq))}},
		Journal: []engine.Event{{Subject: n, Name: "pay", From: "opened", To: "paid"}, {Subject: n, Name: "pay", From: "paid", To: "settled"}},
	}
	if seq > 3 {
		old := fmt.Sprint(seq - 3)
		b.Deletes, b.NoWakes = []string{"bill:" + old}, []string{old}
		b.FieldDeletes = []engine.Field{{Hash: "balances", Name: old}}
		b.ScoreDeletes = []engine.Score{{Set: "index", Member: old}}
	}
	return b
}

func fill(t testing.TB, h engine.Hold, n int) {
	t.Helper()
	for range n {
		if err := h.Commit(t.Context(), batch(h.Seq()+1)); err != nil {
			t.Fatal(err)
		}
	}
}

// state is all that a store keeps, as the commands that make it.
func state(t testing.TB, s *Store) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := snapshot(s.redis)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestReplay(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	h := take(t, s, 1)
	fill(t, h, 10)
	want := state(t, s)
	mustClose(t, s)
	again := mustOpen(t, Options{Dir: dir})
	defer mustClose(t, again)
	if got := state(t, again); got != want {
		t.Errorf("after a restart there is\n%q, want\n%q", got, want)
	}
	next := take(t, again, 1)
	if next.Epoch() != 2 || next.Seq() != 10 || next.Cursor() != "10-0" {
		t.Errorf("the next owner goes on in epoch %d, after %d, cursor %s", next.Epoch(), next.Seq(), next.Cursor())
	}
	fill(t, next, 3)
}

func TestMemoryOnly(t *testing.T) {
	s := mustOpen(t, Options{})
	defer mustClose(t, s)
	fill(t, take(t, s, 0), 5)
}

// TestTorn cuts a file at every octet of its last part: what is left is always a whole
// number of batches, and the store goes on from there.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	h := take(t, s, 0)
	fill(t, h, 3)
	states := []string{state(t, s)}
	size := s.log.length()
	fill(t, h, 1)
	states = append(states, state(t, s))
	mustClose(t, s)
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	sum := len(appendChecksum(nil, 0))
	ends := map[string]func(cut int) []byte{
		"short": func(cut int) []byte { return bytes.Clone(whole[:cut]) },
		"zeros": func(cut int) []byte { return append(bytes.Clone(whole[:cut]), make([]byte, 4096)...) },
	}
	for name, end := range ends {
		for cut := int(size); cut < len(whole); cut += 1 + cut%5 {
			inAll := cut >= len(whole)-sum
			t.Run(fmt.Sprint(name, cut), func(t *testing.T) {
				testTorn(t, end(cut), states[index(inAll)], name == "zeros" || cut > int(size) && cut != len(whole)-sum)
			})
		}
	}
}

func index(second bool) int {
	if second {
		return 1
	}
	return 0
}

func testTorn(t *testing.T, octets []byte, want string, warned bool) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), octets, 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	s, err := open(t, Options{Dir: dir}, &told)
	if err != nil {
		t.Fatal(err)
	}
	if got := state(t, s); got != want {
		t.Errorf("there is\n%q, want\n%q", got, want)
	}
	if (len(told) == 1) != warned || warned && !strings.Contains(told[0], "octets are no whole batch") {
		t.Errorf("told %q", told)
	}
	fill(t, take(t, s, 0), 2)
	want = state(t, s)
	mustClose(t, s)
	again := mustOpen(t, Options{Dir: dir})
	defer mustClose(t, again)
	if got := state(t, again); got != want {
		t.Errorf("after another restart there is\n%q, want\n%q", got, want)
	}
}

// TestDamage changes each octet before the last group: no change goes unnoticed, and
// none is taken for a torn tail.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	fill(t, take(t, s, 0), 2)
	before := s.log.length()
	mustClose(t, s)
	s = mustOpen(t, Options{Dir: dir})
	fill(t, take(t, s, 0), 1)
	mustClose(t, s)
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	for at := range int(before) {
		for _, octet := range []byte{whole[at] ^ 1, 0, '9'} {
			damaged := bytes.Clone(whole)
			if damaged[at] == octet {
				continue
			}
			damaged[at] = octet
			_, err := replay(bytes.NewReader(damaged), int64(len(damaged)), nothing)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "at octet ") {
				t.Fatalf("octet %d from %q to %q: %v", at, whole[at], octet, err)
			}
		}
	}
	damaged := bytes.Clone(whole)
	damaged[before/2] ^= 1
	if err := os.WriteFile(filepath.Join(dir, fileName), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, Options{Dir: dir}, nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "truncate -s ") {
		t.Errorf("a damaged file: %v", err)
	}
	if now, err := os.ReadFile(filepath.Join(dir, fileName)); err != nil || !bytes.Equal(now, damaged) {
		t.Errorf("it was changed (%v)", err)
	}
}

func nothing(unit) error { return nil }

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	_, err := open(t, Options{Dir: dir}, nil)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d:", os.Getpid())) {
		t.Errorf("a second store in the directory: %v", err)
	}
	mustClose(t, s)
	mustClose(t, mustOpen(t, Options{Dir: dir}))
	if err := os.Mkdir(filepath.Join(dir, "appendonlydir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, Options{Dir: dir}, nil); !errors.Is(err, ErrServers) {
		t.Errorf("a directory of a redis-server's: %v", err)
	}
}

// TestCompaction lets the file be compacted again and again while batches go on.
func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir, floor: 4 << 10})
	var work sync.WaitGroup
	for p := range engine.Partition(parts) {
		h := take(t, s, p)
		work.Go(func() {
			for range 400 {
				b := batch(h.Seq() + 1)
				b.Journal = nil // so that there is something to leave out
				if err := h.Commit(t.Context(), b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	want, length := state(t, s), s.log.length()
	mustClose(t, s)
	if appended := s.log.appended; length > appended/2 {
		t.Errorf("of %d octets appended the file still has %d", appended, length)
	}
	s = mustOpen(t, Options{Dir: dir, floor: 4})
	if got := state(t, s); got != want {
		t.Errorf("after compactions and a restart there is\n%q, want\n%q", got, want)
	}
	mustClose(t, s)
	s = mustOpen(t, Options{Dir: dir})
	defer mustClose(t, s)
	if got := state(t, s); got != want {
		t.Errorf("after a compaction at start there is\n%q, want\n%q", got, want)
	}
}

// TestRefused: what would not do the same when the file is read is not run.
func TestRefused(t *testing.T) {
	s := mustOpen(t, Options{Dir: t.TempDir()})
	defer mustClose(t, s)
	c := newSession(s, nil)
	for _, line := range []string{
		"SET a 1 EX 10", "EXPIRE a 10", "XADD s * a 1", "XADD s MAXLEN 3 1-1 a 1", "EVAL x 0", "SELECT 1", "SPOP a",
		"XREAD BLOCK 0 STREAMS s $", "BLPOP a 0", "SUBSCRIBE a", "RENAME a b", "SWAPDB 0 1",
	} {
		c.out = nil
		if unit := c.do(strings.Fields(line)); unit != nil || !bytes.HasPrefix(c.out, []byte("-ERR the embedded store ")) {
			t.Errorf("%s: %q, written %q", line, c.out, unit)
		}
	}
}

// TestTransaction: the file has of a transaction what it wrote.
func TestTransaction(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"reads only", []string{"MULTI", "GET a", "EXEC"}, ""},
		{"writes among reads", []string{"MULTI", "GET a", "SET a 1", "EXEC"}, "MULTI|SET a 1|EXEC"},
		{"discarded", []string{"MULTI", "SET a 1", "DISCARD"}, ""},
		{"spoilt", []string{"MULTI", "SET a 1", "SET a", "EXEC"}, ""},
		{"spoilt by what is not taken", []string{"MULTI", "SET a 1", "EVAL x 0", "EXEC"}, ""},
		{"one that fails", []string{"MULTI", "SET b x", "HSET text a 1", "INCR b", "INCR c", "EXEC"}, "MULTI|SET b x|INCR c|EXEC"},
		{"watched and touched", []string{"WATCH text", "SET text 2", "MULTI", "SET a 1", "EXEC"}, "SET text 2"},
		{"a plain failure", []string{"HSET text a 1"}, ""},
		{"after a failure", []string{"MULTI", "SET a", "EXEC", "SET a 2"}, "SET a 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustOpen(t, Options{})
			defer mustClose(t, s)
			c := newSession(s, nil)
			c.do([]string{"SET", "text", "1"})
			var written []byte
			for _, line := range tt.lines {
				written = append(written, c.do(strings.Fields(line))...)
			}
			var lines []string
			in := newCommands(bytes.NewReader(written))
			for {
				args, err := in.next()
				if err != nil {
					break
				}
				lines = append(lines, strings.Join(args, " "))
			}
			if got := strings.Join(lines, "|"); got != tt.want {
				t.Errorf("written %s, want %s; replies %q", got, tt.want, c.out)
			}
		})
	}
}

// TestOther: a store that was made with another count of partitions stays as it is.
func TestOther(t *testing.T) {
	dir := t.TempDir()
	mustClose(t, mustOpen(t, Options{Dir: dir}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, Listener: ln, Partitions: 9}); !errors.Is(err, redisstore.ErrOther) {
		t.Errorf("another count of partitions: %v", err)
	}
	mustClose(t, mustOpen(t, Options{Dir: dir}))
}
