package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/airtill/airtill/platform"
)

// Every status that is documented is reached by a command line.
func TestEveryStatusIsReached(t *testing.T) {
	broken := func(s *shell) string {
		s.write("broken.yaml", "platfrm: http://127.0.0.1:1\n")
		return s.path("broken.yaml")
	}
	fails := func(code platform.Code) func(*shell) {
		return func(s *shell) {
			s.ready(readyFor((&fakePlatform{fail: &platform.Error{Code: code, Field: "id", Detail: "no"}}).serve(s.t)))
		}
	}
	var reached []int
	for _, tt := range []struct {
		status int
		set    func(*shell)
		line   []string
	}{
		{StatusDone, nil, []string{"version"}},
		{StatusFailed, nil, []string{"decode", "0078151600"}},
		{StatusUsage, nil, []string{"version", "now"}},
		{StatusConfig, func(s *shell) { s.environ["XDG_CONFIG_HOME"] = s.home; s.write("airtill/config.yaml", "x: y\n") }, []string{"version"}},
		{StatusUnreachable, nil, []string{"bill", "list"}},
		{StatusUnreachable, fails(platform.CodeUnavailable), []string{"bill", "show", string(fakeBill)}},
		{StatusNotFound, fails(platform.CodeNotFound), []string{"bill", "show", string(fakeBill)}},
		{StatusConflict, fails(platform.CodeIllegalState), []string{"bill", "cancel", string(fakeBill)}},
	} {
		s := newShell(t)
		if tt.set != nil {
			tt.set(s)
		}
		if got := s.run(tt.line...); got.status != tt.status {
			t.Errorf("%q: %+v, want %d", tt.line, got, tt.status)
		}
		reached = append(reached, tt.status)
	}
	s := newShell(t)
	if got := s.run("version", "--config", broken(s)); got.status != StatusConfig {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fails(platform.CodeUnavailable)(s)
	if got := s.runIn(ctx, "bill", "show", string(fakeBill)); got.status != StatusInterrupted {
		t.Errorf("%+v", got)
	}
	reached = append(reached, StatusInterrupted)
	for _, status := range []int{StatusThreshold, StatusGenerator, StatusLost} { // load says them itself
		err := fmt.Errorf("load: %w", &Error{Status: status, Err: errors.New("no")})
		if got := try(t, &probe{err: err}, "bill", "show", "--count=1", "b1"); got.status != status {
			t.Errorf("%+v, want %d", got, status)
		}
		reached = append(reached, status)
	}
	for _, m := range meanings() {
		if !slices.Contains(reached, m.status) {
			t.Errorf("status %d is documented and not reached", m.status)
		}
	}
}

// write writes a file of the shell's home.
func (s *shell) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}
