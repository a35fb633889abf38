// Package screen is how a load test looks: to those who watch it, and at its end.
//
// While it runs there is one of three displays, which Mode picks:
//
//	tui    a picture of the whole terminal, with keys that change the run (Live)
//	plain  a line for each interval, for a log or a pipe (Plain)
//	off    nothing
//
// Start runs the one that was picked, beside the run. Bar shows what comes before it and
// has a known end: enrolment. What came of it is text: Report of a run, Diff of two,
// Segments of one that was spread over processes.
//
// What is on a picture is computed by Frame from a State and a Look alone. Nothing here
// reads the process: its environment and its terminal are given.
package screen

import (
	"context"
	"fmt"
	"io"

	"github.com/airtill/airtill/cli/internal/load"
)

// Look is how text may look where it goes.
type Look struct {
	Width, Height int  // of the picture, in columns and rows
	Colour        bool // escape codes for colours may be used
	ASCII         bool // nothing else can be shown
}

// Console is where a run is watched.
type Console struct {
	In     io.Reader // the keys; a terminal, for tui
	Out    io.Writer // the picture, or the lines; stderr, for stdout is for data
	Getenv func(string) string
	Look   Look // LookOf(...); the size is the terminal's
	// RateStep is what the key + adds to the rate, in bills a second. 0 is a tenth of the rate
	// each time: up and down by as many keys ends where it began, and never at nothing.
	RateStep float64
	// Interrupted is called at Ctrl-C, which the tui has from the terminal as a key; the
	// order for it is sent too. May be nil.
	Interrupted func()
}

// Watch shows a run until its snapshots end or ctx does, in a mode that Mode picked. The
// tui's keys become orders; they wait for the run to take them, and what it has not taken
// when the display ends is dropped. Whatever happens to the display, Watch takes snapshots
// to their end, so nobody who sends them has to wait: when the tui fails, the terminal is
// put back, that is said, and plain lines follow.
func Watch(ctx context.Context, mode string, at Console, snapshots <-chan load.Snapshot, orders chan<- load.Order) error {
	return watch(ctx, mode, at, snapshots, Live{Console: at, Orders: orders})
}

func watch(ctx context.Context, mode string, at Console, snapshots <-chan load.Snapshot, live Live) error {
	switch mode {
	case TUI:
		err := live.Run(ctx, snapshots)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(at.Out, "the live view has ended, plain lines follow: %v\n", err)
		fallthrough
	case Plain:
		return Lines{W: at.Out}.Run(ctx, snapshots)
	}
	return each(ctx, snapshots, func(load.Snapshot) error { return nil })
}

// Display shows a run while others run it.
type Display struct {
	snapshots chan load.Snapshot
	ended     chan error
}

// unseen is how many snapshots a display may be behind.
const unseen = 16

// Start shows a run as Watch does, beside the caller, until End.
func Start(ctx context.Context, mode string, at Console, orders chan<- load.Order) *Display {
	d := &Display{snapshots: make(chan load.Snapshot, unseen), ended: make(chan error, 1)}
	go func() { d.ended <- Watch(ctx, mode, at, d.snapshots, orders) }()
	return d
}

// Show hands the display a snapshot. It never waits: a display that is too far behind, or
// has ended, does not see the oldest. One goroutine shows, and none after End.
func (d *Display) Show(s load.Snapshot) {
	for {
		select {
		case d.snapshots <- s:
			return
		default:
		}
		select {
		case <-d.snapshots:
		default:
		}
	}
}

// End has the display show what it was handed, puts the terminal back, and waits for it.
func (d *Display) End() error {
	close(d.snapshots)
	return <-d.ended
}

// each hands snapshots to do until they end, do fails or ctx ends.
func each(ctx context.Context, snapshots <-chan load.Snapshot, do func(load.Snapshot) error) error {
	for {
		select {
		case s, ok := <-snapshots:
			if !ok {
				return nil
			}
			if err := do(s); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
