package screen

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/airtill/airtill/cli/internal/load"
)

// Lines is the display for what is no terminal: a line for each interval.
type Lines struct{ W io.Writer }

// headEvery is after how many lines the columns' names come again.
const headEvery = 20

// lineColumns are the columns of Lines, each as wide as its numbers get.
var lineColumns = []struct {
	name  string
	width int // below 0: text, at the left
	of    func(load.Snapshot) string
}{
	{"TIME", 9, func(s load.Snapshot) string { return clock(s.Elapsed) }},
	{"PHASE", -7, func(s load.Snapshot) string { return State{Snapshot: s}.phase() }},
	{"ASKED/S", 8, func(s load.Snapshot) string { return rate(s.Last.Asked) }},
	{"BEGUN/S", 8, func(s load.Snapshot) string { return rate(s.Last.Begun) }},
	{"DONE/S", 8, func(s load.Snapshot) string { return rate(s.Last.Done) }},
	{"FAILED", 8, func(s load.Snapshot) string { return count(s.Totals.Failed) }},
	{"DROPPED", 8, func(s load.Snapshot) string { return count(s.Totals.Dropped) }},
	{"IN FLIGHT", 9, func(s load.Snapshot) string { return count(s.Last.InFlight) }},
	{"PAY P99", 7, func(s load.Snapshot) string { return orNone(s.Last.Pay.P99) }},
	{"E2E P99", 7, func(s load.Snapshot) string { return orNone(s.Last.E2E.P99) }},
	{"LAG P99", 7, func(s load.Snapshot) string { return latency(s.Last.Lag) }},
	{"CPU", 5, func(s load.Snapshot) string { return cores(s.Last.CPU) }},
	{"SERVER", 6, func(s load.Snapshot) string { return coresOrNone(s.Last.Server) }},
	{"STAGE", -1, func(s load.Snapshot) string { return Look{}.clean(s.Stage) }},
}

// Run prints snapshots until they end or ctx does.
func (l Lines) Run(ctx context.Context, snapshots <-chan load.Snapshot) error {
	printed := 0
	return each(ctx, snapshots, func(s load.Snapshot) error {
		text := line(s)
		if printed%headEvery == 0 {
			text = lineHead() + text
		}
		printed++
		if _, err := io.WriteString(l.W, text); err != nil {
			return fmt.Errorf("print how the run stands: %w", err)
		}
		return nil
	})
}

func line(s load.Snapshot) string {
	fields := make([]string, len(lineColumns))
	for i, c := range lineColumns {
		fields[i] = pad(c.of(s), max(c.width, -c.width), c.width > 0)
	}
	return strings.TrimRight(strings.Join(fields, " "), " ") + "\n"
}

func lineHead() string {
	fields := make([]string, len(lineColumns))
	for i, c := range lineColumns {
		fields[i] = pad(c.name, max(c.width, -c.width), c.width > 0)
	}
	return strings.Join(fields, " ") + "\n"
}

func orNone(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return latency(ms)
}

func coresOrNone(n float64) string {
	if n == 0 {
		return "-"
	}
	return cores(n)
}
