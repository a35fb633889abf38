// Package backup copies a live store into one file, and puts the copy into an empty store.
//
// The file holds commands in the form of a Redis AOF, so that airtill restore takes it, or
//
//	redis-cli --pipe < FILE
//
// It ends with an ECHO of its [Manifest]: what it is a copy of, and the SHA-256 of all
// octets before. A file without one was cut off.
//
// # One moment
//
// Partitions speak to each other: an order is claimed in one and its bill made in another,
// a sweep leaves one and comes home to another. A copy in which something has arrived that
// never left would lose or make money. So all partitions are copied as of one moment at
// which none of them is half-way through a batch: seq and fence of all are read before the
// copy and after it, and only a copy during which none moved is kept. It is then what a
// crash at that moment would have left, and a restored store is taken over like one:
// effects behind the cursors are performed again, to receivers that know a repeat.
//
// The journals are most of a store, and what is in them does not change: they are copied
// first, while all goes on. A store that is not quiet for as long as the rest takes is
// asked to hold writers back (CLIENT PAUSE WRITE), on all its servers, for a bounded time;
// readers go on, and writers then find their commits done a little later. An embedded
// store cannot be asked, but is small and quick.
//
// What is in the copy is what is in Redis: sealed, with nothing in the clear that is not in
// the clear there. The vault that opens it is not in it. Leases are left out: nobody owns
// the partitions of a restored store.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/engine"
)

// Format is the version of the file.
const Format = 1

// Manifest says what a file is a copy of.
type Manifest struct {
	Format     int       `json:"airtill_backup"`
	Made       time.Time `json:"made_at"`
	Partitions int       `json:"partitions"`
	Marks      []Mark    `json:"marks"` // of each partition
	Commands   int       `json:"commands"`
	Octets     int64     `json:"octets"`
	SHA256     string    `json:"sha256"` // of those octets, all before the manifest
}

// Entries is how many journal entries the copy has.
func (m Manifest) Entries() (n int) {
	for _, mark := range m.Marks {
		n += mark.Entries
	}
	return n
}

// Mark is where a partition stood.
type Mark struct {
	Seq     string `json:"seq"`             // of its last batch; "" is none
	Fence   string `json:"fence,omitempty"` // its epoch
	Chain   string `json:"chain,omitempty"` // the head of its journal's chain
	Entries int    `json:"entries"`         // in its journal
}

// moved says whether a batch or a takeover came between two marks.
func (m Mark) moved(other Mark) bool { return m.Seq != other.Seq || m.Fence != other.Fence }

// Why there is no copy, or none to be had.
var (
	// ErrBusy: the store did not stand still for as long as the copy takes.
	ErrBusy = errors.New("the store was written to all the time")
	// ErrNoStore: there is no store of Airtill.
	ErrNoStore = errors.New("there is no store of Airtill")
	// ErrDamaged: the file is not the one that was written.
	ErrDamaged = errors.New("the backup is damaged")
)

// storeKey is what a store says about itself, as package redisstore has it.
const storeKey = "airtill:store"

// Options are how a copy is made. The zero value is for real use.
type Options struct {
	Pause time.Duration // that writers may be held back for at most, each time; 0 is DefaultPause, negative is never
	Tries int           // how often it is tried at most; 0 is 8
	Now   func() time.Time

	between func() // the marks, for tests
}

// DefaultPause is shorter than a commit is waited for, and than leases last.
const DefaultPause = 2 * time.Second

// fileChunk is how much is written at once, and how long a command may get.
const fileChunk = 1 << 20

// File is what a copy is written to; it is an *os.File.
type File interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
}

