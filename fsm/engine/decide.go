package engine

import "time"

// Decide lets an actor handle one input as if it came alone, and answers what it
// staged. It is for testing actors: nothing is kept, and wake-ups do not come.
func Decide(a Actor, p Partition, seq uint64, now time.Time, in any) (reply any, staged *Batch, err error) {
	s := newStage()
	s.reset(1, seq)
	tx := &Tx{partition: p, now: now.UTC(), stage: s, wakes: newWakes(nil)}
	reply, err = a.Handle(tx, in)
	return reply, s.seal(""), err
}
