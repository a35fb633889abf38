package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/fault"
)

// session is one life of a partition's memory: the loop that handles inputs, the
// committer that writes what they staged, and the effects that follow.
type session struct {
	*partition
	hold    Hold
	actor   Actor
	tx      Tx
	wakes   *wakes
	cursor  *cursor
	effects *effects

	open     *stage // what gathers
	spare    *stage // what comes next, when it is not in flight
	inFlight bool
	inputs   []input
	pantry   *pantry // of a Lazy actor
	resuming *parked // the input that is handled again
	noted    string  // the cursor as it was last committed

	sent      time.Time        // when the last batch was
	confirmed time.Time        // when the last one that is in was sent
	beats     <-chan time.Time // ticks when an idle owner shows that it lives

	sealed   chan *stage  // to the committer
	outcomes chan outcome // back from it
	timer    *time.Timer  // the next wake-up
	flush    *time.Timer  // runs while the cursor is ahead of what is noted
	flushing bool
}

// outcome is what became of a stage.
type outcome struct {
	stage *stage
	err   error
}

func newSession(p *partition, hold Hold, actor Actor, w *wakes) *session {
	s := &session{
		partition: p, hold: hold, actor: actor, wakes: w,
		cursor: newCursor(hold.Cursor()), noted: hold.Cursor(),
		open: newStage(), spare: newStage(),
		sealed: make(chan *stage, 1), outcomes: make(chan outcome, 1),
	}
	s.pantry = newPantry(p.store.Read(p.number), p.config)
	s.effects = newEffects(p, s.cursor)
	s.open.reset(hold.Epoch(), hold.Seq()+1)
	s.tx = Tx{partition: p.number, wakes: w, cursor: s.cursor}
	return s
}

// serve runs the loop and the committer until ctx ends or a commit fails.
func (s *session) serve(ctx context.Context) error {
	var committer sync.WaitGroup
	committer.Go(func() { s.commitAll(ctx) })
	defer committer.Wait()
	defer close(s.sealed)
	defer s.pantry.refuse(ErrUnavailable)

	s.effects.start(ctx)
	s.takeUp()
	s.timer, s.flush = time.NewTimer(0), time.NewTimer(0)
	defer s.timer.Stop()
	defer s.flush.Stop()
	s.flush.Stop()
	defer s.startBeats()()
	for ctx.Err() == nil {
		s.gather()
		if s.sealIfReady() {
			continue
		}
		if err := s.wait(ctx); err != nil {
			return s.fail(err)
		}
	}
	return s.drain()
}

// wait sleeps until there is something to do.
func (s *session) wait(ctx context.Context) error {
	s.pantry.start(ctx)
	signal, due := s.queue.signal, s.timer.C
	if s.full() { // no room before the batch in flight has landed
		signal, due = nil, nil
	} else if at, ok := s.wakes.next(); ok {
		s.timer.Reset(min(at.Sub(s.config.Clock.Now()), lookAtClock))
	} else {
		s.timer.Stop()
	}
	select {
	case <-signal:
	case <-due:
	case <-s.cursor.moved:
		if !s.flushing {
			s.flushing = true
			s.flush.Reset(s.config.CursorEvery)
		}
	case <-s.flush.C:
		s.flushing = false
		s.open.flush = s.cursor.position() != s.noted
	case <-s.beats:
		s.beat()
	case out := <-s.outcomes:
		return s.landed(out)
	case pg := <-s.pantry.pages:
		s.supplied(pg)
	case <-ctx.Done():
	}
	return nil
}

func (s *session) full() bool { return s.open.inputs >= s.config.MaxBatch || s.pantry.full() }

// gather handles what is due and what is queued, as far as there is room.
func (s *session) gather() {
	s.look()
	for !s.full() {
		due, ok := s.wakes.pop(s.config.Clock.Now())
		if !ok {
			break
		}
		s.handleDue(due)
	}
	s.gatherQueued()
	s.seen.lookAt(s.wakes)
}

// lookAtClock is how long the loop sleeps at most: the wall clock may have been set ahead.
const lookAtClock = 30 * time.Second

