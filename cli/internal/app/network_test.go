package app

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// A flag comes before the environment, and both before the ready file.
func TestWhichNetwork(t *testing.T) {
	tests := []struct {
		name                    string
		flag, environment, file bool
		want                    string
	}{
		{"the ready file", false, false, true, "file"},
		{"the environment", false, true, true, "environment"},
		{"a flag", true, true, true, "flag"},
		{"a flag alone", true, false, false, "flag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			places := map[string]*fakePhones{}
			urls := map[string]string{}
			for _, name := range []string{"flag", "environment", "file"} {
				places[name] = &fakePhones{answer: fleet.Phones{Phones: []fleet.Phone{{Persona: "at " + name}}}}
				urls[name] = places[name].serve(t)
			}
			line := []string{"phone", "list"}
			if tt.flag {
				line = append(line, "--handsets", urls["flag"])
			}
			if tt.environment {
				t.Setenv("AIRTILL_HANDSETS", urls["environment"])
			}
			if tt.file {
				s.ready(world.Ready{Handsets: urls["file"]})
			}
			got := s.run(line...)
			s.check(got, 0)
			if !strings.Contains(got.stdout, "at "+tt.want) {
				t.Errorf("want the network of %s:\n%s", tt.want, got.stdout)
			}
		})
	}
}

