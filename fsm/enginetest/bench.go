package enginetest

import (
	"context"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest/till"
)

// Benchmark drives bills of five durable steps through an engine, so many in flight. It
// reports bills/s and how many steps shared a commit. The store must be empty.
func Benchmark(b *testing.B, store engine.Store, partitions, inFlight int) {
	e, err := engine.New(engine.Config{Partitions: partitions}, store, till.New, till.Performer{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	if err := e.Ready(ctx); err != nil {
		b.Fatal(err, <-ended)
	}
	b.ResetTimer()
	load := till.Load{Engine: e, Partitions: partitions, Bills: int64(b.N), InFlight: min(inFlight, b.N)}
	report := load.Run(ctx)
	b.StopTimer()
	cancel()
	if report.Bills < int64(b.N) {
		b.Fatalf("%d of %d bills came through: %v", report.Bills, b.N, report.First)
	}
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	commits, err := till.Commits(b.Context(), store, partitions)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bills/s")
	b.ReportMetric(float64(till.Steps*b.N)/float64(max(1, commits)), "steps/commit")
}
