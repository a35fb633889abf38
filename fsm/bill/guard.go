package bill

import (
	"errors"
	"time"

	"github.com/airtill/airtill/fsm"
)

// Facts are what the guards look at.
type Facts struct {
	Now          time.Time
	Expires      time.Time
	TriesLeft    int   // of the PIN
	Mismatch     error // why a payment does not fit the bill, if it does not
	Acknowledged bool  // the merchant has the result
}

// Why an event is refused.
var (
	ErrExpired  = errors.New("the bill has run out of time")
	ErrTooEarly = errors.New("the bill has time left")
	ErrTries    = errors.New("PIN tries are left")
	ErrClosed   = errors.New("the merchant has acknowledged the result")
)

func guards() map[fsm.Event]fsm.Guard[Facts] {
	return map[fsm.Event]fsm.Guard[Facts]{
		Deliver:     inTime,
		Open:        inTime,
		Defer:       inTime,
		Remind:      inTime,
		Decline:     inTime,
		Pay:         payable,
		Refuse:      inTime,
		Fail:        locked,
		Expire:      timeUp,
		Miss:        timeUp,
		Report:      unacknowledged,
		Acknowledge: unacknowledged,
	}
}

func inTime(f Facts) error {
	if !f.Now.Before(f.Expires) {
		return ErrExpired
	}
	return nil
}

func timeUp(f Facts) error {
	if f.Now.Before(f.Expires) {
		return ErrTooEarly
	}
	return nil
}

func payable(f Facts) error {
	if err := inTime(f); err != nil {
		return err
	}
	return f.Mismatch
}

func locked(f Facts) error {
	if f.TriesLeft > 0 {
		return ErrTries
	}
	return nil
}

func unacknowledged(f Facts) error {
	if f.Acknowledged {
		return ErrClosed
	}
	return nil
}
