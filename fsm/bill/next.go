package bill

import (
	"time"

	"github.com/airtill/airtill/fsm"
)

// Timetable holds a bill's deadlines. A zero time is none.
type Timetable struct {
	Expires      time.Time
	NextPush     time.Time // when it is pushed again, while the phone is not heard of
	NextReminder time.Time
	NextReport   time.Time // when the merchant is told again
}

// deadline is one row of a state's timetable.
type deadline struct {
	event fsm.Event
	at    func(Timetable) time.Time
}

func expires(t Timetable) time.Time      { return t.Expires }
func nextPush(t Timetable) time.Time     { return t.NextPush }
func nextReminder(t Timetable) time.Time { return t.NextReminder }
func nextReport(t Timetable) time.Time   { return t.NextReport }

// deadlines is the table; of two at the same instant the first counts.
func deadlines(s fsm.State) []deadline {
	switch s {
	case Created, Pushed:
		return []deadline{{Miss, expires}, {Push, nextPush}}
	case Delivered, Opened, Deferred:
		return []deadline{{Expire, expires}, {Remind, nextReminder}}
	case Settled, Refused, Expired, Cancelled, Failed, Undelivered:
		return []deadline{{Report, nextReport}}
	}
	return nil // paid: the sweep settles it
}

// Next answers what the clock brings next, and when. A zero time is never.
func Next(s fsm.State, t Timetable) (fsm.Event, time.Time) {
	var event fsm.Event
	var first time.Time
	for _, d := range deadlines(s) {
		at := d.at(t)
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			event, first = d.event, at
		}
	}
	return event, first
}
