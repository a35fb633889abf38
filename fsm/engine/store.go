package engine

import (
	"context"
	"errors"
	"time"
)

// What a commit can end in besides nil. Any other error that wraps ErrUnavailable says
// that nothing was written.
var (
	// ErrFenced: somebody else has taken the partition. Nothing was written, unless the
	// error is ErrDoubt as well.
	ErrFenced = errors.New("another owner has taken the partition")
	// ErrDoubt: whether the batch was written could not be found out in time.
	ErrDoubt = errors.New("it is not known whether the batch was written")
	// ErrBroken: the store is not as this partition's writer left it; somebody must look.
	ErrBroken = errors.New("the store is not as it was left")
)

// DueSet is the sorted set of wake-ups, with the time in Unix milliseconds as score.
const DueSet = "due"

// SeqKey is the record that says which batch is the last that is in: whoever reads it
// with others in one Get knows that those are at least as new.
const SeqKey = "seq"

// Due is the input that the engine makes when a wake-up is due.
type Due struct {
	ID string
	At time.Time // in whole milliseconds
}

// Store keeps partitions. It is safe for concurrent use.
type Store interface {
	// Take makes the caller the partition's only writer and fences off whoever was. A store
	// that held the partition before takes it again only if nobody else has since (ErrFenced).
	// Engines that share a store take partitions with [SharedStore] instead.
	Take(ctx context.Context, p Partition) (Hold, error)

	// Read answers a reader of what is committed; it needs no hold.
	Read(p Partition) Reader
}

// Reader reads what is committed in one partition. Names are without the partition.
type Reader interface {
	// Get reads text records, in the order of the keys; "" is absent.
	Get(ctx context.Context, keys ...string) ([]string, error)
	// Field reads one field of a hash.
	Field(ctx context.Context, hash, field string) (value string, ok bool, err error)
	// Fields reads a whole hash; one that is absent is empty.
	Fields(ctx context.Context, hash string) (map[string]string, error)
	// Pick reads some fields of a hash, in their order; "" is absent.
	Pick(ctx context.Context, hash string, fields ...string) ([]string, error)
	// Members lists members of a sorted set.
	Members(ctx context.Context, set string, r Range) ([]string, error)
	// Journal lists entries from one id to another, both included unless preceded by "(";
	// "-" and "+" are the ends. A limit of 0 is none.
	Journal(ctx context.Context, from, to string, limit int) ([]Entry, error)
}

// Range chooses members of a sorted set. The zero value is all of them, by score and
// then by name.
type Range struct {
	After   string // members after this one, by name: for sets whose scores are all equal
	ByScore bool   // only scores from Min to Max
	Min     float64
	Max     float64
	Reverse bool // from the last to the first; After then means before
	Limit   int  // 0 is none
}

// Entry is one entry of the journal: the events of one batch.
type Entry struct {
	ID     string // "<epoch>-<seq>"
	Events []Event
	Chain  string   // over this entry and all before it, as the store has it; "" is none
	Texts  []string // of the events, as the store has them: what Chain is over; nil without one
}

// Hold is the right to write one partition. It is for one goroutine at a time.
type Hold interface {
	Reader

	Epoch() uint64  // rises with every takeover
	Seq() uint64    // of the last batch that is in
	Cursor() string // as the last batch left it; "" when there is none

	// Wakes lists the wake-ups that are kept.
	Wakes(ctx context.Context) ([]Due, error)

	// Commit writes a batch wholly or not at all, the one after Seq. It finds out by itself
	// what became of a batch whose answer was lost, and sends it again if it is not in; ctx
	// bounds how long it tries. After an error other than nil the hold is of no more use.
	Commit(ctx context.Context, b *Batch) error

	// Close lets go of what the hold needs, not of the partition.
	Close() error
}

// Batch is what one commit writes. Values are absolute and no name comes twice.
type Batch struct {
	Seq          uint64
	Puts         []Put
	Deletes      []string
	Fields       []Field
	FieldDeletes []Field // without values
	Scores       []Score
	ScoreDeletes []Score // without scores
	Wakes        []Due
	NoWakes      []string
	Journal      []Event // one entry; none if empty
	Trim         string  // the journal up to this entry, and with it, is removed; "" removes nothing
	Cursor       string
	Release      bool // the partition is given up: its lease ends with this batch, the writer's last
}

// Put is a text record.
type Put struct {
	Key   string
	Value []byte
}

// Field is a field of a hash.
type Field struct{ Hash, Name, Value string }

// Score is a member of a sorted set.
type Score struct {
	Set, Member string
	Score       float64
}
