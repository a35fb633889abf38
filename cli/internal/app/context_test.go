package app

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
)

// A network elsewhere is kept under a name, and commands find it without a flag.
func TestContexts(t *testing.T) {
	s := newShell(t)
	s.environ["XDG_CONFIG_HOME"] = s.path("config")
	at := (&fakePlatform{}).serve(t)
	if err := world.WriteReady(s.path("net.json"), readyFor(at)); err != nil {
		t.Fatal(err)
	}
	s.check(s.run("context", "show"), StatusNotFound, "airtill context show: no context is in use",
		"commands speak to airtill dev on this machine; use one: airtill context use NAME")
	s.check(s.run("context", "add", "here"), StatusUnreachable, "airtill context add: no running network found: there is no "+s.path(".local/state/airtill/dev.json"),
		"start one: airtill dev; or say which: --network FILE")
	said := []string{"use it: airtill context use staging; or for one command: --network staging"}
	s.check(s.run("context", "add", "--from", s.path("net.json"), "staging"), 0, said...)
	s.check(s.run("context", "add", "--from", s.path("net.json"), "staging"), StatusConflict, "airtill context add: there is a context staging", "another name, or --replace")
	s.check(s.run("context", "add", "--from", s.path("net.json"), "--replace", "staging"), 0, said...)
	if info, err := os.Stat(s.path("config/airtill/contexts/staging.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if got := s.run("bill", "list", "--network", "staging"); got.status != 0 || !strings.Contains(got.stdout, string(fakeBill)) {
		t.Errorf("%+v", got)
	}
	s.check(s.run("bill", "list", "--network", "prod"), StatusUnreachable, "airtill bill list: no running network found: there is no file and no context prod",
		"which contexts there are: airtill context list")
	s.check(s.run("context", "use", "prod"), StatusNotFound, "airtill context use: there is no context prod",
		"which there are: airtill context list; make one: airtill context add NAME")
	s.check(s.run("context", "use", "staging"), 0, "commands speak to staging now")
	if got := s.run("bill", "list"); got.status != 0 || !strings.Contains(got.stdout, string(fakeBill)) {
		t.Errorf("%+v", got)
	}
	var row contextRow
	if err := json.Unmarshal([]byte(s.run("context", "show", "--json").stdout), &row); err != nil || !row.InUse || row.Platform != at || len(row.Keys) != 3 {
		t.Errorf("%+v %v", row, err)
	}
	s.check(s.run("context", "remove", "staging"), 0, "it was in use: no context is in use now")
	if got := s.run("bill", "list"); got.status != StatusUnreachable {
		t.Errorf("%+v", got)
	}
	s.check(s.run("context", "remove", "staging"), StatusNotFound, "airtill context remove: there is no context staging",
		"which there are: airtill context list; make one: airtill context add NAME")
}

// A context may be said by its addresses; its keys come from files and stay hidden.
func TestContextOfAddresses(t *testing.T) {
	s := newShell(t)
	s.environ["XDG_CONFIG_HOME"] = s.path("config")
	s.write("key", fakeKey+"\n")
	at := (&fakePlatform{}).serve(t)
	s.check(s.run("context", "add", "--platform", at, "--redis", "redis://:hush@h/0", "--api-key-file", s.path("key"), "--merchant", "10000001", "prod"), 0,
		"use it: airtill context use prod; or for one command: --network prod")
	s.run("context", "use", "prod")
	got := s.run("context", "list", "-o", "wide")
	if !strings.Contains(got.stdout, "*  prod") || !strings.Contains(got.stdout, "redis://:***@h/0") {
		t.Errorf("%+v", got)
	}
	if got := s.run("bill", "show", string(fakeBill)); got.status != 0 {
		t.Errorf("%+v", got)
	}
	s.check(s.run("context", "use", "none"), 0, "no context is in use")
	for _, tt := range []struct{ line, want string }{
		{"context add --platform ftp://x a", "--platform is no URL like http://127.0.0.1:8080"},
		{"context add --redis nonsense a", "the store's address is no URL like redis://127.0.0.1:6379/0; say one: --redis URL"},
		{"context add --platform http://x ../a", `"../a": a context's name is letters, digits, - and _, and not "none"`},
		{"context add --platform http://x none", `"none": a context's name is letters, digits, - and _, and not "none"`},
	} {
		got := s.run(strings.Fields(tt.line)...)
		if got.status != StatusUsage || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.line, got)
		}
	}
}
