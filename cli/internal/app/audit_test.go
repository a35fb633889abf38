package app

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// What is no store is not made one by looking at it.
func TestAuditOfSomethingElse(t *testing.T) {
	server := miniredis.RunT(t)
	if err := server.Set("something", "else"); err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	s.check(s.run("audit", "--redis", "redis://"+server.Addr()+"/0"), 1,
		"airtill audit: there is no store of Airtill at "+server.Addr(),
		"say which it is, with its database: --redis redis://HOST:PORT/DB")
	if keys := server.Keys(); len(keys) != 1 {
		t.Errorf("the store holds %q now", keys)
	}
	if err := server.Set(storeMarker, `{"version":1,"partitions":3}`); err != nil {
		t.Fatal(err)
	}
	got := s.run("audit", "--redis", "redis://"+server.Addr())
	if got.status != 1 || !strings.Contains(got.stderr, "it has version 1 and 3 partitions") {
		t.Errorf("%+v", got)
	}
	if err := server.Set(storeMarker, `{"version":1,"partitions":16}`); err != nil {
		t.Fatal(err)
	}
	s.check(s.run("audit", "--redis", "redis://"+server.Addr()), 0, "the journal is empty: is that the store that was meant?")
	server.RequireAuth("right")
	got = s.run("audit", "--redis", "redis://:hush@"+server.Addr()+"/0")
	if got.status != 1 || strings.Contains(got.stderr, "hush") || !strings.Contains(got.stderr, "look into the store at "+server.Addr()) {
		t.Errorf("%+v", got)
	}
}
