package app

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/airtill/airtill/cli/internal/terminal"
)

// look is what may be done to what people see.
type look struct {
	colour bool // on stderr: escape sequences for colour
	data   bool // the same on stdout
	screen bool // stderr is a terminal that can be drawn on: bars, a live view
}

// readLook decides it: --color before the environment, and the environment before what
// stderr and stdout are. A plain pipe gets plain text.
func readLook(env Env, said string) (look, error) {
	l := look{screen: terminal.Drawable(env.Stderr, env.Getenv)}
	var err error
	if l.colour, err = terminal.Colours(said, l.screen, env.Getenv); err != nil {
		return l, err
	}
	l.data, err = terminal.Colours(said, terminal.Drawable(env.Stdout, env.Getenv), env.Getenv)
	return l, err
}

// confirm asks before something that cannot be undone. Without a terminal to ask at, or
// with --no-input, only --yes will do.
func (c *call) confirm(ctx context.Context, format string, args ...any) error {
	if c.yes {
		return nil
	}
	question := fmt.Sprintf(format, args...)
	if !c.input || !terminal.Is(c.env.Stdin) {
		return usagef("%s? say --yes", question)
	}
	fmt.Fprintf(c.env.Stderr, "%s? [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // stays with its read when ctx ends first, until the program does
		line, _ := bufio.NewReader(c.env.Stdin).ReadString('\n') // an end without a line is no
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-answer:
		if line == "y" || line == "yes" {
			return nil
		}
		return fmt.Errorf("nothing was done")
	}
}

// confirmErase asks before --fresh erases something that is there, where somebody sits at
// a terminal. Elsewhere --fresh has said it.
func (c *call) confirmErase(ctx context.Context, format string, args ...any) error {
	if !c.input || !terminal.Is(c.env.Stdin) {
		return nil
	}
	return c.confirm(ctx, "erase "+format, args...)
}
