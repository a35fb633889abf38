package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

const partitions = 4

// server is a Redis of either kind, with a store of Airtill in it.
type server struct {
	addr   string
	client *redis.Client
	store  *redisstore.Store
	holds  []engine.Hold
}

func servers() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{
		"miniredis":    enginetest.Miniredis,
		"redis-server": func(t testing.TB) string { return enginetest.RedisServer(t) },
	}
}

func clientOf(t testing.TB, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, Network: enginetest.Network(addr), Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func newServer(t testing.TB, addr string) *server {
	t.Helper()
	store, err := redisstore.Open(t.Context(), redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{addr}}, Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &server{addr: addr, client: clientOf(t, addr), store: store}
	for n := range partitions {
		h, err := store.Take(t.Context(), engine.Partition(n))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		s.holds = append(s.holds, h)
	}
	return s
}

// write commits a batch with something of everything.
func (s *server) write(ctx context.Context, n int, values ...string) error {
	h := s.holds[n]
	b := &engine.Batch{Seq: h.Seq() + 1, Cursor: fmt.Sprintf("%d-%d", h.Epoch(), h.Seq())}
	for _, v := range values {
		b.Puts = append(b.Puts, engine.Put{Key: "bill:" + v, Value: []byte(`{"of":"` + v + `"}`)})
		b.Fields = append(b.Fields, engine.Field{Hash: "finished:2026-11-27", Name: v, Value: "é\r\n" + v})
		b.Scores = append(b.Scores, engine.Score{Set: "bills:1", Member: v, Score: 0.5})
		b.Wakes = append(b.Wakes, engine.Due{ID: v, At: time.UnixMilli(1_764_000_000_123)})
		b.Journal = append(b.Journal, engine.Event{Subject: v, Name: "step", To: "x", At: time.Unix(0, 0).UTC()})
	}
	return h.Commit(ctx, b)
}

// dump is all that a store has, key by key.
func dump(t testing.TB, c *redis.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	keys, err := c.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if strings.HasSuffix(key, ":lease") {
			continue
		}
		kind := c.Type(t.Context(), key).Val()
		args := map[string][]any{
			"string": {"GET", key}, "hash": {"HGETALL", key}, "zset": {"ZRANGE", key, 0, -1, "WITHSCORES"}, "stream": {"XRANGE", key, "-", "+"},
		}[kind]
		v, err := c.Do(t.Context(), args...).Result()
		if err != nil {
			t.Fatal(key, err)
		}
		if fields, ok := v.([]any); ok && kind == "hash" { // their order does not matter
			m := make(map[string]string)
			for i := 0; i < len(fields); i += 2 {
				m[fields[i].(string)] = fields[i+1].(string)
			}
			v = m
		}
		all[key] = fmt.Sprintf("%s %q", kind, v)
	}
	return all
}

func copyOf(t testing.TB, c redis.UniversalClient, o Options) (*os.File, Manifest, error) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "store.backup"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	m, err := Copy(t.Context(), c, file, o)
	return file, m, err
}

// restored puts a copy into an empty server, after it was verified.
func restored(t testing.TB, file *os.File, addr string) (*redis.Client, Manifest) {
	t.Helper()
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	m, err := Verify(file)
	if err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, addr)
	if empty, err := Empty(t.Context(), c); err != nil || !empty {
		t.Fatalf("empty: %t, %v", empty, err)
	}
	if err := Restore(t.Context(), c, file, m); err != nil {
		t.Fatal(err)
	}
	if empty, err := Empty(t.Context(), c); err != nil || empty {
		t.Fatalf("empty: %t, %v", empty, err)
	}
	return c, m
}

