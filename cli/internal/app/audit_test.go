package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/audit"
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
	for marker, want := range map[string]string{
		`{"version":2,"partitions":16}`:      "it has version 2 and 16 partitions",
		`{"version":1,"partitions":0}`:       "it has version 1 and 0 partitions",
		`{"version":1,"partitions":9000000}`: "it has version 1 and 9000000 partitions",
	} {
		if err := server.Set(storeMarker, marker); err != nil {
			t.Fatal(err)
		}
		if got := s.run("audit", "--redis", "redis://"+server.Addr()); got.status != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: %+v", marker, got)
		}
	}
	for _, count := range []string{"3", "16"} {
		if err := server.Set(storeMarker, `{"version":1,"partitions":`+count+`}`); err != nil {
			t.Fatal(err)
		}
		s.check(s.run("audit", "--redis", "redis://"+server.Addr()), 0, "the journal is empty: is that the store that was meant?")
	}
	server.RequireAuth("right")
	got := s.run("audit", "--redis", "redis://:hush@"+server.Addr()+"/0")
	if got.status != 1 || strings.Contains(got.stderr, "hush") || !strings.Contains(got.stderr, "look into the store at "+server.Addr()) {
		t.Errorf("%+v", got)
	}
}

// What is wrong ends with 1, what is overdue too, each in its words.
func TestPrintReport(t *testing.T) {
	tests := []struct {
		name   string
		report audit.Report
		wrong  string // the error; empty is none
		stdout string
	}{
		{"right", audit.Report{Entries: 1}, "", "journal entries  1\n"},
		{"one difference", audit.Report{Entries: 1, Differences: []string{"a; look at {p00}:due"}}, "the books are wrong: 1 difference", "difference       a; look at {p00}:due\n"},
		{"two", audit.Report{Entries: 1, Differences: []string{"a", "b"}, Overdue: []string{"c"}}, "the books are wrong: 2 differences", "difference       b\noverdue          c\n"},
		{"overdue", audit.Report{Entries: 1, Overdue: []string{"c", "d"}}, "the books are right, but overdue: 2", "overdue          d\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			err := printReport(&call{env: Env{Stderr: &stderr}, out: &printer{w: &stdout}}, &tt.report)
			if tt.wrong == "" && err != nil || tt.wrong != "" && (Status(err) != StatusFailed || err.Error() != tt.wrong) {
				t.Errorf("%v, want %q", err, tt.wrong)
			}
			if !strings.HasSuffix(stdout.String(), tt.stdout) && tt.wrong != "" || !strings.Contains(stdout.String(), tt.stdout) {
				t.Errorf("printed:\n%s", &stdout)
			}
		})
	}
}

// Books that are wrong are not served; an audit that has no time is no obstacle, and says so.
func TestAuditAtStart(t *testing.T) {
	server := miniredis.RunT(t)
	store, err := world.OpenStore(t.Context(), network.TCP{}, "", "redis://"+server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var log bytes.Buffer
	c := &call{log: zerolog.New(&log)}
	start := func(most time.Duration) error { return auditAtStart(t.Context(), c, store, most) }
	if err := start(time.Minute); err != nil {
		t.Errorf("right books: %v", err)
	}
	server.HSet("{p03}:balances", "home:acct_10000001:CNY", "1")
	if err := start(time.Minute); err == nil || !strings.Contains(err.Error(), "home:acct_10000001:CNY holds 1, the journal knows nothing of it; look at {p03}:balances") {
		t.Errorf("wrong books: %v", err)
	}
	if err := start(0); err != nil || log.Len() > 0 {
		t.Errorf("not asked to: %v, %s", err, &log)
	}
	if err := start(time.Nanosecond); err != nil || !strings.Contains(log.String(), "was not done in time") {
		t.Errorf("without time: %v, %s", err, &log)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := auditAtStart(ctx, c, store, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
