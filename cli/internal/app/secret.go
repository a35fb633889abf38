package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/airtill/airtill/cli/internal/terminal"
)

// secret is something that is read from a file or the environment, or typed, but
// never said by a flag: command lines are seen by others and kept in histories.
type secret struct {
	what     string // "API key"
	file     string // from the flag; empty when it was not given
	flag     string
	variable string // of the environment; empty: none
}

// maxSecret bounds a secret's file.
const maxSecret = 4 << 10

// read answers the secret and where it is from; the file comes before the environment.
// Both are empty when neither has it.
func (s secret) read(c *call) (text, from string, err error) {
	switch {
	case s.file != "":
		text, err = readSecret(s.file)
		if err == nil && text == "" {
			err = errors.New("it is empty")
		}
		if err != nil {
			return "", "", fmt.Errorf("read the %s from %s: %w", s.what, s.file, err)
		}
		return text, s.file, nil
	case s.variable == "":
		return "", "", nil
	}
	return c.env.Getenv(s.variable), s.variable, nil
}

// readSecret reads a file's one line.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		if cause, ok := errors.AsType[*os.PathError](err); ok {
			err = cause.Err // the path is said once, by who called
		}
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", errors.New("it cannot be read")
	}
	text := strings.TrimSpace(string(b))
	if len(b) > maxSecret || strings.ContainsAny(text, "\r\n") {
		return "", errors.New("it holds more than one line")
	}
	return text, nil
}

func (s secret) hint() string {
	if s.variable == "" {
		return fmt.Sprintf("give --%s FILE", s.flag)
	}
	return fmt.Sprintf("set %s, or give --%s FILE", s.variable, s.flag)
}

// readOrAsk reads the secret, or asks whoever sits at the terminal for it: again,
// when it is to be new, because what is typed does not show.
func (s secret) readOrAsk(ctx context.Context, c *call, again bool) (string, error) {
	text, _, err := s.read(c)
	if err != nil || text != "" {
		return text, err
	}
	typed, ok := c.env.Stdin.(*os.File)
	if !ok || !terminal.Is(typed) {
		return "", usagef("no %s: %s", s.what, s.hint())
	}
	text, err = s.ask(ctx, c, typed, s.what)
	if err != nil || !again {
		return text, err
	}
	repeated, err := s.ask(ctx, c, typed, "the same "+s.what+" again")
	if err == nil && repeated != text {
		err = fmt.Errorf("the two are not the same; nothing was done")
	}
	return text, err
}

// ask takes a line that does not show. When ctx ends first the terminal is put right
// again, and the line stays unread until the program ends.
func (s secret) ask(ctx context.Context, c *call, in *os.File, prompt string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", s.what, err)
	}
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	fmt.Fprintf(c.env.Stderr, "%s: ", prompt)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		c.talk("")
		if l.err != nil {
			return "", fmt.Errorf("read the %s: %w", s.what, l.err)
		}
		return strings.TrimSpace(string(l.text)), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before) // there is nobody left to tell
		c.talk("")
		return "", ctx.Err()
	}
}
