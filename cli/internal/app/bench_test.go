package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/airtill/airtill/cli/internal/smscbench"
)

// A run shows what it has counted, to people and to programs.
func TestBenchSMSC(t *testing.T) {
	redis := "redis://" + miniredis.RunT(t).Addr()
	for _, tt := range []struct {
		name, flags         string
		delivered, receipts int64
	}{
		{"discard", "", 0, 0},
		{"store", "--route store", 300, 0},
		{"receipts", "--receipts", 300, 300},
		{"phones", "--route phones --receipts --receivers 2", 300, 300},
		{"redis", "--receipts --redis " + redis, 300, 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			line := append([]string{"bench", "smsc", "--json", "--messages", "300", "--binds", "2", "--window", "5"}, strings.Fields(tt.flags)...)
			got := s.run(line...)
			s.check(got, 0)
			var r smscbench.Result
			if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
				t.Fatal(err)
			}
			if r.Answered != 300 || r.Delivered != tt.delivered || r.Matched != tt.receipts || r.Binds != 2 || r.Window != 5 {
				t.Errorf("the result is %+v", r)
			}
		})
	}
}

func TestBenchSMSCForPeople(t *testing.T) {
	s := newShell(t)
	profile := filepath.Join(t.TempDir(), "cpu")
	got := s.run("bench", "smsc", "--messages", "100", "--receipts", "--profile", profile)
	s.check(got, 0)
	for _, want := range []string{"4 binds x window 100", "100 answered, 0 refused", "100 matched, 0 missing, 0 stray", "p99", "us a message"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is not in\n%s", want, got.stdout)
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v", err)
	}
}

func TestBenchSMSCWrongUse(t *testing.T) {
	for _, tt := range []struct{ flags, want string }{
		{"--route fast", `--route "fast" is none of [discard store phones]`},
		{"--route discard --receipts", "--route discard keeps nothing: it goes without --receipts and --redis"},
		{"--system-id app", "--system-id, --receiver-id and --password-file are for the SMSC at --smpp"},
		{"--smpp 127.0.0.1:1", "--smpp goes with --system-id ID"},
		{"--smpp 127.0.0.1:1 --system-id app --route store", "--route and --redis are for an SMSC of its own; --smpp is another's"},
		{"--binds -1", "a number is negative"},
		{"--redis http://:hush@x", "--redis: it is no URL like redis://127.0.0.1:6379/0"},
	} {
		s := newShell(t)
		got := s.run(append([]string{"bench", "smsc"}, strings.Fields(tt.flags)...)...)
		first, _, _ := strings.Cut(got.stderr, "\n")
		if _, text, _ := strings.Cut(first, ": "); got.status != StatusUsage || text != tt.want || strings.Contains(got.stderr, "hush") {
			t.Errorf("%s: %+v\nwant %s", tt.flags, got, tt.want)
		}
	}
}

// Nobody there is a failure that says so.
func TestBenchSMSCNobodyThere(t *testing.T) {
	s := newShell(t)
	got := s.run("bench", "smsc", "--smpp", "127.0.0.1:1", "--system-id", "app")
	if got.status != StatusUnreachable || !strings.Contains(got.stderr, "connect to the SMSC") || got.stdout != "" {
		t.Errorf("%+v", got)
	}
}
