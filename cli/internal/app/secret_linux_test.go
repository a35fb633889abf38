package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openPTY opens a pseudo-terminal: what a person types into, and what the program reads.
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Error(err)
		return false
	}
	return state.Lflag&unix.ECHO != 0
}

// A PIN that is asked for does not show while it is typed, and is typed twice.
func TestAskForASecret(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  string
		err   string
	}{
		{"the same twice", []string{livePIN, livePIN}, livePIN, ""},
		{"two different ones", []string{livePIN, "314159"}, "", "the two are not the same; nothing was done"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			person, program := openPTY(t)
			prompts, talk := io.Pipe()
			go func() { // types when asked: before that the line would show
				for prompt := bufio.NewReader(prompts); ; {
					if _, err := prompt.ReadString(':'); err != nil {
						return
					}
					for echoes(t, program) && t.Context().Err() == nil {
						continue
					}
					fmt.Fprintln(person, tt.lines[0])
					tt.lines = tt.lines[1:]
				}
			}()
			c := &call{env: Env{Stdin: program, Stderr: talk, Getenv: func(string) string { return "" }}}
			got, err := pinSecret("").readOrAsk(t.Context(), c, true)
			_ = talk.Close()
			if err == nil && got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("%q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
			if !echoes(t, program) {
				t.Error("the terminal was left without echo")
			}
		})
	}
}

// An interrupt gives the terminal back as it was.
func TestAskIsInterrupted(t *testing.T) {
	person, program := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	prompts, talk := io.Pipe()
	go func() {
		prompt := bufio.NewReader(prompts)
		if _, err := prompt.ReadString(':'); err != nil {
			return
		}
		for echoes(t, program) && t.Context().Err() == nil {
			continue
		}
		cancel()
		_, _ = io.Copy(io.Discard, prompt)
	}()
	c := &call{env: Env{Stdin: program, Stderr: talk, Getenv: func(string) string { return "" }}}
	_, err := pinSecret("").readOrAsk(ctx, c, true)
	if !errors.Is(err, context.Canceled) || !echoes(t, program) {
		t.Errorf("%v, echo %v", err, echoes(t, program))
	}
	if _, err := fmt.Fprintln(person, strings.Repeat("0", 4)); err != nil { // lets the reader that was left behind end
		t.Error(err)
	}
}

// At a terminal somebody is asked before something is erased; --yes and --no-input are
// the answer beforehand.
func TestConfirmAtATerminal(t *testing.T) {
	for answer, done := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "\n": false} {
		person, program := openPTY(t)
		var talk strings.Builder
		c := &call{env: Env{Stdin: program, Stderr: &talk}, input: true}
		if _, err := io.WriteString(person, answer); err != nil {
			t.Fatal(err)
		}
		err := c.confirmErase(t.Context(), "%d keys", 7)
		if (err == nil) != done || talk.String() != "erase 7 keys? [y/N] " {
			t.Errorf("%q: %v, %q", answer, err, &talk)
		}
		c.yes = true
		if err := c.confirmErase(t.Context(), "%d keys", 7); err != nil {
			t.Error(err)
		}
		c.yes, c.input = false, false
		if err := c.confirmErase(t.Context(), "%d keys", 7); err != nil {
			t.Error(err)
		}
	}
	_, program := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := &call{env: Env{Stdin: program, Stderr: io.Discard}, input: true}
	if err := c.confirm(ctx, "erase it"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
