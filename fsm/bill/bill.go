// Package bill holds the life of a bill as one table: its states, what may happen in
// each, what must hold for it, and which deadline comes next.
//
//	created -> pushed -> delivered -> opened -> paid -> settled
//
// is the straight way. The holder may refuse a bill or put it off; it may run out of
// time, fail with a locked PIN, be cancelled by its merchant before it is paid, or
// never reach its phone. A bill that has ended is final when its merchant has
// acknowledged the result.
//
// The package knows neither money nor phones: what it must know is in [Facts].
// Refunds are not here; they are transfers of their own on a settled bill.
package bill

import "github.com/airtill/airtill/fsm"

// The states of a bill.
const (
	Created     fsm.State = "created"     // made, not on its way
	Pushed      fsm.State = "pushed"      // accepted by the carrier
	Delivered   fsm.State = "delivered"   // on the phone
	Opened      fsm.State = "opened"      // seen by its holder
	Deferred    fsm.State = "deferred"    // put off by its holder
	Paid        fsm.State = "paid"        // the payer's money has moved
	Settled     fsm.State = "settled"     // the merchant has the money
	Refused     fsm.State = "refused"     // by its holder
	Expired     fsm.State = "expired"     // reached the phone, not paid in time
	Cancelled   fsm.State = "cancelled"   // by its merchant
	Failed      fsm.State = "failed"      // the PIN is locked
	Undelivered fsm.State = "undelivered" // the phone was not reached in time
)

// The events of a bill's life.
const (
	Push        fsm.Event = "push"        // the carrier accepted it for the phone
	Deliver     fsm.Event = "deliver"     // a receipt, or the phone's own word
	Open        fsm.Event = "open"        // the holder looks at it
	Defer       fsm.Event = "defer"       // the holder puts it off
	Remind      fsm.Event = "remind"      // the holder is reminded of it
	Decline     fsm.Event = "decline"     // a payment was declined: one try less
	Pay         fsm.Event = "pay"         // a payment was accepted
	Settle      fsm.Event = "settle"      // the money has come to the merchant
	Refuse      fsm.Event = "refuse"      // the holder will not pay
	Fail        fsm.Event = "fail"        // the PIN is locked
	Expire      fsm.Event = "expire"      // time is up, the phone has it
	Miss        fsm.Event = "miss"        // time is up, the phone never had it
	Cancel      fsm.Event = "cancel"      // the merchant withdraws it
	Report      fsm.Event = "report"      // the merchant is told of the end
	Acknowledge fsm.Event = "acknowledge" // the merchant has the result: final
)

// States lists the states of a bill, the straight way first.
func States() []fsm.State {
	return []fsm.State{
		Created, Pushed, Delivered, Opened, Deferred, Paid, Settled,
		Refused, Expired, Cancelled, Failed, Undelivered,
	}
}

// ended are the states from which a bill moves no more.
func ended() []fsm.State {
	return []fsm.State{Settled, Refused, Expired, Cancelled, Failed, Undelivered}
}

// Definition is the table.
func Definition() fsm.Definition[Facts] {
	type states = []fsm.State
	return fsm.Definition[Facts]{
		Name:    "bill",
		Initial: Created,
		Final:   ended(),
		Transitions: []fsm.Transition{
			{Event: Push, From: states{Created, Pushed}, To: Pushed},
			{Event: Deliver, From: states{Created, Pushed}, To: Delivered},
			{Event: Open, From: states{Delivered, Deferred}, To: Opened},
			{Event: Defer, From: states{Delivered, Opened}, To: Deferred},
			{Event: Remind, From: states{Delivered, Opened, Deferred}, To: fsm.Stay},
			{Event: Decline, From: states{Opened}, To: fsm.Stay},
			{Event: Pay, From: states{Opened}, To: Paid},
			{Event: Settle, From: states{Paid}, To: Settled},
			{Event: Refuse, From: states{Delivered, Opened, Deferred}, To: Refused},
			{Event: Fail, From: states{Opened}, To: Failed},
			{Event: Expire, From: states{Delivered, Opened, Deferred}, To: Expired},
			{Event: Miss, From: states{Created, Pushed}, To: Undelivered},
			{Event: Cancel, From: states{Created, Pushed, Delivered, Opened, Deferred}, To: Cancelled},
			{Event: Report, From: ended(), To: fsm.Stay},
			{Event: Acknowledge, From: ended(), To: fsm.Stay},
		},
		Guards: guards(),
	}
}

// NewMachine makes a machine that decides by the table, for one goroutine.
func NewMachine() (*fsm.Machine[Facts], error) { return fsm.New(Definition()) }

// Chart draws the table as a Mermaid state diagram.
func Chart() string {
	m, err := NewMachine()
	if err != nil {
		panic(err) // the table is a constant: a test builds it
	}
	return m.Chart()
}

// Ended says whether a bill in this state moves no more; only its merchant may still
// have to be told.
func Ended(s fsm.State) bool {
	switch s {
	case Settled, Refused, Expired, Cancelled, Failed, Undelivered:
		return true
	}
	return false
}

// Live says whether a bill in this state may still be paid.
func Live(s fsm.State) bool {
	switch s {
	case Created, Pushed, Delivered, Opened, Deferred:
		return true
	}
	return false
}

// Implied lists what must have happened before an event, when messages came out of
// order or were lost: a phone that pays has the bill and has shown it, whether or not
// it was heard to say so. It is nil when the event can happen as it is, or never.
func Implied(from fsm.State, e fsm.Event) []fsm.Event {
	switch from {
	case Created, Pushed:
		switch e {
		case Open, Defer, Refuse:
			return []fsm.Event{Deliver}
		case Pay, Decline, Fail:
			return []fsm.Event{Deliver, Open}
		}
	case Delivered, Deferred:
		switch e {
		case Pay, Decline, Fail:
			return []fsm.Event{Open}
		}
	}
	return nil
}
