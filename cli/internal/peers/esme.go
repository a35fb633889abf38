package peers

import (
	"bufio"
	"bytes"
	_ "embed" // the client's script
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// nodeSMPP is the npm package and the version we are judged by.
const nodeSMPP = "smpp@0.5.1"

//go:embed testdata/esme.js
var esmeJS []byte

//go:embed testdata/esme.pl
var esmePL []byte

// Library is an SMPP client that nobody here wrote.
type Library struct {
	name    string
	command func(t testing.TB, config string) *exec.Cmd
}

func (l Library) String() string { return l.name }

// The libraries there are: node-smpp from npm, and Net::SMPP of Perl.
var (
	NodeSMPP = Library{"node-smpp", node}
	NetSMPP  = Library{"Net::SMPP", perl}
)

func node(t testing.TB, config string) *exec.Cmd {
	t.Helper()
	Want(t, "node", "npm")
	modules, err := install(t, nodeSMPP)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script(t, "esme.js", esmeJS), config)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	return cmd
}

func perl(t testing.TB, config string) *exec.Cmd {
	t.Helper()
	WantPerl(t, "Net::SMPP")
	return exec.CommandContext(t.Context(), "perl", script(t, "esme.pl", esmePL), config)
}

func script(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ESMEConfig says where the outside SMPP client binds and as whom.
type ESMEConfig struct {
	Addr     string `json:"addr"` // host:port of the SMSC
	SystemID string `json:"system_id"`
	Password string `json:"password"`
	Number   string `json:"number"` // its own number: the source of what it submits
}

// ESME is a bound SMPP client, a library in a process of its own.
type ESME struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan Event
	past   []Event // read and not yet asked for
}

// Event is what the client tells: bound, submitted, receipt, message, queried,
// replaced, cancelled, refused, unbound, closed or error.
type Event struct {
	Event   string            `json:"event"`
	ID      string            `json:"id,omitempty"` // message_id
	From    string            `json:"from,omitempty"`
	To      string            `json:"to,omitempty"`
	Text    string            `json:"text,omitempty"`
	Stat    string            `json:"stat,omitempty"`    // of a receipt: DELIVRD, EXPIRED, ...
	Status  uint32            `json:"status,omitempty"`  // command_status of a refusal
	Failed  map[string]uint32 `json:"failed,omitempty"`  // of a submit_multi: destinations refused, and why
	State   uint8             `json:"state,omitempty"`   // message_state that query_sm answered
	Final   string            `json:"final,omitempty"`   // and the final_date, in the library's form
	Coding  uint8             `json:"coding,omitempty"`  // data_coding
	Service string            `json:"service,omitempty"` // service_type
	Op      uint8             `json:"op,omitempty"`      // ussd_service_op
	Session string            `json:"session,omitempty"` // its_session_info, hexadecimal
}

// order is what the client is told to do.
type order struct {
	Do      string   `json:"do"`
	ID      string   `json:"id,omitempty"`
	To      string   `json:"to,omitempty"`
	All     []string `json:"all,omitempty"` // destinations of a submit_multi
	Text    string   `json:"text,omitempty"`
	At      string   `json:"at,omitempty"`      // schedule_delivery_time
	Op      uint8    `json:"op,omitempty"`      // ussd_service_op
	Session string   `json:"session,omitempty"` // its_session_info, hexadecimal
}

// Bind starts the client and waits until the SMSC has bound it.
func (l Library) Bind(t testing.TB, cfg ESMEConfig) *ESME {
	t.Helper()
	e := l.start(t, cfg)
	e.Await("bound")
	return e
}

// start starts the client; it binds when cfg has an address.
func (l Library) start(t testing.TB, cfg ESMEConfig) *ESME {
	t.Helper()
	config, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &ESME{t: t, cmd: l.command(t, string(config)), events: make(chan Event, 1024)}
	e.start()
	return e
}

func (e *ESME) start() {
	e.t.Helper()
	var stderr bytes.Buffer
	e.cmd.Stderr = &stderr
	stdout, err := e.cmd.StdoutPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	if e.stdin, err = e.cmd.StdinPipe(); err != nil {
		e.t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(e.events)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var event Event
			if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
				event = Event{Event: "error", Text: lines.Text()}
			}
			e.events <- event
		}
	}()
	e.t.Cleanup(func() {
		_ = e.stdin.Close()
		_ = e.cmd.Process.Kill()
		for range e.events { // let the reader end
		}
		<-ended
		if _ = e.cmd.Wait(); stderr.Len() > 0 {
			e.t.Logf("%s: %s", e.cmd.Args[0], &stderr)
		}
	})
}

// Submit sends a text with a receipt asked for and returns its message_id.
func (e *ESME) Submit(to, text string) string {
	e.t.Helper()
	return e.do("submitted", order{Do: "submit", To: to, Text: text}).ID
}

// Unbind unbinds politely and waits for the connection's end.
func (e *ESME) Unbind() {
	e.t.Helper()
	e.do("unbound", order{Do: "unbind"})
	e.Await("closed")
}

// do has the client do something, and waits until it tells of it.
func (e *ESME) do(told string, o order) Event {
	e.t.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.stdin.Write(append(line, '\n')); err != nil {
		e.t.Fatalf("tell the client: %v", err)
	}
	return e.Await(told)
}

// Await returns the first event of the kind that was not yet asked for. Events of
// other kinds keep for later; a refusal or an error that nobody awaits is fatal.
func (e *ESME) Await(kind string) Event {
	e.t.Helper()
	for i, event := range e.past {
		if event.Event == kind {
			e.past = append(e.past[:i], e.past[i+1:]...)
			return event
		}
	}
	timeout := time.After(patience)
	for {
		select {
		case event, ok := <-e.events:
			switch {
			case !ok:
				e.t.Fatalf("the client has ended and told no %q", kind)
			case event.Event == kind:
				return event
			case event.Event == "refused" || event.Event == "error":
				e.t.Fatalf("waiting for %q, the client told %+v", kind, event)
			}
			e.past = append(e.past, event)
		case <-timeout:
			e.t.Fatalf("the client told no %q; it told %+v", kind, e.past)
		}
	}
}

// install has npm fetch a package into the user's cache, once, and returns the
// node_modules it is in. Tests of several packages may do so at the same time.
func install(t testing.TB, spec string) (string, error) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	final := filepath.Join(cache, "airtill-peers", spec)
	modules := filepath.Join(final, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", fmt.Errorf("install %s: %w", spec, err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(final), "installing-")
	if err != nil {
		return "", fmt.Errorf("install %s: %w", spec, err)
	}
	defer os.RemoveAll(fresh)
	npm := exec.CommandContext(t.Context(), "npm", "install", "--prefix", fresh, "--ignore-scripts", "--no-audit", "--no-fund", spec)
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install %s: %w: %s", spec, err, out)
	}
	if err := os.Rename(fresh, final); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, statErr := os.Stat(modules); statErr != nil {
			return "", fmt.Errorf("install %s: %w", spec, err)
		}
	}
	return modules, nil
}
