package app

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// look is what may be done to what people see.
type look struct {
	colour bool // escape sequences for colour
	screen bool // a terminal that can be drawn on: bars, a live view
}

// readLook decides it: --color before the environment, and the environment before what
// stderr is. A plain pipe gets plain text. NO_COLOR is of no-color.org, CLICOLOR_FORCE
// of bixense.com/clicolors.
func readLook(env Env, said string) (look, error) {
	terminal := isTerminal(env.Stderr) && env.Getenv("TERM") != "dumb"
	l := look{screen: terminal, colour: terminal}
	switch said {
	case "always":
		l.colour = true
	case "never":
		l.colour = false
	case "auto", "":
		if force := env.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
			l.colour = true
		}
		if env.Getenv("NO_COLOR") != "" {
			l.colour = false
		}
	default:
		return l, fmt.Errorf("--color %q is not auto, always or never", said)
	}
	return l, nil
}

// confirm asks before something that cannot be undone. Without a terminal to ask at, or
// with --no-input, only --yes will do.
func (c *call) confirm(ctx context.Context, format string, args ...any) error {
	if c.yes {
		return nil
	}
	question := fmt.Sprintf(format, args...)
	if !c.input || !isTerminalIn(c.env.Stdin) {
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
	if !c.input || !isTerminalIn(c.env.Stdin) {
		return nil
	}
	return c.confirm(ctx, "erase "+format, args...)
}
