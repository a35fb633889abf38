package app

import (
	"context"
	"fmt"
	"io"

	"github.com/airtill/airtill/cli/internal/load"
)

// display shows a run under way: it takes snapshots, and never holds them up.
type display struct {
	watch func(load.Snapshot)
	end   func() error
}

// show starts the display.
func (l *loadTest) show(ctx context.Context, c *call, orders chan<- load.Order) (*display, error) {
	if l.quiet || c.out.json {
		return &display{watch: func(load.Snapshot) {}, end: func() error { return nil }}, nil
	}
	return &display{watch: func(s load.Snapshot) {
		c.talk("%7.1fs %-8s due %d begun %d ok %d failed %d in flight %d", s.Elapsed.Seconds(), s.Phase, s.Totals.Due, s.Totals.Begun, s.Totals.OK, s.Totals.Failed, s.Totals.InFlight)
	}, end: func() error { return nil }}, nil
}

// printResult prints what came of a run, for people.
func printResult(w io.Writer, r *load.Result, quiet bool) error {
	_, err := fmt.Fprintf(w, "%s: due %d, begun %d, ok %d, failed %d, lost %d; rate %.1f of %.1f/s\n", r.Verdict, r.Totals.Due, r.Totals.Begun, r.Totals.OK, r.Totals.Failed, r.Lost, r.Rate, r.RateAsked)
	for _, s := range r.Steps {
		fmt.Fprintf(w, "  %-8s %7d %7d  p50 %8.1f p95 %8.1f p99 %8.1f max %8.1f ms\n", s.Step, s.Count, s.Failed, s.Ladder.P50, s.Ladder.P95, s.Ladder.P99, s.Ladder.Max)
	}
	fmt.Fprintf(w, "  causes %v lag p99 %.1f cpu %.2f audit %v %v why %v\n  %s\n", r.Causes, r.Generator.Lag.P99, r.Generator.CPU, r.Audit.Done, r.Audit.Differences, r.Why, r.Command)
	for _, g := range r.Climb {
		fmt.Fprintf(w, "  rung %.1f/s held %v p99 %.1f %s\n", g.Rate, g.Held, g.P99, g.Why)
	}
	return err
}