// handle lets the actor decide one input. It is answered with the batch, or at once
// when nothing that it may have seen is still on its way.
func (s *session) handle(in input) {
	reply, err := s.decide(in.in)
	if s.park(in, false, err) {
		return
	}
	if s.open.changes == 0 && !s.inFlight && s.sure() || fault.Planted(fault.EarlyReply) {
		in.answer(reply, err)
		return
	}
	s.open.inputs++
	s.open.wait(in.done, reply, err)
}

// lookAgain is how long after an actor failed over a wake-up it gets it again.
const lookAgain = time.Second

func (s *session) handleDue(due Due) {
	s.tx.due, s.tx.dueMoved = due.ID, false
	_, err := s.decide(due)
	if s.park(input{in: due}, true, err) {
		s.tx.due = ""
		return
	}
	s.open.inputs++
	switch {
	case err != nil:
		s.comeAgain(due, err)
	case !s.tx.dueMoved:
		s.tx.NoWake(due.ID)
	}
	s.tx.due = ""
}

// comeAgain has a wake-up come again that was not handled.
func (s *session) comeAgain(due Due, err error) {
	s.log.Warn().Err(err).Str("wake", due.ID).Msg("a wake-up was refused; it comes again")
	s.wakes.setHere(due.ID, s.tx.now.Add(lookAgain))
}

// decide calls the actor, and crashes over one that breaks the rules.
func (s *session) decide(in any) (any, error) {
	defer func() {
		if r := recover(); r != nil {
			panic(fmt.Sprintf("engine: partition %s, entry %s, handling %T: %v", s.number, s.open.entryID(), in, r))
		}
	}()
	s.tx.stage = s.open
	before := s.open.changes
	reply, err := s.actor.Handle(&s.tx, in)
	if err != nil && s.open.changes != before {
		panic(fmt.Sprintf("the actor staged something and then refused: %v", err))
	}
	return reply, err
}

// sealIfReady sends the open batch off when there is one and nothing is in flight.
func (s *session) sealIfReady() bool {
	if s.inFlight || s.open.empty() {
		return false
	}
	if !s.open.staged() && s.sure() {
		s.open.answer(nil) // nothing to keep, and all that was seen is in
		s.open.reset(s.open.epoch, s.open.seq)
		return true
	}
	at := s.cursor.position()
	if at != s.noted {
		fault.Point(fault.BeforeCursor)
	}
	s.open.seal(at)
	s.noted, s.inFlight, s.sent = at, true, time.Now()
	next := s.spare
	next.reset(s.open.epoch, s.open.seq+1)
	s.sealed <- s.open
	s.open, s.spare = next, nil
	return true
}

// landed takes note that the batch in flight is in, or is not.
func (s *session) landed(out outcome) error {
	s.inFlight, s.spare = false, out.stage
	if out.err == nil {
		s.confirmed = s.sent
	}
	return out.err
}

// fail tells everybody who waits that their input did not run.
func (s *session) fail(err error) error {
	s.queue.shut()
	s.open.answer(ErrUnavailable)
	return err
}

// drain commits what there is, waits for the effects, and notes how far they came.
func (s *session) drain() error {
	s.queue.shut()
	if err := s.finish(); err != nil {
		return s.fail(err)
	}
	s.effects.stop()
	s.open.release = s.config.Share != nil
	s.open.flush = s.open.release || s.cursor.position() != s.noted
	if err := s.finish(); err != nil {
		return s.fail(err)
	}
	return nil
}

// finish handles and commits until nothing is left.
func (s *session) finish() error {
	for {
		s.gatherQueued()
		if s.sealIfReady() {
			continue
		}
		s.pantry.start(context.Background())
		if !s.inFlight && !s.pantry.reading {
			return nil
		}
		select {
		case out := <-s.outcomes:
			if err := s.landed(out); err != nil {
				return err
			}
		case pg := <-s.pantry.pages:
			s.supplied(pg)
		}
	}
}

func (s *session) gatherQueued() {
	if s.full() {
		return
	}
	s.inputs = s.queue.take(s.inputs[:0], s.config.MaxBatch-s.open.inputs)
	s.look() // what was taken together came by now
	for _, in := range s.inputs {
		s.handle(in)
	}
	clear(s.inputs)
}