// Whatever a store has is in its copy, and again in the store that is made of it.
func TestCopyAndRestore(t *testing.T) {
	for from, begin := range servers() {
		for to, other := range servers() {
			t.Run(from+" to "+to, func(t *testing.T) {
				s := newServer(t, begin(t))
				for n := range partitions - 1 { // one has no journal
					var values []string
					for i := range 1100 {
						values = append(values, fmt.Sprintf("%d.%d", n, i))
					}
					if err := s.write(t.Context(), n, values...); err != nil {
						t.Fatal(err)
					}
					if err := s.write(t.Context(), n, "last"); err != nil {
						t.Fatal(err)
					}
				}
				file, made, err := copyOf(t, s.client, Options{})
				if err != nil {
					t.Fatal(err)
				}
				c, m := restored(t, file, other(t))
				if fmt.Sprint(m) != fmt.Sprint(made) || m.Partitions != partitions || m.Entries() != 6 || m.Marks[0].Seq != "2" || len(m.Marks[0].Chain) != 64 {
					t.Errorf("%+v", m)
				}
				want, got := dump(t, s.client), dump(t, c)
				if !maps.Equal(want, got) {
					for key := range want {
						if want[key] != got[key] {
							t.Errorf("%s: %.200s\nwant %.200s", key, got[key], want[key])
						}
					}
				}
			})
		}
	}
}

// A redis-cli takes the file as it is.
func TestRedisCLI(t *testing.T) {
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		if os.Getenv(enginetest.RequirePeers) != "" {
			t.Fatal(err)
		}
		t.Skip("no redis-cli on the PATH")
	}
	s := newServer(t, enginetest.Miniredis(t))
	if err := s.write(t.Context(), 1, "a", "b"); err != nil {
		t.Fatal(err)
	}
	file, _, err := copyOf(t, s.client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	addr := enginetest.RedisServer(t)
	pipe := exec.CommandContext(t.Context(), cli, "-s", addr, "--pipe")
	pipe.Stdin = file
	if out, err := pipe.CombinedOutput(); err != nil || !strings.Contains(string(out), "errors: 0") {
		t.Fatalf("%v: %s", err, out)
	}
	if !maps.Equal(dump(t, s.client), dump(t, clientOf(t, addr))) {
		t.Error("the store is not the same")
	}
}

// While writers go on, a copy has nothing that arrived in one partition before it left
// the other, and each partition is as one of its batches left it.
func TestCopyOfALiveStore(t *testing.T) {
	s := newServer(t, enginetest.RedisServer(t))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	sent := make(chan int)
	var writers sync.WaitGroup
	var rounds atomic.Int64
	count := func(n, i int) error {
		h := s.holds[n]
		text := strconv.Itoa(i)
		return h.Commit(ctx, &engine.Batch{
			Seq: h.Seq() + 1, Puts: []engine.Put{{Key: "count", Value: []byte(text)}}, Fields: []engine.Field{{Hash: "counts", Name: "n", Value: text}},
			Journal: []engine.Event{{Subject: text, Name: "count"}},
		})
	}
	writers.Go(func() {
		defer close(sent)
		for i := 1; ctx.Err() == nil; i++ {
			if count(0, i) != nil {
				return
			}
			rounds.Add(1)
			select {
			case sent <- i:
			case <-ctx.Done():
			}
		}
	})
	writers.Go(func() {
		for i := range sent {
			_ = count(1, i) // it ends when ctx does
		}
	})
	for range 5 {
		before := rounds.Load()
		file, m, err := copyOf(t, s.client, Options{})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := restored(t, file, enginetest.RedisServer(t))
		number := func(key string) int { n, _ := c.Get(ctx, key).Int(); return n }
		left, arrived := number("{p00}:count"), number("{p01}:count")
		if left < arrived || left > arrived+2 || int64(left) < before { // one waits to be sent, one is being taken in
			t.Errorf("%d left and %d arrived, of %d before", left, arrived, before)
		}
		for _, tag := range []string{"{p00}:", "{p01}:"} {
			if n, _ := c.HGet(ctx, tag+"counts", "n").Int(); n != number(tag+"count") || n != number(tag+"seq") || int64(n) != c.XLen(ctx, tag+"journal").Val() {
				t.Errorf("%s: %d, %d, seq %d, %d entries", tag, n, number(tag+"count"), number(tag+"seq"), c.XLen(ctx, tag+"journal").Val())
			}
		}
		if m.Entries() < 1 {
			t.Error("nothing was written meanwhile")
		}
	}
	before := rounds.Load()
	for rounds.Load() < before+10 { // writers are not held back any more
		if ctx.Err() != nil {
			t.Fatal("the writers stand still")
		}
		time.Sleep(time.Millisecond) // the server is real: there is nothing to be told by
	}
	stop()
	writers.Wait()
}

