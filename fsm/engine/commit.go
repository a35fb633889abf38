package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/fsm/fault"
)

// commitAll writes sealed stages one after the other. After a failure it writes no more.
func (s *session) commitAll(ctx context.Context) {
	for st := range s.sealed {
		err := s.commit(ctx, st)
		s.outcomes <- outcome{st, err}
		if err != nil {
			return
		}
	}
}

// commit writes one stage; then its inputs are answered, and then its effects are
// handed on. It goes on when ctx has ended: what was begun is finished.
func (s *session) commit(ctx context.Context, st *stage) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.CommitTimeout)
	defer cancel()
	fault.Point(fault.BeforeCommit)
	began := time.Now()
	err := s.hold.Commit(ctx, &st.batch)
	s.observe(st, began, err)
	if err != nil {
		st.answer(verdict(err))
		return fmt.Errorf("commit batch %d: %w", st.seq, err)
	}
	fault.Point(fault.AfterCommit)
	st.answer(nil)
	fault.Point(fault.AfterReplies)
	if len(st.events) > 0 {
		s.follow(Entry{ID: st.entryID(), Events: st.events})
	}
	return nil
}

// verdict is what a failed commit means to those who wait for it.
func verdict(err error) error {
	if !errors.Is(err, ErrDoubt) && (errors.Is(err, ErrFenced) || errors.Is(err, ErrUnavailable)) {
		return ErrUnavailable
	}
	return ErrUnknown
}

// follow hands an entry's effects on, and watches for their end.
func (s *session) follow(entry Entry) {
	n := 0
	for i := range entry.Events {
		n += len(entry.Events[i].Effects)
	}
	if s.perform == nil {
		n = 0
	}
	open := s.cursor.add(entry.ID, n)
	if n == 0 {
		return
	}
	s.effects.add(entry.Events, open)
}

// journalPage is how many entries are read at once when effects are recovered.
const journalPage = 500

// recover hands on again the effects of all entries behind the cursor.
func (s *session) recover(ctx context.Context) error {
	from := "-"
	if at := s.hold.Cursor(); at != "" {
		from = "(" + at
	}
	for {
		entries, err := s.hold.Journal(ctx, from, "+", journalPage)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			s.follow(entry)
		}
		if len(entries) < journalPage {
			return nil
		}
		from = "(" + entries[len(entries)-1].ID
	}
}
