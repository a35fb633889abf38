package engine

import "time"

// Resumer is an Actor that takes up what was under way when its predecessor ended, and
// that no effect behind the cursor stands for.
type Resumer interface {
	Actor

	// Resume stages what follows from what was loaded. It is called once, before Handle.
	Resume(tx *Tx)
}

// resume lets the actor take up what its predecessor left.
func (s *session) resume() {
	if r, ok := s.actor.(Resumer); ok {
		s.look()
		s.tx.stage = s.open
		r.Resume(&s.tx)
	}
}

// look has the actor's time go on. Readings of one clock may come a little out of order.
func (s *session) look() {
	if now := s.config.Clock.Now(); now.After(s.tx.now) {
		s.tx.now = now
	}
}

// DecideResume lets an actor resume, and answers what it staged. It is for testing actors.
func DecideResume(a Resumer, p Partition, seq uint64, now time.Time) *Batch {
	s := newStage()
	s.reset(1, seq)
	a.Resume(&Tx{partition: p, now: now.UTC(), stage: s, wakes: newWakes(nil)})
	return s.seal("")
}