// Copy copies the store at a client into an empty file.
func Copy(ctx context.Context, client redis.UniversalClient, file File, o Options) (Manifest, error) {
	if o.Tries == 0 {
		o.Tries = 8
	}
	if o.Pause == 0 {
		o.Pause = DefaultPause
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &copying{client: client, options: o, out: &writer{file: file}}
	if err := c.begin(ctx); err != nil {
		return Manifest{}, err
	}
	if err := c.settle(ctx); err != nil {
		return Manifest{}, err
	}
	return c.finish(file)
}

// begin reads what the store is, and copies the journals as they are by now.
func (c *copying) begin(ctx context.Context) error {
	text, err := c.client.Get(ctx, storeKey).Result()
	if errors.Is(err, redis.Nil) {
		return ErrNoStore
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", storeKey, err)
	}
	var marker struct {
		Partitions int `json:"partitions"`
	}
	if err := json.Unmarshal([]byte(text), &marker); err != nil || marker.Partitions < 1 {
		return fmt.Errorf("%w: %s is %q", ErrNoStore, storeKey, text)
	}
	c.journals = make([]journal, marker.Partitions)
	c.out.command("SET", storeKey, text)
	return c.copyJournals(ctx)
}

// settle copies the rest until nothing moves meanwhile.
func (c *copying) settle(ctx context.Context) error {
	if err := c.out.flush(); err != nil {
		return err
	}
	start, journals := c.out.place, append([]journal(nil), c.journals...)
	for try := range c.options.Tries {
		still, err := c.attempt(ctx, try > 0)
		if err != nil || still {
			return err
		}
		if err := c.out.back(start); err != nil {
			return err
		}
		copy(c.journals, journals)
	}
	return ErrBusy
}

// attempt copies the rest once, and says whether the store stood still.
func (c *copying) attempt(ctx context.Context, pause bool) (still bool, err error) {
	if pause && c.options.Pause > 0 {
		resume := c.pause(ctx)
		defer resume()
	}
	before, err := c.readMarks(ctx)
	if err != nil {
		return false, err
	}
	if err := c.copyJournals(ctx); err != nil {
		return false, err
	}
	if err := c.copyKeys(ctx); err != nil {
		return false, err
	}
	if c.options.between != nil {
		c.options.between()
	}
	if c.marks, err = c.readMarks(ctx); err != nil {
		return false, err
	}
	for n, mark := range c.marks {
		if mark.moved(before[n]) {
			return false, nil
		}
		c.marks[n].Entries = c.journals[n].entries
	}
	return true, c.out.flush()
}

// finish writes the manifest over what was written.
func (c *copying) finish(file File) (Manifest, error) {
	m := Manifest{Format: Format, Made: c.options.Now().UTC(), Partitions: len(c.journals), Marks: c.marks, Commands: c.out.commands, Octets: c.out.at}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	h := sha256.New()
	if _, err := io.CopyN(h, file, m.Octets); err != nil {
		return m, fmt.Errorf("read the backup again: %w", err)
	}
	m.SHA256 = hex.EncodeToString(h.Sum(nil))
	text, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	c.out.command("ECHO", string(text))
	return m, c.out.flush()
}

// place is where a writer is.
type place struct {
	at       int64
	commands int
}

// writer writes commands to a file.
type writer struct {
	file File
	place
	buffer []byte
	err    error
}

func (w *writer) command(args ...string) {
	w.buffer = aofstore.AppendCommand(w.buffer, args...)
	w.commands++
	if len(w.buffer) >= fileChunk {
		_ = w.flush() // it keeps its error
	}
}

func (w *writer) flush() error {
	if w.err == nil && len(w.buffer) > 0 {
		_, w.err = w.file.Write(w.buffer)
		w.at += int64(len(w.buffer))
	}
	w.buffer = w.buffer[:0]
	return w.err
}

// many writes a command again and again, with some of the values each time.
func (w *writer) many(head []string, values []string, each int) {
	for len(values) > 0 {
		n, size := 0, 0
		for n < len(values) && n < mostValues && size < fileChunk {
			for _, v := range values[n : n+each] {
				size += len(v)
			}
			n += each
		}
		w.command(append(head[:len(head):len(head)], values[:n]...)...)
		values = values[n:]
	}
}

// mostValues is how many values a command has at most.
const mostValues = 1024

// back forgets what was written since a place.
func (w *writer) back(p place) error {
	w.buffer = w.buffer[:0]
	if w.err == nil {
		w.err = w.file.Truncate(p.at)
	}
	if w.err == nil {
		_, w.err = w.file.Seek(p.at, io.SeekStart)
	}
	w.place = p
	return w.err
}

func prefix(n int) string { return "{" + engine.Partition(n).String() + "}:" }

// partitionOf is the partition that a key is of.
func partitionOf(key string) (string, bool) {
	tag, _, ok := strings.Cut(key, ":")
	return tag, ok && strings.HasPrefix(tag, "{p") && strings.HasSuffix(tag, "}")
}
