package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// top is the module's root, seen from here.
var top = filepath.Join("..", "..", "..")

// The law of design: the direction of the arrows.
func TestTheTree(t *testing.T) {
	packages, err := Load(top)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 2 {
		t.Fatalf("found %d packages", len(packages))
	}
	for _, wrong := range Check(packages) {
		t.Error(wrong)
	}
	t.Logf("the rooms and their arrows:\n\n%s", Graph(packages))
}

// Whoever lists the root sees the rooms, and nothing else that is not hidden.
func TestTopLevelDirectories(t *testing.T) {
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(Rooms(), e.Name()) {
			t.Errorf("%s/: the top level is for %s", e.Name(), strings.Join(Rooms(), ", "))
		}
		if strings.HasSuffix(e.Name(), ".go") {
			t.Errorf("%s: the module root holds no Go package", e.Name())
		}
	}
}

// Each rule is broken once, to see that it says why.
func TestCheckSaysWhy(t *testing.T) {
	file := func(name string, imports ...string) File {
		return File{Name: name, Test: strings.HasSuffix(name, "_test.go"), Imports: imports}
	}
	tests := []struct {
		name string
		path string
		file File
		want string // "" when allowed
	}{
		{"fsm knows nobody", "fsm/bill", file("b.go", "gateway"), "fsm/bill/b.go: imports gateway: fsm knows no other room"},
		{"carrier and bills", "gateway/smsc", file("s.go", "platform/applet"), "gateway/smsc/s.go: imports platform/applet: the carrier does not know what a bill is"},
		{"platform and SMSC", "platform/push", file("p.go", "gateway/smsc"), "platform/push/p.go: imports gateway/smsc: the platform reaches phones only through SMPP"},
		{"platform and ESME", "platform/push", file("p.go", "gateway/esme", "fsm/engine"), ""},
		{"platform test and SMSC", "platform/push", file("p_test.go", "gateway/smsc"), ""},
		{"platform test and handsets", "platform/push", file("p_test.go", "handsetsim/se"), "platform/push/p_test.go: imports handsetsim/se: the platform reaches phones only through SMPP"},
		{"gateway test and bills", "gateway/smsc", file("s_test.go", "platform/applet"), "gateway/smsc/s_test.go: imports platform/applet: the carrier does not know what a bill is"},
		{"shop and ledger", "merchant", file("m.go", "platform/ledger"), "merchant/m.go: imports platform/ledger: the shop meets the platform over HTTP and the carrier over SMPP"},
		{"phone and keys", "handsetsim/se", file("s.go", "platform/keys"), "handsetsim/se/s.go: imports platform/keys: a phone knows contracts only"},
		{"sideways", "handsetsim", file("h.go", "merchant"), "handsetsim/h.go: imports merchant: a phone knows contracts only"},
		{"cli", "cli/internal/world", file("w.go", "platform/keys", "handsetsim/se", "github.com/redis/go-redis/v9"), ""},
		{"nobody imports cli", "merchant", file("m_test.go", "cli/internal/app"), "merchant/m_test.go: imports cli/internal/app: nobody imports cli"},
		{"pure and third party", "platform/scp80", file("s.go", "github.com/rs/zerolog"), "platform/scp80/s.go: imports github.com/rs/zerolog: the package is pure: the standard library only"},
		{"pure and I/O", "gateway/smpp", file("s.go", "net"), "gateway/smpp/s.go: imports net: the package is pure, and does no I/O"},
		{"pure and its test", "gateway/smpp", file("s_test.go", "net", "pgregory.net/rapid"), ""},
		{"pure and its room", "platform/applet", file("a.go", "platform/keys"),
			"platform/applet/a.go: imports platform/keys: the package is pure: the standard library and gateway, platform/money, platform/scp80 only"},
		{"looplab in its file", "fsm", file("looplab.go", "github.com/looplab/fsm"), ""},
		{"looplab elsewhere", "fsm", file("fsm.go", "github.com/looplab/fsm"), "fsm/fsm.go: imports github.com/looplab/fsm: it stays behind fsm.Machine (fsm/looplab.go)"},
		{"looplab in a test", "fsm", file("fsm_test.go", "github.com/looplab/fsm"), "fsm/fsm_test.go: imports github.com/looplab/fsm: it stays behind fsm.Machine (fsm/looplab.go)"},
		{"go-redis", "platform/ledger", file("l.go", "github.com/redis/go-redis/v9"),
			"platform/ledger/l.go: imports github.com/redis/go-redis/v9: only stores speak to Redis (fsm/redisstore, fsm/aofstore, fsm/backup, fsm/enginetest, gateway/msgstore/redisstore, gateway/msgstore/msgstoretest, cli/...)"},
		{"urfave", "platform/api", file("a.go", "github.com/urfave/cli/v2"), "platform/api/a.go: imports github.com/urfave/cli/v2: only cli reads flags (cli/...)"},
		{"test library in source", "fsm", file("f.go", "pgregory.net/rapid"), "fsm/f.go: imports pgregory.net/rapid: it is for tests (fsm/enginetest, cli/...)"},
		{"process", "platform/api", File{Name: "a.go", Process: []string{"os.Exit"}}, "platform/api/a.go: uses os.Exit: only cli reads the process"},
		{"process of a test", "platform/api", File{Name: "a_test.go", Test: true, Process: []string{"os.Exit"}}, ""},
		{"signals", "gateway/smsc", file("s.go", "os/signal"), "gateway/smsc/s.go: imports os/signal: only cli reads the process"},
		{"no such room", "util", file("u.go"), "util: no room of this name; there is fsm, gateway, platform, merchant, handsetsim, cli"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Package{Path: tt.path, Name: "p", Files: []File{{Name: "p.go", Doc: true}, tt.file}}
			if got := strings.Join(Check([]Package{p}), "\n"); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCheckDoc(t *testing.T) {
	tests := []struct {
		files []File
		want  string
	}{
		{[]File{{Name: "smpp.go", Doc: true}, {Name: "pdu.go"}}, ""},
		{[]File{{Name: "only_test.go", Test: true}}, ""},
		{[]File{{Name: "smpp.go"}}, "gateway/smpp: no package comment; write it in smpp.go"},
		{[]File{{Name: "smpp.go", Doc: true}, {Name: "pdu.go", Doc: true}}, "gateway/smpp: package comments in smpp.go, pdu.go; one will do, in smpp.go"},
		{[]File{{Name: "smpp.go"}, {Name: "doc.go", Doc: true}}, "gateway/smpp: the package comment is in doc.go; it belongs in smpp.go"},
	}
	for _, tt := range tests {
		p := Package{Path: "gateway/smpp", Name: "smpp", Files: tt.files}
		if got := strings.Join(Check([]Package{p}), "\n"); got != tt.want {
			t.Errorf("%v\n got %s\nwant %s", tt.files, got, tt.want)
		}
	}
}

func TestGraph(t *testing.T) {
	packages := []Package{
		{Path: "platform/push", Files: []File{
			{Name: "push.go", Imports: []string{"context", "gateway/smpp", "gateway/esme", "gateway", "platform/applet"}},
			{Name: "push_test.go", Test: true, Imports: []string{"gateway/smsc"}},
		}},
		{Path: "platform", Files: []File{{Name: "platform.go", Imports: []string{"fsm", "gateway"}}}},
	}
	want := "flowchart LR\n  platform -- \"nouns\" --> fsm\n  platform -- \"nouns, esme, smpp\" --> gateway\n"
	if got := Graph(packages); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
