package takeoverbench

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// most is how many bills are made by the rules; more are copies of them.
const most = 10_000

// copyPage is how many bills are copied at once.
const copyPage = 500

// copies writes the live bills that are not made: the records and the deadlines of those
// that are, under other ids.
func (b *bench) copies(ctx context.Context) error {
	for left := b.config.Bills - len(b.made); left > 0; {
		for page := range slices.Chunk(b.made, copyPage) {
			page = page[:min(len(page), left)]
			if err := b.copyPage(ctx, page); err != nil {
				return fmt.Errorf("copy bills: %w", err)
			}
			if left -= len(page); left == 0 {
				break
			}
		}
	}
	return nil
}

func (b *bench) copyPage(ctx context.Context, page []platform.BillID) error {
	names := make([]string, len(page))
	for i, id := range page {
		names[i] = inPartition(id, "bill:"+string(id))
	}
	records, err := b.client.MGet(ctx, names...).Result()
	if err != nil {
		return err
	}
	pipe := b.client.Pipeline()
	for i, id := range page {
		copied, err := platform.NewBillID(id.Time(), id.Partition(), rand.Reader)
		if err != nil {
			return err
		}
		text, _ := records[i].(string)
		deadline, at := b.deadlines[id].name, b.deadlines[id].at
		pipe.Set(ctx, inPartition(id, "bill:"+string(copied)), strings.ReplaceAll(text, string(id), string(copied)), 0)
		pipe.Do(ctx, "ZADD", inPartition(id, engine.DueSet), at, strings.Replace(deadline, string(id), string(copied), 1))
	}
	_, err = pipe.Exec(ctx)
	return err
}

func inPartition(id platform.BillID, name string) string {
	return "{" + engine.Partition(id.Partition()).String() + "}:" + name
}

// deadline is a bill's in the store.
type deadline struct {
	name string
	at   int64
}

// readDeadlines reads those of the bills that were made.
func (b *bench) readDeadlines(ctx context.Context) error {
	b.deadlines = make(map[platform.BillID]deadline)
	for n := range b.config.Partitions {
		all, err := b.client.ZRangeWithScores(ctx, "{"+engine.Partition(n).String()+"}:"+engine.DueSet, 0, -1).Result()
		if err != nil {
			return fmt.Errorf("read deadlines: %w", err)
		}
		for _, z := range all {
			name, _ := z.Member.(string)
			id, _, _ := strings.Cut(name, ":")
			b.deadlines[platform.BillID(id)] = deadline{name, int64(z.Score)}
		}
	}
	return nil
}
