package screen

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"

	"github.com/airtill/airtill/cli/internal/load"
)

// live is a Live that runs on a terminal.
type live struct {
	*pty
	snapshots   chan load.Snapshot
	orders      chan load.Order
	interrupted atomic.Int32
	ended       chan error
	before      unix.Termios // the terminal's mode
}

func startLive(ctx context.Context, t *testing.T, show func(context.Context, Console, *live) error) *live {
	t.Helper()
	l := &live{pty: newPTY(t, 80, 24), snapshots: make(chan load.Snapshot), orders: make(chan load.Order), ended: make(chan error, 1)}
	getenv := environment(map[string]string{"TERM": "xterm-256color", "LANG": "C.UTF-8"})
	at := Console{
		In: l.program, Out: l.program, Getenv: getenv, Look: LookOf(true, getenv),
		Interrupted: func() { l.interrupted.Add(1) },
	}
	at.Look.Colour = false
	l.before = l.mode(t)
	go func() { l.ended <- show(ctx, at, l) }()
	return l
}

func runLive(ctx context.Context, at Console, l *live) error {
	return Live{Console: at, Orders: l.orders}.Run(ctx, l.snapshots)
}

// restored checks that the terminal is as before: its mode, its own screen and its cursor.
func (l *live) restored(t *testing.T) {
	t.Helper()
	if now := l.mode(t); now != l.before {
		t.Errorf("the terminal is left in another mode: %+v, not %+v", now, l.before)
	}
	l.until(t, "its own screen, with a cursor", func(e *vt.Emulator) bool { return !e.IsAltScreen() && !e.CursorHidden() })
}

func (l *live) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-l.ended:
		return err
	case <-t.Context().Done():
		t.Fatal("it does not end")
		return nil
	}
}

func TestLive(t *testing.T) {
	l := startLive(t.Context(), t, runLive)
	s := running()
	s.Past = []load.Interval{s.Last}
	l.snapshots <- s.Snapshot
	look := Look{Width: 80, Height: 24}
	l.shows(t, Frame(s, look))

	for _, key := range []struct {
		key  string
		want load.Order
	}{
		{"+", load.Order{Kind: "rate+", Rate: 20}},
		{"+", load.Order{Kind: "rate+", Rate: 22}},
		{"-", load.Order{Kind: "rate+", Rate: -22}},
		{"/", load.Order{Kind: "rate+", Rate: -135.18}},
		{"p", load.Order{Kind: "pause"}},
		{"p", load.Order{Kind: "resume"}},
	} {
		l.press(t, key.key)
		if got := <-l.orders; got != key.want {
			t.Errorf("key %q gives %+v, not %+v", key.key, got, key.want)
		}
	}
	l.press(t, "3") // and takes the notice away
	s.Page = CausesPage
	l.shows(t, Frame(s, look))
	l.press(t, "2")
	s.Page = RatesPage
	l.shows(t, Frame(s, look))
	l.press(t, "?")
	s.Help = true
	l.shows(t, Frame(s, look))
	l.press(t, "14") // the first takes the help away
	s.Help, s.Page = false, LadderPage
	l.shows(t, Frame(s, look))

	l.size(t, 40, 10)
	l.shows(t, Frame(s, Look{Width: 40, Height: 10}))
	l.size(t, 120, 40)
	l.shows(t, Frame(s, Look{Width: 120, Height: 40}))

	l.press(t, "\x03")
	if got := <-l.orders; got.Kind != "stop" {
		t.Errorf("Ctrl-C gives %+v, not stop", got)
	}
	l.press(t, "\x03")
	if got := <-l.orders; got.Kind != "kill" || l.interrupted.Load() == 0 {
		t.Errorf("a second Ctrl-C gives %+v, not kill, and %d interrupts", got, l.interrupted.Load())
	}
	close(l.snapshots)
	if err := l.end(t); err != nil {
		t.Fatal(err)
	}
	l.restored(t)
}

// Nobody takes orders, and nobody has to: the view ends all the same, and so it does when
// its context is over.
func TestLiveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := startLive(ctx, t, runLive)
	s := running()
	l.snapshots <- s.Snapshot
	l.until(t, "a picture", func(e *vt.Emulator) bool { return strings.Contains(e.String(), "evening peak") })
	l.press(t, "q")
	l.until(t, "a notice", func(e *vt.Emulator) bool { return strings.Contains(e.String(), "draining, 152 in flight") })
	cancel()
	if err := l.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	l.restored(t)
}

// A view that panics puts the terminal back; plain lines follow, to the end of the run.
func TestLivePanics(t *testing.T) {
	broken := func(s State, look Look) string {
		if s.Phase == "run" {
			panic("no picture of this")
		}
		return Frame(s, look)
	}
	l := startLive(t.Context(), t, func(ctx context.Context, at Console, l *live) error {
		return watch(ctx, TUI, at, l.snapshots, Live{Console: at, Orders: l.orders, frame: broken})
	})
	s := running()
	l.snapshots <- s.Snapshot
	var sending sync.WaitGroup
	stop := make(chan struct{})
	sending.Go(func() { // as a run does, which does not know of the view's end
		defer close(l.snapshots)
		for {
			select {
			case l.snapshots <- s.Snapshot:
			case <-stop:
				return
			}
		}
	})
	l.until(t, "plain lines", func(e *vt.Emulator) bool { return strings.Contains(e.String(), "200      198") })
	close(stop)
	sending.Wait()
	if err := l.end(t); err != nil {
		t.Fatal(err)
	}
	l.restored(t)
}

// A bar on a terminal moves, and stays as far as it came.
func TestBar(t *testing.T) {
	for name, tt := range map[string]struct {
		done int64
		want []string
	}{
		"to its end":  {100, []string{"enrolled", "100 of 100", "100 %", "done"}},
		"ended early": {40, []string{"enrolled", "40 of 100", "40 %"}},
	} {
		t.Run(name, func(t *testing.T) {
			term := newPTY(t, 80, 24)
			b := NewBar(term.program, TUI, "enrolled", 100)
			for done := int64(0); done <= tt.done; done += 10 {
				b.Set(done)
			}
			b.End()
			for _, want := range tt.want {
				term.until(t, want, func(e *vt.Emulator) bool { return strings.Contains(e.String(), want) })
			}
		})
	}
}
