package driver

import (
	"cmp"
	"slices"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// trip is one bill from its being due to its end, as the load sees it. The book's lock
// is over all of it.
type trip struct {
	record    load.Bill
	reference string
	due       time.Time
	handset   int
	phone     gateway.MSISDN
	menu      bool // it comes to a phone without an element, and is paid at a menu
	habit     persona.Kind
	shop      int
	bill      schedule.Bill
	amount    money.Amount

	id       platform.BillID // "": not answered yet
	state    fsm.State       // that the shop was told; "": nothing yet
	last     fsm.State       // that the platform had when the run was over; "": not known
	paid     time.Time       // as the shop was told
	toldAt   time.Time
	blind    bool          // nobody tells what its phone does: steps on it, and without the person's time, are not timed
	took     time.Duration // that its person took so far
	attempts int           // payments that the platform counted
	pays     int           // payments that its phone sent
	calls    int           // callbacks that came
	turned   int           // of them turned away
	late     int           // callbacks that the platform had given up before they could be answered
	submit   load.Cause    // why the carrier did not take its phone's last message that failed; "": none did, or it is not known
	marks    mark
	cause    load.Cause // that is known before the end

	typed  time.Duration // at a menu: to the last answer's being sent, without the time its person took; 0: none was
	closed bool          // at a menu: the session is over
}

// mark is what has happened to a bill already.
type mark uint16

const (
	created      mark = 1 << iota // the order was answered with a bill
	pushed                        // at the phone
	receipt                       // the carrier's receipt was sent
	replied                       // the carrier took the payment
	decided                       // the person refused
	declined                      // a payment was declined
	acknowledged                  // the shop's 2xx went out
	ended                         // counted
	listed                        // the platform has it, when judged
)

func (t *trip) is(m mark) bool { return t.marks&m != 0 }

// once says whether a mark is new, and sets it.
func (t *trip) once(m mark) bool {
	before := t.is(m)
	t.marks |= m
	return !before
}

// since is how long after the bill was due a moment is; at least something, as 0 is not timed.
func (t *trip) since(at time.Time) time.Duration { return max(at.Sub(t.due), 1) }

// system is the same without the time that its person took.
func (t *trip) system(at time.Time) time.Duration { return max(at.Sub(t.due)-t.took, 1) }

// wanted is how a bill ends as its person would have it; "" is any way.
func wanted(habit persona.Kind) fsm.State {
	switch habit {
	case persona.Refuses:
		return bill.Refused
	case persona.Never:
		return bill.Expired
	case persona.Manual:
		return ""
	}
	return bill.Settled
}

// told takes what a callback says.
func (t *trip) told(r api.Result, at time.Time) {
	t.state, t.paid, t.toldAt, t.attempts = r.State, r.Paid, at, r.Attempts
}

// heard says whether all that its phone did is known, which comes by another way than
// the callback.
func (t *trip) heard() bool {
	switch {
	case t.blind:
		return true
	case t.menu && (t.state == bill.Settled || t.state == bill.Refused):
		return t.typed > 0 && t.closed
	case t.state == bill.Settled:
		return t.pays >= t.attempts
	case t.state == bill.Refused:
		return t.is(decided)
	}
	return true
}

// outcome is how the bill ended.
func (t *trip) outcome() load.Outcome {
	o := load.Outcome{Cause: t.why()}
	if t.state == "" || t.state == bill.Expired && wanted(t.habit) == bill.Expired {
		return o // how long nobody did anything is no latency
	}
	o.E2E = t.since(t.toldAt)
	if !t.paid.IsZero() && !t.blind {
		o.Pay = t.system(t.paid)
	}
	return o
}

// why is why the bill did not end as its person would have it; "" if it did.
func (t *trip) why() load.Cause {
	want := wanted(t.habit)
	switch {
	case t.cause != "":
		return t.cause
	case t.state == "" && t.turned > 0:
		return load.Callback5xx
	case t.state == "" && t.late > 0:
		return load.CallbackTimeout
	case t.state == "" && slices.Contains(bill.Definition().Final, t.last):
		return load.CallbackMissing
	case t.state == "":
		return load.Unfinished
	case want == "" || t.state == want:
		return ""
	}
	switch t.state {
	case bill.Expired:
		return cmp.Or(t.submit, load.Expired)
	case bill.Undelivered:
		return load.DLRUndelivered
	case bill.Failed:
		return load.BadPIN
	case bill.Refused:
		if t.is(declined) {
			return load.Declined
		}
	}
	return load.IllegalTransition
}
