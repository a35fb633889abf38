package app

import (
	"context"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/screen"
)

// display shows a run under way: a bar while handsets are enrolled, and then the run. It
// never holds the run up.
type display struct {
	watch func(load.Snapshot)
	end   func() error
}

// show starts the display: what is shown goes to stderr, and keys come from stdin.
func (l *loadTest) show(ctx context.Context, c *call, handsets int, orders chan<- load.Order) (*display, error) {
	terminal := isTerminal(c.env.Stderr) && isTerminalIn(c.env.Stdin)
	mode, err := screen.Mode(l.live, terminal, c.env.Getenv)
	switch {
	case err != nil:
		return nil, usagef("--live: %w", err)
	case c.quiet:
		mode = screen.Off
	case c.out.json && l.live == screen.Auto && !terminal:
		mode = screen.Off
	}
	console := screen.Console{In: c.env.Stdin, Out: c.env.Stderr, Getenv: c.env.Getenv, Look: screen.LookOf(isTerminal(c.env.Stderr), c.env.Getenv)}
	bar := screen.NewBar(c.env.Stderr, mode, "handsets", int64(handsets))
	var running *screen.Display
	d := &display{}
	d.watch = func(s load.Snapshot) {
		if running == nil && (s.Phase == "start" || s.Phase == "enrol") {
			bar.Set(int64(s.Handsets))
			return
		}
		if running == nil {
			bar.End()
			running = screen.Start(ctx, mode, console, orders)
		}
		running.Show(s)
	}
	d.end = func() error {
		if running == nil {
			bar.End()
			return nil
		}
		return running.End()
	}
	return d, nil
}

// screenLook is how text may look on stdout.
func (c *call) screenLook() screen.Look { return screen.LookOf(isTerminal(c.env.Stdout), c.env.Getenv) }
