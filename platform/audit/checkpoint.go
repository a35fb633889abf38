package audit

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// checkpoint is what the journal came to where it begins now, once its beginning was moved
// to the archive. An audit that is given the archive begins with the first entry, and
// holds the checkpoint against it; one that is not begins from the checkpoint, and takes
// what was before for what the first mention of it says. What a journal is needed for from
// its first entry is then left alone in that partition: refunds, settlements, the office's
// acts, endpoints, and what phones have spent.
type checkpoint struct {
	Entry  string `json:"entry"`
	Chain  string `json:"chain"`
	Before string `json:"before"` // bills of the days before this one may be in the archive
	Bills  int    `json:"bills"`
	Paid   int    `json:"paid"`
}

// readCheckpoint reads where the journal begins.
func (b *books) readCheckpoint(ctx context.Context) error {
	texts, err := b.reader.Get(ctx, "checkpoint")
	if err != nil || texts[0] == "" {
		return err
	}
	if err := json.Unmarshal([]byte(texts[0]), &b.checkpoint); err != nil {
		b.differ("checkpoint", "the checkpoint cannot be read")
		return nil
	}
	if b.checkpoint.Entry == "" {
		return nil // bills were moved, and no entries
	}
	if b.opening, err = b.reader.Fields(ctx, "opening"); err != nil {
		return err
	}
	first, err := b.reader.Journal(ctx, "-", b.checkpoint.Entry, 1)
	if err != nil {
		return err
	}
	if b.cut = len(first) == 0; !b.cut {
		return nil // the archive has what was before
	}
	if b.whole {
		b.differ("checkpoint", "the archive does not have the journal up to entry %s", b.checkpoint.Entry)
	}
	b.journal.last, b.journal.chain.head = b.checkpoint.Entry, b.checkpoint.Chain
	b.report.Bills += b.checkpoint.Bills
	b.report.Paid += b.checkpoint.Paid
	for account := range b.opening {
		b.journal.balances[account] = moments[int64]{b.openingOf(account)}
	}
	return nil
}

func (b *books) openingOf(account string) int64 {
	n, err := strconv.ParseInt(b.opening[account], 10, 64)
	if err != nil {
		b.differ("opening", "the opening balance of %s is %q, no whole number", account, b.opening[account])
	}
	return n
}

// reachedCheckpoint holds the checkpoint against what the journal has come to when it is
// read up to there, from the archive.
func (j *journal) reachedCheckpoint(entry, chain string) {
	if j.cut || j.checkpoint.Entry == "" || entry != j.checkpoint.Entry {
		return
	}
	if chain != j.checkpoint.Chain {
		j.differ("checkpoint", "the checkpoint at entry %s has chain %.8s, the archive %.8s", entry, j.checkpoint.Chain, chain)
	}
	for account, m := range j.balances {
		if opening := j.openingBalance(account); opening != m.now() {
			j.differ("opening", "%s held %d at the checkpoint, the archive says %d", account, opening, m.now())
		}
	}
	for account := range j.opening {
		if len(j.balances[account]) == 0 && j.openingOf(account) != 0 {
			j.differ("opening", "%s held %s at the checkpoint, the archive knows nothing of it", account, j.opening[account])
		}
	}
}

// openingBalance is 0 for an account that had not moved.
func (j *journal) openingBalance(account string) int64 {
	if _, ok := j.opening[account]; !ok {
		return 0
	}
	return j.openingOf(account)
}

// archived says that a bill may be in the archive, or have its history or its claim there.
func (b *books) archived(id string) bool {
	return b.checkpoint.Before != "" && platform.BillID(id).Day() < b.checkpoint.Before
}

// forgotten is archived, without an archive to look in.
func (b *books) forgotten(id string) bool { return !b.whole && b.archived(id) }

// somewhereArchived is archived by the checkpoint of any partition.
func (c cuts) archived(id string) bool { return c.before != "" && platform.BillID(id).Day() < c.before }

// cuts are the checkpoints of all partitions that an audit begins from.
type cuts struct {
	before string       // the latest day
	of     map[int]bool // partitions
}

func newCuts(all []*books) cuts {
	c := cuts{of: map[int]bool{}}
	for _, b := range all {
		if b.cut {
			c.of[b.partition] = true
			c.before = max(c.before, b.checkpoint.Before)
		}
	}
	return c
}

// from says that a sweep, PARTITION:PAYEE:CUR:NUMBER, is from one of them.
func (c cuts) from(sweep string) bool {
	partition, _, _ := strings.Cut(sweep, ":")
	n, err := strconv.Atoi(partition)
	return err == nil && c.of[n]
}

// Archived is a store whose readers read what was moved to the archive, too.
type Archived interface {
	engine.Store
	Archived()
}

// moved says that the journal's beginning was moved while it was read.
func (b *books) moved(ctx context.Context) (bool, error) {
	texts, err := b.reader.Get(ctx, "checkpoint")
	if err != nil || texts[0] == "" {
		return false, err
	}
	var now checkpoint
	_ = json.Unmarshal([]byte(texts[0]), &now) // what cannot be read has been told
	return !b.whole && now.Entry != b.checkpoint.Entry, nil
}
