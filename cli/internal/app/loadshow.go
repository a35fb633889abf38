package app

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/screen"
	"github.com/airtill/airtill/cli/internal/terminal"
)

// display shows a run under way: a bar while handsets are enrolled, and then the run. It
// never holds the run up.
type display struct {
	call    *call
	mode    string
	bar     *screen.Bar
	barOnce sync.Once
	start   func() *screen.Display
	also    func(load.Snapshot) // sees them too; may be nil
	running atomic.Pointer[screen.Display]

	mu     sync.Mutex
	unsaid []string // there is no room for it on the picture: it is said when that has gone
}

// show starts the display: what is shown goes to stderr, and keys come from stdin.
func (l *loadTest) show(ctx context.Context, c *call, handsets int, orders chan<- load.Order) (*display, error) {
	watched := terminal.Is(c.env.Stderr) && terminal.Is(c.env.Stdin)
	mode, err := screen.Mode(l.live, watched, c.env.Getenv)
	switch {
	case err != nil:
		return nil, usagef("--live: %w", err)
	case c.quiet:
		mode = screen.Off
	case c.out.json && l.live == screen.Auto && !watched:
		mode = screen.Off
	}
	console := screen.Console{In: c.env.Stdin, Out: c.env.Stderr, Getenv: c.env.Getenv, Look: screen.LookOf(c.look.colour, c.env.Getenv)}
	return &display{
		call: c, mode: mode, bar: screen.NewBar(c.env.Stderr, mode, "handsets", int64(handsets)),
		start: func() *screen.Display { return screen.Start(ctx, mode, console, orders) },
	}, nil
}

// watch shows a snapshot. One goroutine at a time calls it.
func (d *display) watch(s load.Snapshot) {
	if d.also != nil {
		d.also(s)
	}
	running := d.running.Load()
	if running == nil && (s.Phase == "start" || s.Phase == "enrol") {
		d.bar.Set(int64(s.Handsets))
		return
	}
	if running == nil {
		d.endBar()
		running = d.start()
		d.running.Store(running)
	}
	running.Show(s)
}

func (d *display) endBar() { d.barOnce.Do(d.bar.End) }

// talk says a line below the bar, which ends, or between lines; of a picture it comes after.
func (d *display) talk(format string, args ...any) {
	d.endBar()
	if d.mode != screen.TUI || d.running.Load() == nil {
		d.call.talk(format, args...)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsaid = append(d.unsaid, fmt.Sprintf(format, args...))
}

// end shows no more.
func (d *display) end() (err error) {
	d.endBar()
	if running := d.running.Load(); running != nil {
		err = running.End()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.unsaid {
		d.call.talk("%s", line)
	}
	d.unsaid = nil
	return err
}

// screenLook is how text may look on stdout.
func (c *call) screenLook() screen.Look { return screen.LookOf(c.look.data, c.env.Getenv) }
