package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/api"
)

// devProcess is airtill dev as a process of its own.
type devProcess struct {
	t      *testing.T
	ctx    context.Context
	state  string
	cmd    *exec.Cmd
	stderr string // a file
	ended  chan error
	ready  world.Ready
}

// devAt starts airtill dev on free ports, with its state in a directory, and waits until
// it is up.
func devAt(ctx context.Context, t *testing.T, state string, line ...string) *devProcess {
	t.Helper()
	d := &devProcess{t: t, ctx: ctx, state: state, ended: make(chan error, 1)}
	file := filepath.Join(state, "ready.json")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	d.cmd = d.command(append([]string{"dev", "--ready-file", file}, line...)...)
	stderr, err := os.CreateTemp(state, "stderr-*")
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	d.cmd.Stderr, d.stderr = stderr, stderr.Name()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.cmd.Wait() }()
	t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	for d.ready.HTTP == "" {
		select {
		case err := <-d.ended:
			t.Fatalf("airtill dev ended: %v\n%s", err, d.said())
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After(time.Millisecond): // a process tells of its file in no other way
		}
		if r, err := world.ReadReady(file); err == nil {
			d.ready = r
		}
	}
	return d
}

// said is what it has said on stderr.
func (d *devProcess) said() string {
	text, err := os.ReadFile(d.stderr)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// command is the test binary as airtill, with the network's state.
func (d *devProcess) command(line ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.ctx, self, line...)
	cmd.Env = append(os.Environ(), itself+"=1", "XDG_STATE_HOME="+d.state, "AIRTILL_LISTEN_HTTP=127.0.0.1:0", "AIRTILL_LISTEN_SMPP=127.0.0.1:0",
		"AIRTILL_LISTEN_CARRIER=127.0.0.1:0", "AIRTILL_LISTEN_HANDSETS=127.0.0.1:0", "AIRTILL_LISTEN_SHOP=127.0.0.1:0")
	return cmd
}

// airtill runs a command against the network and answers what it printed.
func (d *devProcess) airtill(line ...string) string {
	d.t.Helper()
	out, err := d.command(append(line, "--network", filepath.Join(d.state, "ready.json"))...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("airtill %s: %v\n%s", strings.Join(line, " "), err, out)
	}
	return string(out)
}

func (d *devProcess) end(how os.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(how); err != nil {
		d.t.Fatal(err)
	}
	if err := <-d.ended; how == os.Interrupt && err != nil {
		d.t.Errorf("airtill dev ended with %v\n%s", err, d.said())
	}
}

// airtill dev is killed, stopped, and started again without being told of a directory:
// what was paid is paid, keys are good, and phones pay on.
func TestDevGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	state := t.TempDir()
	d := devAt(ctx, t, state)
	d.airtill("bill", "create", "--amount", "128000", "--phone", "8613800000001", "--reference", "before", "--wait", "20s")
	key := d.ready.Merchants[0].APIKey
	for _, how := range []os.Signal{os.Kill, os.Interrupt} {
		d.end(how)
		d = devAt(ctx, t, state)
		if d.ready.Merchants[0].APIKey != key {
			t.Errorf("another key after %v", how)
		}
		if !strings.Contains(d.said(), "going on with the network in "+filepath.Join(state, "airtill", "dev")) {
			t.Errorf("it says %s", d.said())
		}
		d.airtill("bill", "create", "--amount", "5", "--phone", "8613800000001", "--reference", how.String(), "--wait", "20s")
	}
	bills := d.billList(key)
	if len(bills) != 3 || bills[2].Reference != "before" || bills[2].State != "settled" {
		t.Errorf("the bills are %+v", bills)
	}
	d.airtill("audit")
	d.end(os.Interrupt)

	d = devAt(ctx, t, state, "--fresh")
	if fresh := d.ready.Merchants[0].APIKey; fresh == key || len(d.billList(fresh)) != 0 {
		t.Errorf("a fresh network has the old one's key or bills")
	}
	_, err := d.command("dev").Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || !strings.Contains(string(exit.Stderr), "in use by process") || !strings.Contains(string(exit.Stderr), "--data none") {
		t.Errorf("a second network on the same directory: %v %s", err, exit.Stderr)
	}
	d.end(os.Interrupt)
}

// billList lists a merchant's bills, newest first.
func (d *devProcess) billList(key string) []api.Bill {
	d.t.Helper()
	c, err := api.NewClient(api.ClientConfig{BaseURL: d.ready.HTTP, Key: api.Key(key)})
	if err != nil {
		d.t.Fatal(err)
	}
	page, err := c.Bills(d.ctx, api.Query{})
	if err != nil {
		d.t.Fatal(err)
	}
	return page.Bills
}

func TestDevRefuses(t *testing.T) {
	for _, tt := range []struct {
		line []string
		want string
	}{
		{[]string{"--data", "none", "--redis", "child"}, "--redis child needs a directory"},
		{[]string{"--redis", "nonsense"}, "the store's address is no URL"},
	} {
		s := newShell(t)
		got := s.run(append([]string{"dev"}, tt.line...)...)
		if got.status != StatusUsage || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("dev %v: %d %s", tt.line, got.status, got.stderr)
		}
	}
}