// The ready file itself is found by flag, environment, XDG_STATE_HOME and HOME in this order.
func TestWhichReadyFile(t *testing.T) {
	s := newShell(t)
	for _, name := range []string{"flag.json", "environment.json", "xdg/airtill/dev.json", ".local/state/airtill/dev.json"} {
		phones := &fakePhones{answer: fleet.Phones{Phones: []fleet.Phone{{Persona: "at " + name}}}}
		if err := world.WriteReady(s.path(name), world.Ready{Handsets: phones.serve(t)}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(name string, line ...string) {
		t.Helper()
		if got := s.run(line...); got.status != 0 || !strings.Contains(got.stdout, "at "+name) {
			t.Errorf("want %s, got %+v", name, got)
		}
	}
	expect(".local/state/airtill/dev.json", "phone", "list")
	s.environ["XDG_STATE_HOME"] = s.path("xdg")
	expect("xdg/airtill/dev.json", "phone", "list")
	t.Setenv("AIRTILL_NETWORK", s.path("environment.json"))
	expect("environment.json", "phone", "list")
	expect("flag.json", "phone", "list", "--network", s.path("flag.json"))
}

func TestNoNetwork(t *testing.T) {
	for _, line := range [][]string{
		{"bill", "show", string(fakeBill)},
		{"bill", "list"},
		{"bill", "create", "--amount", "1", "--phone", "8613800000001"},
		{"phone", "list"},
		{"office", "phones"},
		{"audit"},
		{"enrol", "--phone", "8613800000001", "--name", "Li", "--card", "alias=Blue,balance=1"},
	} {
		t.Run(strings.Join(line[:min(2, len(line))], " "), func(t *testing.T) {
			s := newShell(t)
			got := s.run(line...)
			want := ": no running network found: there is no " + s.path(".local/state/airtill/dev.json") + "\n" +
				"start one: airtill dev; or say which: --network FILE\n"
			if got.status != StatusUnreachable || got.stdout != "" || !strings.HasSuffix(got.stderr, want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A network that is gone leaves an address at which nobody answers.
func TestNetworkIsGone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	r := readyFor("http://" + address)
	r.Handsets, r.Redis = r.HTTP, "redis://"+address
	s.ready(r)
	for _, line := range [][]string{
		{"bill", "show", string(fakeBill)},
		{"phone", "inbox", "8613800000001"},
		{"office", "merchants"},
	} {
		s.check(s.run(line...), StatusUnreachable,
			"airtill "+strings.Join(line[:2], " ")+": nobody answers: dial tcp "+address+": connect: connection refused",
			"is the network running? start one: airtill dev")
	}
	got := s.run("audit")
	if got.status != StatusUnreachable || !strings.Contains(got.stderr, "look into the store at "+address) || !strings.Contains(got.stderr, "airtill dev") {
		t.Errorf("%+v", got)
	}
}

func TestReadyFileIsWrong(t *testing.T) {
	s := newShell(t)
	if err := os.WriteFile(s.path("f.json"), []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.run("bill", "list", "--network", s.path("f.json"))
	if got.status != 1 || !strings.Contains(got.stderr, "airtill dev --ready-file "+s.path("f.json")) {
		t.Errorf("%+v", got)
	}
	s.ready(world.Ready{HTTP: "http://127.0.0.1:1"})
	s.check(s.run("phone", "list"), 1,
		"airtill phone list: the ready file does not say where its handsets is", "say it: --handsets URL")
}

// Which key is shown to which address.
func TestKeys(t *testing.T) {
	platformFake := &fakePlatform{}
	url := platformFake.serve(t)
	elsewhere := (&fakePlatform{}).serve(t)
	key := func(s *shell, text string) string {
		t.Helper()
		if err := os.WriteFile(s.path("key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return s.path("key")
	}
	show := []string{"bill", "show"}
	tests := []struct {
		name   string
		set    func(s *shell) []string // flags
		status int
		want   string // in stderr
	}{
		{"the ready file's first merchant", func(*shell) []string { return nil }, 0, ""},
		{"another of its merchants", func(*shell) []string { return []string{"--merchant", "10000002"} }, 1,
			"401 No valid key: "},
		{"a merchant it does not have", func(*shell) []string { return []string{"--merchant", "10000003"} }, 1,
			"the ready file has no merchant 10000003\nit has: 10000001, 10000002\n"},
		{"the environment before the ready file", func(s *shell) []string { s.environ["AIRTILL_API_KEY"] = "ak_wrong"; return nil }, 1,
			"the platform does not know the key, which is from AIRTILL_API_KEY\n"},
		{"a file before the environment", func(s *shell) []string {
			s.environ["AIRTILL_API_KEY"] = "ak_wrong"
			return []string{"--api-key-file", key(s, fakeKey+"\n")}
		}, 0, ""},
		{"a merchant before the environment", func(s *shell) []string {
			s.environ["AIRTILL_API_KEY"] = "ak_wrong"
			return []string{"--merchant", "10000001"}
		}, 0, ""},
		{"both", func(s *shell) []string { return []string{"--merchant", "10000001", "--api-key-file", key(s, fakeKey)} }, 2,
			"--merchant and --api-key-file each say a key; give one of them"},
		{"an address of the ready file with a slash", func(*shell) []string { return []string{"--platform", url + "/"} }, 0, ""},
		{"another address", func(*shell) []string { return []string{"--platform", elsewhere} }, 1,
			"no API key for " + elsewhere + "\nset AIRTILL_API_KEY, or give --api-key-file FILE\n"},
		{"another address with its key", func(s *shell) []string {
			s.environ["AIRTILL_API_KEY"] = fakeKey
			return []string{"--platform", elsewhere}
		}, 0, ""},
		{"no such file", func(s *shell) []string { return []string{"--api-key-file", s.path("none")} }, 1, "none: no such file or directory"},
		{"an empty file", func(s *shell) []string { return []string{"--api-key-file", key(s, "\n")} }, 1, "it is empty"},
		{"two lines", func(s *shell) []string { return []string{"--api-key-file", key(s, "ak_1\nak_2\n")} }, 1, "it holds more than one line"},
		{"a large file", func(s *shell) []string { return []string{"--api-key-file", key(s, strings.Repeat("a", 5000))} }, 1, "more than one line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			s.ready(readyFor(url))
			got := s.run(append(append(show, tt.set(s)...), string(fakeBill))...)
			if got.status != tt.status || !strings.Contains(got.stderr, tt.want) || tt.want == "" && got.stderr != "" {
				t.Errorf("%+v, want %d with %q", got, tt.status, tt.want)
			}
		})
	}
}

func TestOperatorKey(t *testing.T) {
	s := newShell(t)
	url := (&fakePlatform{}).serve(t)
	s.check(s.run("office", "phones", "--platform", url), 1,
		"airtill office phones: no operator key for "+url, "set AIRTILL_OPERATOR_KEY, or give --operator-key-file FILE")
	s.environ["AIRTILL_OPERATOR_KEY"] = fakeOperator
	got := s.run("office", "phones", "--platform", url)
	s.check(got, 0)
	if want := "PHONE         NAME  FORM  SUITE  KEYS  HELD  SLOT  ALIAS  NUMBER  BALANCE  LOCKED\n861*****0001  Li    sim   none      0           1  Blue             JPY 5  locked\n"; got.stdout != want {
		t.Errorf("got\n%swant\n%s", got.stdout, want)
	}
}
