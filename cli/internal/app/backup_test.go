package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/backup"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
)

// A network's store is copied while bills are paid, the copy is proved, and restored into
// a Redis, a data directory and memory, where its books are right.
func TestBackup(t *testing.T) {
	onNetwork(t, func(l *live, _ *world.World) {
		l.run(0, "enrol", "--phone", livePhone, "--name", "Li Wei", "--persona", "pays", "--card", "alias=Blue,balance=5000000")
		dir := t.TempDir()
		files := []string{filepath.Join(dir, "a.backup"), filepath.Join(dir, "b.backup"), filepath.Join(dir, "c.backup")}
		for _, file := range files {
			for n := range 5 { // they are on their way meanwhile
				l.run(0, "bill", "create", "--amount", "100", "--phone", livePhone, "--reference", fmt.Sprint(filepath.Base(file), n))
			}
			m := object[backup.Manifest](l, 0, "backup", "--pause", "1s", file)
			if m.Partitions != 16 || m.Entries() == 0 || len(m.SHA256) != 64 {
				t.Errorf("%+v", m)
			}
		}
		for _, file := range files {
			if r := object[audit.Report](l, 0, "backup", "--check", file); !r.OK() || r.Entries == 0 || r.Unchained != 0 {
				t.Errorf("%+v", r)
			}
		}
		file := filepath.Join(dir, "last.backup")
		_, stderr := l.run(0, "backup", "--by", "Zhao Min", file)
		if !strings.Contains(stderr, "the vault is not in it") || !strings.Contains(stderr, "next: airtill backup --check "+file) {
			t.Errorf("%s", stderr)
		}
		acts := objects[platform.Act](l, 0, "office", "log", "--by", "Zhao Min")
		if len(acts) != 1 || acts[0].Name != "backup" || acts[0].On != file {
			t.Errorf("%+v", acts)
		}
		l.restore(file, len(objects[api.Bill](l, 0, "bill", "list", "--limit", "200")))
		l.damage(file)
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), livePhone) {
			t.Errorf("the backup has a phone's number in the clear (%v)", err)
		}
	})
}

// restore puts a file where it can be put, and finds all bills there.
func (l *live) restore(file string, bills int) {
	l.t.Helper()
	server := miniredis.RunT(l.t)
	url := "redis://" + server.Addr()
	_, stderr := l.run(0, "restore", "--redis", url, file)
	if stderr != "the books are right\n" {
		l.t.Errorf("%s", stderr)
	}
	if r := object[audit.Report](l, 0, "audit", "--redis", url); r.Bills != bills || r.Bills == 0 {
		l.t.Errorf("%d bills, want %d", r.Bills, bills)
	}
	_, stderr = l.run(1, "restore", "--redis", url, file)
	if !strings.Contains(stderr, "there is a store already; nothing was restored\n") {
		l.t.Errorf("a second time: %s", stderr)
	}
	server.HSet("{p03}:balances", "home:acct_10000001:CNY", "1")
	l.run(0, "restore", "--redis", url, "--fresh", file)
	data := filepath.Join(l.t.TempDir(), "restored")
	l.run(0, "restore", "--data", data, file)
	again := filepath.Join(l.t.TempDir(), "again.backup")
	l.run(0, "backup", "--data", data, again)
	if r := object[audit.Report](l, 0, "backup", "--check", again); r.Bills != bills {
		l.t.Errorf("a backup of what was restored has %d bills", r.Bills)
	}
	l.run(1, "restore", "--data", data, file)
}

// damage finds a file out that is not as it was written.
func (l *live) damage(file string) {
	l.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	torn := filepath.Join(l.t.TempDir(), "torn.backup")
	for name, octets := range map[string][]byte{"torn": text[:len(text)-7], "changed": append([]byte("*2\r\n"), text[4:]...), "none": []byte("hello\n")} {
		if err := os.WriteFile(torn, octets, 0o600); err != nil {
			l.t.Fatal(err)
		}
		_, stderr := l.run(1, "backup", "--check", torn)
		if !strings.Contains(stderr, "damaged") || !strings.Contains(stderr, "nothing was restored") {
			l.t.Errorf("%s: %s", name, stderr)
		}
	}
}

func TestBackupUsage(t *testing.T) {
	s := newShell(t)
	server := miniredis.RunT(t)
	url := "redis://" + server.Addr()
	file := s.path("x.backup")
	for line, want := range map[string]struct {
		status int
		say    string
	}{
		"backup --redis " + url + " " + file:                       {1, "there is no store of Airtill"},
		"backup " + file:                                           {4, "no running network found"},
		"backup --data /nowhere/at/all " + file:                    {2, "no such file"},
		"backup --redis " + url + " --data " + s.home + " " + file: {2, "not both"},
		"backup --check " + file:                                   {2, "no such file"},
		"restore " + file:                                          {2, "say where to"},
		"restore --redis " + url + " " + file:                      {2, "no such file"},
		"restore --data x --fresh " + file:                         {2, "--fresh is for --redis"},
	} {
		o := s.run(strings.Fields(line)...)
		if o.status != want.status || !strings.Contains(o.stderr, want.say) {
			t.Errorf("%s: %d %s", line, o.status, o.stderr)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s leaves a file", line)
		}
	}
}

// A platform that is started on a restored copy goes on from its moment as after a crash:
// what was on its way comes home, and the books are right all along.
func TestRestoredStoreGoesOn(t *testing.T) {
	onNetwork(t, func(l *live, w *world.World) {
		l.run(0, "enrol", "--phone", livePhone, "--name", "Li Wei", "--persona", "pays", "--card", "alias=Blue,balance=5000000")
		file := filepath.Join(t.TempDir(), "store.backup")
		for n := range 12 {
			l.run(0, "bill", "create", "--amount", "100", "--phone", livePhone, "--reference", fmt.Sprint("r", n))
		}
		l.run(0, "backup", file)
		url := "redis://" + miniredis.RunT(t).Addr()
		l.run(0, "restore", "--redis", url, file)
		store, err := world.OpenStore(l.ctx, network.TCP{}, "", url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if err := w.RestartPlatform(l.ctx, nil, world.Host{Network: network.TCP{}, Store: store.Store}); err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			l.run(0, "bill", "create", "--amount", "100", "--phone", livePhone, "--reference", fmt.Sprint("after", n), "--wait", "20s")
		}
		l.run(0, "office", "settle", "--by", "Zhao Min")
		r := object[audit.Report](l, 0, "audit", "--redis", url)
		for r.Clearing["CNY"] != 0 && l.ctx.Err() == nil { // a bill from before the backup is paid, and on its way home
			r = object[audit.Report](l, 0, "audit", "--redis", url)
		}
		if r.Clearing["CNY"] != 0 || r.Paid < 3 || r.Settlements != 1 || r.Unchained != 0 {
			t.Errorf("%+v", r)
		}
		l.run(0, "bill", "statement")
	})
}
