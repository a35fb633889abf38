package app

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// sourceOf is what config show says of a setting.
func (s *shell) sourceOf(name string, line ...string) setting {
	s.t.Helper()
	got := s.run(append([]string{"config", "show", "--sources", "--json"}, line...)...)
	if got.status != 0 {
		s.t.Fatalf("%q: %+v", line, got)
	}
	for text := range strings.Lines(got.stdout) {
		var one setting
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			s.t.Fatal(err)
		}
		if one.Name == name {
			return one
		}
	}
	s.t.Fatalf("%q does not show %s:\n%s", line, name, got.stdout)
	return setting{}
}

// A flag comes before the environment, the environment before the file, the file before
// the default; and a command's own settings before those for all.
func TestPrecedence(t *testing.T) {
	s := newShell(t)
	s.environ["XDG_CONFIG_HOME"], s.environ["PASS"] = s.home, "hush"
	file := s.path("airtill/config.yaml")
	check := func(want setting, name string, line ...string) {
		t.Helper()
		got := s.sourceOf(name, line...)
		got.Name, got.For = "", ""
		if got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
	check(setting{Value: "127.0.0.1:8080", Source: fromDefault}, "http", "dev")
	s.write("airtill/config.yaml", "http: 127.0.0.1:1\ndev:\n  http: 127.0.0.1:2\nredis: redis://:${PASS}@127.0.0.1:3/0\nlimit-day: [CNY=1, USD=2]\n"+
		"suite: legacy\nussd-cap: CNY=5\n")
	check(setting{Value: "127.0.0.1:1", Source: fromFile, At: file + ":1"}, "http", "merchant")
	check(setting{Value: "127.0.0.1:2", Source: fromFile, At: file + ":3"}, "http", "dev")
	check(setting{Value: "redis://:***@127.0.0.1:3/0", Source: fromFile, At: file + ":4"}, "redis", "dev")
	check(setting{Value: "CNY=1 USD=2", Source: fromFile, At: file + ":5"}, "limit-day", "dev")
	check(setting{Value: "legacy", Source: fromFile, At: file + ":6"}, "suite", "dev")
	t.Setenv("AIRTILL_LISTEN_HTTP", "127.0.0.1:4")
	t.Setenv("AIRTILL_DEV_MANUAL", "true")
	check(setting{Value: "127.0.0.1:4", Source: fromEnvironment, At: "AIRTILL_LISTEN_HTTP"}, "http", "dev")
	check(setting{Value: "true", Source: fromEnvironment, At: "AIRTILL_DEV_MANUAL"}, "manual", "dev")
	check(setting{Value: "127.0.0.1:5", Source: fromFlag}, "http", "--", "dev", "--http", "127.0.0.1:5")
	check(setting{Value: "127.0.0.1:4", Source: fromEnvironment, At: "AIRTILL_LISTEN_HTTP"}, "http")
	all := s.run("config", "show", "--sources")
	if all.status != 0 || !strings.Contains(all.stdout, "commands, such as") || strings.Contains(all.stdout, "hush") {
		t.Errorf("%+v", all)
	}
	s.check(s.run("config", "check"), 0, file+" is right: settings in it: 6")
	delete(s.environ, "PASS")
	got := s.run("audit")
	s.check(got, StatusConfig, "airtill audit: "+file+":4: redis: PASS is not set in the environment")
	check(setting{Value: "127.0.0.1:4", Source: fromEnvironment, At: "AIRTILL_LISTEN_HTTP"}, "http", "--", "dev", "--config", "none")
}

// What is wrong with a file stops every command, with the key and the line.
func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"platfrm: x", ":1: platfrm: no such setting; did you mean platform?"},
		{"dev:\n  http: 1\n  sede: 7", ":3: dev.sede: no such setting; did you mean seed?"},
		{"dev: {seed: many}", `:1: dev.seed: "many": it is a whole number from 0`},
		{"demo: {suite: old}", ":1: demo.suite: "},
		{"fresh: true", ":1: fresh: it is said on the command line only"},
		{"bill: {create: {amount: 7}}", ":1: bill.create.amount: it is said on the command line only"},
		{"redis: redis://:hush@127.0.0.1/0", ":1: redis: a secret stands in the file: write ${NAME}"},
		{"gateway: {esme: ['app:hush']}", ":1: gateway.esme: a secret stands in the file"},
		{"\tx: y", ": not YAML: "},
	} {
		s := newShell(t)
		s.write("a.yaml", tt.text)
		for _, line := range [][]string{{"config", "check", s.path("a.yaml")}} {
			got := s.run(line...)
			if got.status != StatusConfig || !strings.Contains(got.stderr, s.path("a.yaml")) || !strings.Contains(got.stderr, tt.want) || strings.Contains(got.stderr, "hush") {
				t.Errorf("%q\n%+v\nwant %s", tt.text, got, tt.want)
			}
		}
	}
	s := newShell(t)
	if got := s.run("version", "--config", s.path("none.yaml")); got.status != StatusConfig || !strings.Contains(got.stderr, "no such file") {
		t.Errorf("%+v", got)
	}
}

// A file to begin with changes nothing, and any line of it may be let in.
func TestConfigInit(t *testing.T) {
	s := newShell(t)
	s.environ["XDG_CONFIG_HOME"] = s.home
	path := s.path("airtill/config.yaml")
	s.check(s.run("config", "path"), 0, "it is not there yet; begin one: airtill config init")
	s.check(s.run("config", "init"), 0)
	s.check(s.run("config", "check"), 0, path+" is right: settings in it: 0")
	s.check(s.run("config", "init"), StatusConflict, "airtill config init: "+path+" is there, and stays as it is", "say another: airtill config init FILE")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		bare := strings.TrimPrefix(line, "#")
		if bare != line && !strings.HasPrefix(bare, " ") && strings.Contains(bare, ": ") && !strings.Contains(bare, ":   #") {
			b.WriteString(bare)
		}
	}
	s.write("let-in.yaml", b.String())
	got := s.run("config", "check", s.path("let-in.yaml"))
	if got.status != 0 || strings.Contains(got.stderr, "in it: 0") {
		t.Errorf("%+v\n%s", got, &b)
	}
}

func TestMasked(t *testing.T) {
	for _, tt := range []struct{ flag, text, want string }{
		{"redis", "redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"},
		{"redis", "redis://:hush@h/0", "redis://:***@h/0"},
		{"redis", "redis://me:hu:sh@h/0,redis://:hu@sh@h2", "redis://me:***@h/0,redis://:***@h2"},
		{"redis", "redis://me@h/0", "redis://me@h/0"},
		{"platform", "http://h:8080/a@b:c", "http://h:8080/a@b:c"},
		{"esme", "app:hush:^42$", "app:***:^42$"}, {"esme", "app:hush", "app:***"},
	} {
		if got := masked(tt.flag, tt.text); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.flag, tt.text, got, tt.want)
		}
	}
}
