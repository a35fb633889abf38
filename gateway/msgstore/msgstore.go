// Package msgstore says what a store of short messages is, and gathers what many
// sessions have to keep into few writes.
//
// The SMSC works from memory; a store is what it starts again from. So a store keeps
// whole records under keys and has no queries: [Store.Load] reads all of it once, and
// after that there is one writer. A [Batch] is what changes together: a message's final
// state and the receipt that it causes, say. It is kept as a whole or not at all, and
// what the SMSC tells anybody, it tells after its batch is kept.
//
// A key lives once: what was removed or finished is not put again. This makes the
// order of changes within one write unimportant but for the last put of a key, and so a
// [Committer] can join the batches of all sessions that came while one write was under
// way into the next (group commit, without a timer).
//
// A record's text (see [Record.Append]) is a line of words and the message's PDU as it
// was on the wire, so that a person sees in redis-cli what is the matter with a message,
// and "airtill decode" reads the rest.
//
// Stores: [Memory] here, and redisstore. The package msgstoretest proves them.
package msgstore

import (
	"context"
	"errors"
	"iter"
)

// Store keeps messages. Load comes first; after that Commit is for one goroutine.
type Store interface {
	// Load yields every live record and the finished ones still kept, in no order, each
	// key once. It ends at the first error, which it yields with an empty record.
	Load(ctx context.Context) iter.Seq2[Record, error]
	// Commit makes one attempt to keep a batch as a whole. After an error that is not
	// Final the batch may have been kept, or may not: it must be committed again,
	// unchanged, before any other; that keeps it once. An empty batch asks whether the
	// store is still ours to write.
	Commit(ctx context.Context, b *Batch) error
}

// Why a store will keep nothing more.
var (
	// ErrFenced says that another gateway has taken the store.
	ErrFenced = errors.New("msgstore: another gateway has taken the store")
	// ErrBroken says that the store holds what this program has not written.
	ErrBroken = errors.New("msgstore: the store holds what was not written by this program")
)

// Final says whether committing again would not help.
func Final(err error) bool { return errors.Is(err, ErrFenced) || errors.Is(err, ErrBroken) }

// Change is one change of a batch. A key without a value is removed.
type Change struct {
	Key   string
	Value []byte // a record's text, valid until the batch is reset
}

// Batch is changes that belong together. The zero Batch is empty. It keeps no reference
// to the records that it was given.
type Batch struct {
	puts, finished []change
	removed        []string
	text           []byte
}

// change is where in the batch's text a value is: the text moves while it grows.
type change struct {
	key        string
	start, end int
}

// Put keeps a record under its key, in place of what was there. The error is that of
// [Record.Append].
func (b *Batch) Put(r *Record) error {
	c, err := b.encode(r)
	if err == nil {
		b.puts = append(b.puts, c)
	}
	return err
}

// Finish is the end of a live record: it joins the finished ones, which are kept for as
// long as the store keeps any.
func (b *Batch) Finish(r *Record) error {
	c, err := b.encode(r)
	if err == nil {
		b.finished = append(b.finished, c)
	}
	return err
}

func (b *Batch) encode(r *Record) (change, error) {
	start := len(b.text)
	text, err := r.Append(b.text)
	b.text = text
	return change{r.Key, start, len(text)}, err
}

// Remove forgets a live record: a receipt that was delivered, say.
func (b *Batch) Remove(key string) { b.removed = append(b.removed, key) }

// Join adds another batch's changes, as ones that came later.
func (b *Batch) Join(o *Batch) {
	b.puts = join(b.puts, o.puts, len(b.text))
	b.finished = join(b.finished, o.finished, len(b.text))
	b.removed = append(b.removed, o.removed...)
	b.text = append(b.text, o.text...)
}

func join(all, more []change, by int) []change {
	for _, c := range more {
		all = append(all, change{c.key, c.start + by, c.end + by})
	}
	return all
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	clear(b.puts)
	clear(b.finished)
	clear(b.removed)
	b.puts, b.finished, b.removed, b.text = b.puts[:0], b.finished[:0], b.removed[:0], b.text[:0]
}

// Len counts the changes.
func (b *Batch) Len() int { return len(b.puts) + len(b.finished) + len(b.removed) }

// Size is about how many octets the batch is.
func (b *Batch) Size() int { return len(b.text) + 64*b.Len() }

// Puts are the records to keep, the later of one key last.
func (b *Batch) Puts() iter.Seq[Change] { return b.changes(b.puts) }

// Finished are the records to move to the finished ones.
func (b *Batch) Finished() iter.Seq[Change] { return b.changes(b.finished) }

// Removed are the keys to forget.
func (b *Batch) Removed() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, key := range b.removed {
			if !yield(Change{Key: key}) {
				return
			}
		}
	}
}

func (b *Batch) changes(all []change) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, c := range all {
			if !yield(Change{c.key, b.text[c.start:c.end:c.end]}) {
				return
			}
		}
	}
}
