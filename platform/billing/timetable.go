package billing

import (
	"strings"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// lookAgain is when a live bill without a deadline is looked at all the same.
const lookAgain = time.Hour

// due does what a deadline asks for (S18). A deadline that was moved meanwhile is set again.
func (p *Partition) due(tx *engine.Tx, in engine.Due) error {
	if in.ID == resumeID {
		p.resume(tx)
		return nil
	}
	if sub, ok := strings.CutPrefix(in.ID, sweepPrefix); ok {
		p.sweep(tx, sub)
		return nil
	}
	if id, err := platform.ParseRefundID(in.ID); err == nil {
		p.refundDue(tx, id)
		return nil
	}
	name, _, _ := strings.Cut(in.ID, ":")
	id, err := platform.ParseBillID(name)
	if err != nil {
		tx.NoWake(in.ID)
		return nil
	}
	r, ok := p.bills[id.Ref()]
	if !ok {
		tx.NoWake(in.ID)
		return nil
	}
	if r.final() {
		p.finalDue(tx, r)
		return nil
	}
	event, at := next(r, tx.Now())
	if at.IsZero() || at.After(tx.Now()) {
		p.wake(tx, r)
		return nil
	}
	switch event {
	case bill.Report:
		p.reportDue(tx, r)
	case bill.Push:
		p.pushAgain(tx, r)
	default:
		return p.timeUp(tx, r, event)
	}
	return nil
}

// finalDue files a final bill that has lingered, and no attempt by hand is under way.
func (p *Partition) finalDue(tx *engine.Tx, r *record) {
	switch now := tx.Now(); {
	case r.Reporting && !now.Before(r.NextReport):
		p.resent(tx, r, CauseClock, p.noOutcome(&r.telling))
	case r.Reporting || now.Before(p.filed(r)):
		p.wake(tx, r)
	default:
		p.finish(tx, r)
	}
}

// filed is when a final bill is filed.
func (p *Partition) filed(r *record) time.Time {
	return later(r.Acknowledged, r.had().Resent).Add(p.config.Timing.Linger)
}

// next is what the clock brings a bill next. The end of its time goes before whatever
// else was missed while nobody looked.
func next(r *record, now time.Time) (fsm.Event, time.Time) {
	t := r.timetable()
	if !now.Before(r.Expires) {
		t.NextPush, t.NextReminder = time.Time{}, time.Time{}
	}
	return bill.Next(r.State, t)
}

// wake sets a live bill's next deadline. It always has one, because the deadlines are
// also the index of live bills.
func (p *Partition) wake(tx *engine.Tx, r *record) {
	_, at := next(r, tx.Now())
	if r.final() {
		at = p.filed(r)
		if r.Reporting {
			at = r.NextReport
		}
	}
	if at.IsZero() {
		at = tx.Now().Add(lookAgain)
	}
	if soon := tx.Now().Add(lookPaid); r.State == bill.Paid && at.After(soon) {
		at = soon
	}
	tx.Wake(r.deadline, at)
}

// timeUp reminds the holder, or ends the bill.
func (p *Partition) timeUp(tx *engine.Tx, r *record, event fsm.Event) error {
	path, err := p.path(r, event, p.facts(tx, r))
	if err != nil {
		return err
	}
	var s story
	switch event {
	case bill.Remind:
		s.Effects = p.pushEffect(tx, r, p.phones[r.Phone])
	case bill.Expire:
		r.Reason = platform.ReasonExpired
	case bill.Miss:
		r.Reason = platform.ReasonUnreachable
	}
	s.Reason = r.Reason
	p.advance(tx, r, path, CauseClock, s)
	return nil
}

// pushAgain sends the bill once more to a phone that was not heard of.
func (p *Partition) pushAgain(tx *engine.Tx, r *record) {
	effects := p.pushEffect(tx, r, p.phones[r.Phone])
	state := string(r.State)
	p.journal(tx, r, engine.Event{Name: "send", From: state, To: state, Cause: CauseClock, Effects: effects}, story{})
	p.keep(tx, r)
}

// setReminder places the next reminder half-way from here to the bill's end, unless
// that is near or the phone does not have the bill.
func (p *Partition) setReminder(tx *engine.Tx, r *record) {
	r.NextReminder = time.Time{}
	switch r.State {
	case bill.Delivered, bill.Opened, bill.Deferred:
		if left := r.Expires.Sub(tx.Now()); left >= p.config.Timing.RemindLeast {
			r.NextReminder = tx.Now().Add(left / 2)
		}
	}
}
