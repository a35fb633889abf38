package enginetest

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
)

// Benchmark drives bills of five durable steps through an engine, so many in flight: a
// bill's next step is sent when the last one was answered. It reports bills/s and how
// many steps shared a commit. The store must be empty.
func Benchmark(b *testing.B, store engine.Store, partitions, inFlight int) {
	e, err := engine.New(engine.Config{Partitions: partitions}, store, func(engine.Partition) engine.Actor {
		actor, err := newTill()
		if err != nil {
			panic(err) // the table is a constant
		}
		return actor
	}, done{})
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
	d := &driver{engine: e, partitions: partitions, bills: int64(b.N), over: make(chan error, 1)}
	d.run(min(inFlight, b.N))
	err = <-d.over
	b.StopTimer()
	cancel()
	if err != nil {
		b.Fatal(err)
	}
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bills/s")
	b.ReportMetric(float64(len(life())*b.N)/float64(max(1, commits(b, store, partitions))), "steps/commit")
}

// commits counts the batches that a store has.
func commits(b *testing.B, store engine.Store, partitions int) (n int) {
	for p := range partitions {
		seq, err := store.Read(engine.Partition(p)).Get(b.Context(), "seq")
		if err != nil {
			b.Fatal(err)
		}
		count, _ := strconv.Atoi(seq[0]) // none is none
		n += count
	}
	return n
}

// driver keeps so many bills in flight without a goroutine for each.
type driver struct {
	engine     *engine.Engine
	partitions int
	bills      int64
	begun      atomic.Int64
	finished   atomic.Int64
	over       chan error
}

func (d *driver) run(inFlight int) {
	for range inFlight {
		d.begin()
	}
}

func (d *driver) begin() {
	n := d.begun.Add(1)
	if n > d.bills {
		return
	}
	bill := fmt.Sprintf("bill_%016d", n)
	d.send(engine.PartitionOf(bill, d.partitions), bill, 0)
}

func (d *driver) send(p engine.Partition, bill string, n int) {
	steps := life()
	if n == len(steps) {
		if d.finished.Add(1) == d.bills {
			d.over <- nil
		}
		d.begin()
		return
	}
	err := d.engine.Post(p, step{bill, steps[n]}, func(_ any, err error) {
		if err != nil {
			d.fail(err)
			return
		}
		d.send(p, bill, n+1)
	})
	if err != nil {
		d.fail(err)
	}
}

func (d *driver) fail(err error) {
	select {
	case d.over <- fmt.Errorf("%w: %w", errBill, err):
	default:
	}
}
