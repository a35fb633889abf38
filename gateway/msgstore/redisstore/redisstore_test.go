package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/msgstore/msgstoretest"
	"github.com/airtill/airtill/gateway/msgstore/redisstore"
	"github.com/airtill/airtill/gateway/smpp"
)

func open(t *testing.T, addr string) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(t.Context(), redisstore.Options{
		Redis: &redis.UniversalOptions{Addrs: []string{addr}, Dialer: new(msgstoretest.Link).Dial},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func record(key string, state gateway.MessageState) *msgstore.Record {
	return &msgstore.Record{
		Key: key, ID: gateway.MessageID(key), Account: "platform", State: state,
		PDU: &smpp.SubmitSM{Destination: smpp.Address{Digits: "8613800000001"}, ShortMessage: []byte("hi")},
	}
}

// What a person sees with redis-cli (package documentation).
func TestKeysAreReadable(t *testing.T) {
	server := miniredis.RunT(t)
	s := open(t, server.Addr())
	var b msgstore.Batch
	for _, err := range []error{b.Put(record("m1", gateway.Enroute)), b.Finish(record("m2", gateway.Delivered))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"{smsc}:fence": "1", "{smsc}:seq": "1"} {
		if got, err := server.Get(key); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", key, got, err, want)
		}
	}
	if live := server.HGet("{smsc}:live", "m1"); !strings.HasPrefix(live, "1 message ENROUTE m1 platform\n") {
		t.Errorf("the live record is %q", live)
	}
	entries, err := server.Stream("{smsc}:finished")
	if err != nil || len(entries) != 1 || entries[0].ID != "1-1" || entries[0].Values[0] != "m2" ||
		!strings.HasPrefix(entries[0].Values[1], "1 message DELIVRD m2 platform\n") {
		t.Errorf("the finished ones are %v, %v", entries, err)
	}
}

// A batch of many finished records is several entries, and they are counted again by who
// opens the store next.
func TestEntries(t *testing.T) {
	server := miniredis.RunT(t)
	s := open(t, server.Addr())
	var b msgstore.Batch
	for i := range 600 {
		r := record(strings.Repeat("x", i+1), gateway.Delivered)
		r.Done = time.Now()
		if err := b.Finish(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	entries, err := server.Stream("{smsc}:finished")
	if err != nil || len(entries) != 3 || len(entries[0].Values) != 2*256 || entries[2].ID != "1-3" {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// What others have written is nothing to start from, or to write over.
func TestBroken(t *testing.T) {
	server := miniredis.RunT(t)
	server.HSet("{smsc}:live", "m1", "somebody's text")
	s := open(t, server.Addr())
	for _, err := range s.Load(t.Context()) {
		if !errors.Is(err, msgstore.ErrBroken) || !strings.Contains(err.Error(), `"m1"`) {
			t.Errorf("a record that is none: %v", err)
		}
	}
	server.Del("{smsc}:live")
	if err := server.Set("{smsc}:live", "a text"); err != nil {
		t.Fatal(err)
	}
	var b msgstore.Batch
	if err := b.Put(record("m1", gateway.Enroute)); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), &b); !errors.Is(err, msgstore.ErrBroken) || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("a hash that is a text: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := redisstore.Open(t.Context(), redisstore.Options{}); err == nil {
		t.Error("no address was accepted")
	}
	server := miniredis.RunT(t)
	if err := server.Set("{smsc}:fence", "mine"); err != nil {
		t.Fatal(err)
	}
	_, err := redisstore.Open(t.Context(), redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{server.Addr()}}})
	if err == nil || !strings.Contains(err.Error(), "open message store smsc at") {
		t.Errorf("somebody else's fence: %v", err)
	}
}

// What each setting can cost is told for the server that really runs.
func TestRisks(t *testing.T) {
	server := msgstoretest.NewServer(t).Addr
	client := redis.NewClient(&redis.Options{Addr: server, Protocol: 2})
	defer client.Close()
	set := func(name, value string) {
		t.Helper()
		if err := client.ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("aof-load-truncated", "no")
	s := open(t, server)
	if risks, err := s.Risks(t.Context()); err != nil || len(risks) > 0 {
		t.Errorf("a server for keeps: %q, %v", risks, err)
	}
	for _, tt := range []struct{ name, wrong, right string }{
		{"appendonly", "no", "yes"}, {"appendfsync", "everysec", "always"}, {"no-appendfsync-on-rewrite", "yes", "no"},
		{"aof-load-truncated", "yes", "no"}, {"maxmemory-policy", "allkeys-lru", "noeviction"},
	} {
		set(tt.name, tt.wrong)
		risks, err := s.Risks(t.Context())
		if want := tt.name + " " + tt.wrong + " and not " + tt.right + ": "; err != nil || len(risks) != 1 || !strings.HasPrefix(risks[0], want) {
			t.Errorf("%s %s: %q, %v", tt.name, tt.wrong, risks, err)
		}
		set(tt.name, tt.right)
	}
	if _, err := open(t, miniredis.RunT(t).Addr()).Risks(t.Context()); err == nil {
		t.Error("miniredis has settings")
	}
}
