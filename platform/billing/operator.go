package billing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// unlock lets a card entry take PINs again: an operator's act (wire.md 2.6).
func (p *Partition) unlock(tx *engine.Tx, in platform.Unlock) error {
	ph, ok := p.phones[in.Phone]
	if !ok {
		return noSuchPhone()
	}
	if ph.card(in.Slot) == nil {
		return &platform.Error{Code: platform.CodeNotFound, Field: "slot", Detail: "no card in this slot; there is one in " + ph.slots()}
	}
	if left := ph.triesLeft(in.Slot); left > 0 {
		return &platform.Error{
			Code: platform.CodeIllegalState, Field: "slot",
			Detail: fmt.Sprintf("the card in slot %d is not locked: %d of %d tries are left", in.Slot, left, Tries),
		}
	}
	delete(ph.counters.Wrong, in.Slot)
	p.keepCounters(ph)
	p.act(tx, ph, "unlock", in.By, in.Note, engine.Event{From: locked, To: unlocked}, withSlot(in.Slot))
	return nil
}

// What a card entry is to PINs, as the journal tells it.
const (
	locked   = "locked"
	unlocked = "unlocked"
)

func withSlot(slot int) func(*story) { return func(s *story) { s.Slot = slot } }

// act tells what an operator did to a phone: who, when, what and why.
func (p *Partition) act(tx *engine.Tx, ph *phone, name, by, note string, e engine.Event, more ...func(*story)) {
	told := story{By: by, Said: p.saying(note)}
	for _, f := range more {
		f(&told)
	}
	e.Subject, e.Name, e.Cause, e.Data = ph.subject(), name, CauseOperator, told
	tx.Record(e)
}

func (ph *phone) slots() string {
	var all []string
	for _, c := range ph.Cards {
		all = append(all, fmt.Sprint(c.Slot))
	}
	return "slot " + strings.Join(all, ", ")
}

func noSuchPhone() error {
	return &platform.Error{Code: platform.CodeNotFound, Field: "phone", Detail: "this phone is not enrolled"}
}

// Bounds of what operators say of an act, in characters.
const (
	mostBy   = 64
	mostNote = 200
)

// checkAct says what an operator's act leaves open.
func checkAct(by, note string) error {
	switch {
	case !said(by, mostBy):
		return invalid("by", fmt.Sprintf("who does it, in 1 to %d characters", mostBy))
	case !said(note, mostNote):
		return invalid("note", fmt.Sprintf("why, in 1 to %d characters", mostNote))
	}
	return nil
}

func said(text string, most int) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= most
}

// Unlock lets a card entry take PINs again.
func (s *Service) Unlock(ctx context.Context, u platform.Unlock) error {
	if err := checkAct(u.By, u.Note); err != nil {
		return err
	}
	_, err := s.do(ctx, s.PhonePartition(u.Phone), u)
	return err
}

// Release ends the hold on a phone whose element seemed to be there twice.
func (s *Service) Release(ctx context.Context, r platform.Release) error {
	if err := checkAct(r.By, r.Note); err != nil {
		return err
	}
	_, err := s.do(ctx, s.PhonePartition(r.Phone), r)
	return err
}

// Alarms lists what operators should look at.
func (s *Service) Alarms(ctx context.Context) ([]platform.Alarm, error) {
	var all []platform.Alarm
	err := s.watched(ctx, func(w Watched) { all = append(all, w.Alarms...) })
	slices.SortFunc(all, newestFirst)
	return all, err
}

// Drops counts the packets that were dropped without an answer, by reason.
func (s *Service) Drops(ctx context.Context) (map[string]int, error) {
	sums := make(map[string]int)
	err := s.watched(ctx, func(w Watched) {
		for why, n := range w.Drops {
			sums[string(why)] += n
		}
	})
	return sums, err
}

func (s *Service) watched(ctx context.Context, each func(Watched)) error {
	for n := range s.config.Partitions {
		reply, err := s.do(ctx, engine.Partition(n), Alarms{})
		if err != nil {
			return err
		}
		each(reply.(Watched))
	}
	return nil
}
