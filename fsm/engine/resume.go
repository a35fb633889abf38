package engine

// Resumer is an Actor that takes up what was under way when its predecessor ended, and
// that no effect behind the cursor stands for.
type Resumer interface {
	Actor

	// Resumes names a Due that comes once the partition is taken, before others. It may ask
	// for what is missing as any other input does.
	Resumes() string
}

// takeUp has an actor that takes up what its predecessor left do so first.
func (s *session) takeUp() {
	if r, ok := s.actor.(Resumer); ok {
		s.wakes.setHere(r.Resumes(), s.config.Clock.Now())
	}
}

// look has the actor's time go on. Readings of one clock may come a little out of order.
func (s *session) look() {
	if now := s.config.Clock.Now(); now.After(s.tx.now) {
		s.tx.now = now
	}
}