// A store that is written to between the marks is copied again; one that never stands
// still is not copied.
func TestBusyStore(t *testing.T) {
	s := newServer(t, enginetest.Miniredis(t))
	if err := s.write(t.Context(), 0, "first"); err != nil {
		t.Fatal(err)
	}
	moves := 3
	move := func() {
		if moves--; moves >= 0 {
			if err := s.write(t.Context(), 0, fmt.Sprint(moves)); err != nil {
				t.Fatal(err)
			}
		}
	}
	file, m, err := copyOf(t, s.client, Options{between: move})
	if err != nil || m.Entries() != 4 {
		t.Fatalf("%+v, %v", m, err)
	}
	c, _ := restored(t, file, enginetest.Miniredis(t))
	if !maps.Equal(dump(t, s.client), dump(t, c)) {
		t.Error("the store is not the same")
	}
	moves = 1 << 20
	if _, _, err := copyOf(t, s.client, Options{between: move, Tries: 3}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	trim := func() { s.client.XTrimMaxLen(t.Context(), "{p00}:journal", 1); move() }
	if _, _, err := copyOf(t, s.client, Options{between: trim}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

func TestNoStore(t *testing.T) {
	c := clientOf(t, enginetest.Miniredis(t))
	if _, _, err := copyOf(t, c, Options{}); !errors.Is(err, ErrNoStore) {
		t.Error(err)
	}
	c.Set(t.Context(), storeKey, "7", 0)
	if _, _, err := copyOf(t, c, Options{}); !errors.Is(err, ErrNoStore) {
		t.Error(err)
	}
	c.Del(t.Context(), storeKey)
	c.Set(t.Context(), "{p03}:seq", "1", 0)
	if empty, err := Empty(t.Context(), c); err != nil || empty {
		t.Errorf("half a store is empty: %t, %v", empty, err)
	}
	_ = c.Close()
	if _, _, err := copyOf(t, c, Options{}); err == nil {
		t.Error("a store that is away is copied")
	}
}

// A file that is not as it was written is found out before anything is restored of it.
func TestDamagedFiles(t *testing.T) {
	s := newServer(t, enginetest.Miniredis(t))
	if err := s.write(t.Context(), 0, "a"); err != nil {
		t.Fatal(err)
	}
	file, m, err := copyOf(t, s.client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	verify := func(text []byte) error { _, err := Verify(bytes.NewReader(text)); return err }
	if err := verify(whole); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if err := verify(whole[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut off after %d octets: %v", n, err)
		}
		changed := slices.Clone(whole)
		changed[n] ^= 1
		if err := verify(changed); err == nil && int64(n) < m.Octets {
			t.Fatalf("octet %d is changed, and nobody minds", n)
		}
	}
	for name, text := range map[string]string{
		"a command that deletes":   "*1\r\n$8\r\nFLUSHALL\r\n",
		"a key of somebody else's": "*3\r\n$3\r\nSET\r\n$3\r\nabc\r\n$1\r\nx\r\n",
		"a lease":                  "*3\r\n$4\r\nMSET\r\n$11\r\n{p00}:lease\r\n$1\r\nx\r\n",
		"an expiry":                "*5\r\n$3\r\nSET\r\n$13\r\nairtill:store\r\n$1\r\nx\r\n$2\r\nEX\r\n$1\r\n1\r\n",
		"no backup at all":         "hello\n",
		"nothing":                  "",
		"more after its end":       string(whole) + "*1\r\n$4\r\nPING\r\n",
		"another format":           "*2\r\n$4\r\nECHO\r\n$20\r\n{\"airtill_backup\":99}\r\n",
	} {
		if err := verify([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// Whatever is in a file, it is verified or refused, and only what is verified is restored.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("*3\r\n$3\r\nSET\r\n$13\r\nairtill:store\r\n$1\r\nx\r\n*2\r\n$4\r\nECHO\r\n$20\r\n{\"airtill_backup\":1 }\r\n"))
	f.Add([]byte("*2\r\n$4\r\nECHO\r\n$123\r\n{\"airtill_backup\":1,\"octets\":0,\"commands\":0,\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"     }\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Verify(bytes.NewReader(text))
		if err == nil && (m.Octets > int64(len(text)) || m.Format != Format) {
			t.Errorf("%+v of %d octets", m, len(text))
		}
	})
}
