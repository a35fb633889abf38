package scp80

import "errors"

var (
	// ErrRefused is every packet that is not authentic and well-formed. It does not
	// say what was wrong, and nothing may be answered (wire.md 5).
	ErrRefused = errors.New("secured packet refused")
	// ErrCounterLow is an authentic packet that is old: a repeat or an overtaken one.
	ErrCounterLow = errors.New("packet counter not higher than the last")
	// ErrCounterHigh is an authentic packet whose counter skips some, under a profile
	// that takes only the next one.
	ErrCounterHigh = errors.New("packet counter more than one higher than the last")
	// ErrCounterBlocked says that the last counter is used up; new keys are needed.
	ErrCounterBlocked = errors.New("packet counter blocked")
	// ErrUnsupported is a profile that is not built or below the security asked for.
	ErrUnsupported = errors.New("security profile not supported")
	// ErrTooLong is a payload that no packet can carry.
	ErrTooLong = errors.New("payload too long for a secured packet")
	// ErrMalformed is what has not the fields of a secured packet.
	ErrMalformed = errors.New("not a secured packet")
)

// Reason is why a packet was refused, for counters and logs only: it must never
// reach the sender or change how long an answer takes.
type Reason uint8

// The reasons, in the order the checks are made.
const (
	ReasonNone     Reason = iota
	ReasonLength          // CPL or the block size disagrees with what came
	ReasonWeak            // it asks for a redundancy check or single DES
	ReasonHeader          // SPI, KIc, KID, TAR or CHL is not the profile's
	ReasonChecksum        // forged, damaged or under other keys
	ReasonPadding         // authentic but not as TS 102 225 pads
)

// String is the reason in one word.
func (r Reason) String() string {
	switch r {
	case ReasonNone:
		return "none"
	case ReasonLength:
		return "length"
	case ReasonWeak:
		return "weak"
	case ReasonHeader:
		return "header"
	case ReasonChecksum:
		return "checksum"
	case ReasonPadding:
		return "padding"
	}
	return "unknown"
}

// ReasonOf tells why Open refused a packet; ReasonNone for any other error.
func ReasonOf(err error) Reason {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.reason
	}
	return ReasonNone
}

// refusal is ErrRefused with its reason kept out of the text.
type refusal struct{ reason Reason }

func (refusal) Error() string { return ErrRefused.Error() }

func (refusal) Is(target error) bool { return target == ErrRefused }
