package msgstoretest

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/airtill/airtill/gateway/msgstore"
)

// counted counts a store's commits.
type counted struct {
	store   msgstore.Store
	commits atomic.Int64
}

func (c *counted) Load(ctx context.Context) iter.Seq2[msgstore.Record, error] {
	return c.store.Load(ctx)
}

func (c *counted) Commit(ctx context.Context, b *msgstore.Batch) error {
	c.commits.Add(1)
	return c.store.Commit(ctx, b)
}

// The load of BenchmarkCommitter: so many sessions, and messages in a batch of each.
const (
	benchSessions = 8
	benchBatch    = 50
)

// BenchmarkCommitter is of one message, accepted and then finished; sessions bring them in
// batches and wait for each to be kept.
func BenchmarkCommitter(b *testing.B, start func(t testing.TB) Backend) {
	store := &counted{store: start(b)(b, nil, msgstore.Keep{Finished: 10_000})}
	c := msgstore.NewCommitter(msgstore.CommitterConfig{Store: store})
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(ctx) }()
	var left atomic.Int64
	left.Store(int64(b.N))
	var sessions sync.WaitGroup
	b.ResetTimer()
	for i := range benchSessions {
		sessions.Go(func() { benchSession(b, c, &left, i) })
	}
	sessions.Wait()
	b.StopTimer()
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(2*b.N)/float64(max(1, store.commits.Load())), "changes/commit")
}

func benchSession(b *testing.B, c *msgstore.Committer, left *atomic.Int64, session int) {
	var batch msgstore.Batch
	kept := make(chan error)
	keep := func() {
		c.Add(&batch, func(err error) { kept <- err })
		batch.Reset()
		if err := <-kept; err != nil {
			b.Error(err)
		}
	}
	for n := 0; left.Add(-benchBatch) > -benchBatch; n++ {
		for i := range benchBatch {
			if err := batch.Put(message(numbered("m", (n*benchSessions+session)*benchBatch+i))); err != nil {
				b.Error(err)
			}
		}
		keep()
		for i := range benchBatch {
			if err := batch.Finish(delivered(numbered("m", (n*benchSessions+session)*benchBatch+i))); err != nil {
				b.Error(err)
			}
		}
		keep()
	}
}
