package redisstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

func open(t *testing.T, addr string, partitions int) (*redisstore.Store, error) {
	t.Helper()
	link := new(enginetest.Link)
	s, err := redisstore.Open(t.Context(), redisstore.Options{
		Redis: &redis.UniversalOptions{Addrs: []string{addr}, Dialer: link.Dial}, Partitions: partitions,
	})
	if err == nil {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return s, err
}

func client(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Network: enginetest.Network(addr), Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestOpenChecksTheMarker(t *testing.T) {
	addr := enginetest.Miniredis(t)
	raw := client(t, addr)
	s, err := open(t, addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	if got := raw.Get(t.Context(), "airtill:store").Val(); got != `{"version":1,"partitions":4}` {
		t.Errorf("the marker is %s", got)
	}
	if _, err := open(t, addr, 4); err != nil {
		t.Errorf("opening it again: %v", err)
	}
	if _, err := open(t, addr, 8); !errors.Is(err, redisstore.ErrOther) || !strings.Contains(err.Error(), "4 partitions") {
		t.Errorf("another count of partitions: %v", err)
	}
	if _, err := s.Take(t.Context(), 4); err == nil {
		t.Error("partition 4 of 4 was taken")
	}
	if _, err := s.Take(t.Context(), 3); err != nil {
		t.Error(err)
	}
	raw.Del(t.Context(), "airtill:store")
	if _, err := open(t, addr, 4); !errors.Is(err, redisstore.ErrOther) {
		t.Errorf("a store that lost its marker: %v", err)
	}
	raw.Set(t.Context(), "airtill:store", "mine", 0)
	if _, err := open(t, addr, 4); !errors.Is(err, redisstore.ErrOther) {
		t.Errorf("somebody else's marker: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := redisstore.Open(t.Context(), redisstore.Options{}); err == nil {
		t.Error("no address was accepted")
	}
	cut := new(enginetest.Link)
	cut.Cut()
	_, err := redisstore.Open(t.Context(), redisstore.Options{
		Redis: &redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}, Dialer: cut.Dial, MaxRetries: -1, DialerRetries: 1},
	})
	if !errors.Is(err, enginetest.ErrCut) {
		t.Errorf("a server that is not there: %v", err)
	}
}

// TestKeysAreReadable: what a person sees with redis-cli (package documentation).
func TestKeysAreReadable(t *testing.T) {
	addr := enginetest.Miniredis(t)
	s, err := open(t, addr, 16)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Take(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	batch := engine.Batch{
		Seq: 1, Cursor: "1-0",
		Puts:    []engine.Put{{Key: "bill:bill_1", Value: []byte(`{"state":"paid"}`)}},
		Journal: []engine.Event{{Subject: "bill_1", Name: "pay", From: "opened", To: "paid"}},
	}
	if err := h.Commit(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
	raw := client(t, addr)
	for key, want := range map[string]string{
		"{p03}:fence": "1", "{p03}:seq": "1", "{p03}:cursor": "1-0", "{p03}:bill:bill_1": `{"state":"paid"}`,
	} {
		if got := raw.Get(t.Context(), key).Val(); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	entries := raw.XRange(t.Context(), "{p03}:journal", "-", "+").Val()
	const told = `{"subject":"bill_1","from":"opened","to":"paid","at":"0001-01-01T00:00:00Z"}`
	if len(entries) != 1 || entries[0].ID != "1-1" || entries[0].Values["pay"] != told {
		t.Errorf("the journal is %v", entries)
	}
}

// TestBroken: a command that fails inside a batch is nothing to try again or to hide.
func TestBroken(t *testing.T) {
	addr := enginetest.Miniredis(t)
	s, err := open(t, addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Take(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	client(t, addr).Set(t.Context(), "{p00}:balances", "somebody's text", 0)
	err = h.Commit(t.Context(), &engine.Batch{Seq: 1, Fields: []engine.Field{{Hash: "balances", Name: "a", Value: "1"}}})
	if !errors.Is(err, engine.ErrBroken) || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("a hash that is a text: %v", err)
	}
}

func TestParseURL(t *testing.T) {
	o, err := redisstore.ParseURL("redis://u:p@10.0.0.1:7000/2", "redis://u:p@10.0.0.2:7001/2")
	if err != nil || strings.Join(o.Addrs, " ") != "10.0.0.1:7000 10.0.0.2:7001" || o.DB != 2 || o.Username != "u" || o.Password != "p" {
		t.Errorf("%v: %+v", err, o)
	}
	if _, err := redisstore.ParseURL("http://x"); err == nil {
		t.Error("http was accepted")
	}
}

func TestTakeReadsTheChain(t *testing.T) {
	addr := enginetest.Miniredis(t)
	raw := client(t, addr)
	for _, test := range []struct {
		head string
		want error
	}{
		{"", nil},
		{strings.Repeat("0f", 32), nil},
		{strings.Repeat("0f", 31), engine.ErrBroken},
		{strings.Repeat("0g", 32), engine.ErrBroken},
	} {
		s, err := open(t, addr, 4)
		if err != nil {
			t.Fatal(err)
		}
		raw.Set(t.Context(), "{p00}:chain", test.head, 0)
		if _, err := s.Take(t.Context(), 0); !errors.Is(err, test.want) {
			t.Errorf("with %q: %v, want %v", test.head, err, test.want)
		}
	}
}

// TestJournalWithoutChain reads what an older version wrote, and goes on from there.
func TestJournalWithoutChain(t *testing.T) {
	addr := enginetest.Miniredis(t)
	s, err := open(t, addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Take(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	client(t, addr).Do(t.Context(), "XADD", "{p00}:journal", "0-1", "chain", `{"subject":"old"}`)
	if err := h.Commit(t.Context(), &engine.Batch{Seq: 1, Journal: []engine.Event{{Subject: "new", Name: "step"}}}); err != nil {
		t.Fatal(err)
	}
	entries, err := h.Journal(t.Context(), "-", "+", 0)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	before, after := entries[0], entries[1]
	if before.Chain != "" || len(before.Events) != 1 || len(after.Chain) != 64 || len(after.Events) != 1 {
		t.Errorf("read %+v and %+v", before, after)
	}
}

// TestWatchedBefore: what one partition's writer has watched on a connection is nothing
// to the next one that gets it from the pool.
func TestWatchedBefore(t *testing.T) {
	addr := enginetest.Miniredis(t)
	s, err := open(t, addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.Take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	client(t, addr).Set(t.Context(), "{p01}:seq", "7", 0)
	h, err := s.Take(t.Context(), 2)
	if err != nil {
		t.Fatalf("taking another partition: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// TestLost: a partition without its keys is not taken for a new one, and one that was
// never taken is none that is lost.
func TestLost(t *testing.T) {
	addr := enginetest.Miniredis(t)
	s, err := open(t, addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	client(t, addr).Del(t.Context(), "{p01}:fence")
	if _, err := s.Take(t.Context(), 1); !errors.Is(err, redisstore.ErrLost) || !strings.Contains(err.Error(), "{p01}:fence") {
		t.Errorf("a partition without a fence: %v", err)
	}
	if _, err := s.Take(t.Context(), 2); err != nil {
		t.Errorf("one that was never taken: %v", err)
	}
}

// A store in a database behind a password is written there, and nowhere else.
func TestWriterIntroducesItself(t *testing.T) {
	addr := enginetest.RedisServer(t)
	raw := client(t, addr)
	ctx := t.Context()
	if err := raw.Do(ctx, "ACL", "SETUSER", "airtill", "on", ">hush", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	link := new(enginetest.Link)
	o := redis.UniversalOptions{Addrs: []string{addr}, Dialer: link.Dial, Username: "airtill", Password: "hush", DB: 3}
	s, err := redisstore.Open(ctx, redisstore.Options{Redis: &o, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := s.Take(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	batch := engine.Batch{Seq: h.Seq() + 1, Puts: []engine.Put{{Key: "bill", Value: []byte("{}")}}}
	if err := h.Commit(ctx, &batch); err != nil {
		t.Fatal(err)
	}
	if n := raw.DBSize(ctx).Val(); n != 0 {
		t.Errorf("database 0 has %d keys", n)
	}
	if got, err := s.Read(0).Get(ctx, "bill"); err != nil || got[0] != "{}" {
		t.Errorf("it reads %q, %v", got, err)
	}
	if err := raw.Do(ctx, "ACL", "SETUSER", "airtill", "resetpass", ">another").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(ctx, 0); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("with a password that is no longer right: %v", err)
	}
}
