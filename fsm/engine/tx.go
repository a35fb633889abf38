package engine

import (
	"fmt"
	"strconv"
	"time"
)

// Tx is how an actor stages what follows from an input. It is only good during the
// call that it was passed to.
//
// Values are absolute, the last one counts, and a record is encoded once for a batch,
// as it is when the batch is sealed: an actor that stages a pointer goes on changing
// what it points to.
type Tx struct {
	partition Partition
	now       time.Time
	stage     *stage
	wakes     *wakes
	cursor    *cursor // nil: all effects are done
	due       string  // the wake-up that is being handled
	dueMoved  bool    // and whether it was set again or taken away
}

// Now is the time of the input, in UTC. It never goes back.
func (tx *Tx) Now() time.Time { return tx.now }

// Partition is the actor's partition.
func (tx *Tx) Partition() Partition { return tx.partition }

// EntryID is the id of the journal entry that this input's events will be in.
func (tx *Tx) EntryID() string { return tx.stage.entryID() }

// Seq is the number of the batch that this input's outcome will be in. It rises with each
// batch, over all owners of the partition; the record seq says which one is in.
func (tx *Tx) Seq() uint64 { return tx.stage.seq }

// Put stages a text record: v as JSON, by itself when it is an Appender, or as it is when
// it is a string, []byte or json.RawMessage.
func (tx *Tx) Put(key string, v any) {
	free(key)
	tx.stage.put(key, v)
}

// Delete stages the removal of a record.
func (tx *Tx) Delete(key string) {
	free(key)
	tx.stage.put(key, nil)
}

// SetField stages a field of a hash.
func (tx *Tx) SetField(hash, field, value string) {
	free(hash)
	tx.stage.field(Field{Hash: hash, Name: field, Value: value}, false)
}

// DeleteField stages the removal of a field.
func (tx *Tx) DeleteField(hash, field string) {
	free(hash)
	tx.stage.field(Field{Hash: hash, Name: field}, true)
}

// SetScore stages a member of a sorted set.
func (tx *Tx) SetScore(set, member string, score float64) {
	free(set)
	tx.stage.score(Score{Set: set, Member: member, Score: score}, false)
}

// DeleteScore stages the removal of a member.
func (tx *Tx) DeleteScore(set, member string) {
	free(set)
	tx.stage.score(Score{Set: set, Member: member}, true)
}

// Wake asks for a Due with this id at a time, rounded up to a millisecond, in place of
// any other with the same id. One that is there already is not staged again.
func (tx *Tx) Wake(id string, at time.Time) {
	at = ceilMilli(at)
	if tx.wakes.set(id, at) {
		tx.stage.wake(id, at)
	}
	tx.dueMoved = tx.dueMoved || id == tx.due
}

// NoWake takes a wake-up away.
func (tx *Tx) NoWake(id string) {
	tx.stage.wake(id, time.Time{})
	tx.wakes.remove(id)
	tx.dueMoved = tx.dueMoved || id == tx.due
}

// Record tells one step in the journal. Its data is encoded now.
func (tx *Tx) Record(e Event) {
	if e.At.IsZero() {
		e.At = tx.now
	}
	for _, effect := range e.Effects {
		if len(effect.Body) > 0 && !valid(effect.Body) {
			panic(fmt.Sprintf("engine: the body of effect %s is not JSON", effect.ID))
		}
	}
	tx.stage.record(e)
}

// Trim stages the removal of the journal up to an entry, and with it. It says false, and
// stages nothing, when effects of one of them may not be done yet.
func (tx *Tx) Trim(last string) bool {
	if tx.cursor != nil && !reached(tx.cursor.position(), last) {
		return false
	}
	tx.stage.changes++
	tx.stage.trim = last
	return true
}

// free panics over a name that the engine uses itself.
func free(name string) {
	switch name {
	case "fence", "lease", SeqKey, "cursor", "chain", DueSet, "journal":
		panic("engine: the name " + name + " is the engine's own")
	}
}

func ceilMilli(at time.Time) time.Time {
	whole := at.Truncate(time.Millisecond)
	if whole.Before(at) {
		whole = whole.Add(time.Millisecond)
	}
	return whole.UTC()
}

func entryID(epoch, seq uint64) string {
	b := strconv.AppendUint(make([]byte, 0, 24), epoch, 10)
	return string(strconv.AppendUint(append(b, '-'), seq, 10))
}
