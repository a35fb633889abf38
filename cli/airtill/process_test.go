package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// person is somebody at a terminal: commands run with their environment.
type person struct {
	t   testing.TB
	env []string // NAME=value, on top of the test's own

	said *output // stdout and stderr of all that they ran
}

// newPerson has a home of their own.
func newPerson(t testing.TB, env ...string) *person {
	env = append([]string{"XDG_STATE_HOME=" + t.TempDir(), "AIRTILL_CONFIG=none", "GORACE=atexit_sleep_ms=0", "AIRTILL_LISTEN_CARRIER=127.0.0.1:0"}, env...)
	return &person{t: t, env: env, said: new(output)}
}

// run runs a command to its end, which is to be with the status, and answers its stdout.
func (p *person) run(status int, args ...string) string {
	p.t.Helper()
	cmd := p.command(args)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	_, _ = p.said.Write(append(stdout.Bytes(), stderr.Bytes()...))
	if got := cmd.ProcessState.ExitCode(); got != status {
		p.t.Fatalf("airtill %s: status %d (%v), want %d\n%s%s", strings.Join(args, " "), got, err, status, &stdout, &stderr)
	}
	return stdout.String()
}

func (p *person) command(args []string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), "airtill", args...)
	cmd.Env = append(os.Environ(), p.env...)
	return cmd
}

// process is a command that stays up.
type process struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	said  *output
	ended chan struct{}
}

// start starts a command that stays up. At the test's end it is killed if it is still there.
func (p *person) start(args ...string) *process {
	p.t.Helper()
	r := &process{t: p.t, name: args[0], said: new(output), ended: make(chan struct{})}
	r.cmd = p.command(args)
	r.cmd.Stdout, r.cmd.Stderr = r.said, r.said
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { defer close(r.ended); _ = r.cmd.Wait() }() // ProcessState says how
	p.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
		if p.t.Failed() {
			p.t.Logf("%s said:\n%s", r.name, r.said)
		}
	})
	return r
}

// ready waits for a ready file, and reads it.
func (r *process) ready(path string) ready {
	r.t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for timeout := time.After(patience); ; {
		if text, err := os.ReadFile(path); err == nil {
			var found ready
			if err := json.Unmarshal(text, &found); err != nil {
				r.t.Fatalf("%s: %v", path, err)
			}
			return found
		}
		select {
		case <-tick.C:
		case <-r.ended:
			r.t.Fatalf("%s has ended: %v\n%s", r.name, r.cmd.ProcessState, r.said)
		case <-timeout:
			r.t.Fatalf("%s is not ready\n%s", r.name, r.said)
		}
	}
}

// ready is a ready file, as its contract says.
type ready struct {
	HTTP, SMPP, Handsets, Shop, Redis string
	Merchants                         []struct {
		ID            string
		APIKey        string `json:"api_key"`
		WebhookSecret string `json:"webhook_secret"`
	}
	OperatorKey string `json:"operator_key"`
	Phones      []struct{ MSISDN string }
	ESMEs       []struct {
		SystemID string `json:"system_id"`
		Password string
	}
}

// stop asks it to end, which it is to do well.
func (r *process) stop(signal os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(signal); err != nil {
		r.t.Fatalf("%s: %v", r.name, err)
	}
	select {
	case <-r.ended:
	case <-time.After(patience):
		_ = r.cmd.Process.Signal(syscall.SIGQUIT) // it tells where it hangs
		<-r.ended
		r.t.Fatalf("%s does not stop\n%s", r.name, r.said)
	}
	if status := r.cmd.ProcessState.ExitCode(); status != 0 {
		r.t.Errorf("%s, told to stop: %v\n%s", r.name, r.cmd.ProcessState, r.said)
	}
}

// kill ends it as a power cut does.
func (r *process) kill() {
	r.t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	<-r.ended
}

// output keeps what several write.
type output struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept.String()
}
