// Package ussd holds USSD sessions: one at a time for each handset, dialled by its
// user or begun by an application, between an SMPP 3.4 bind or an HTTP application
// on one side and a handset on the other.
//
// The standards are SMPP 3.4 issue 1.2 (service_type §5.2.11, its_session_info
// §5.3.2.43, ussd_service_op §5.3.2.44), 3GPP TS 22.090 (the service), TS 22.030
// (what may be dialled) and TS 23.038 (alphabets). What SMPP leaves open, and
// deployed gateways do differently, is a [Dialect], chosen for each account.
//
// [Session] has the rules, purely: what is legal when, and until when. [Dialect] has
// the octets, purely. [Switch] holds the open sessions, finds the application of a
// dialled code and says what to send to whom. [Switch.Dial] and [Switch.Push] do by
// program what handsets and applications do over SMPP.
//
// # The side of the handset
//
// A fleet of handsets binds as one account that owns their numbers, and speaks the
// dialect [Spec]: every message has service_type `USSD`, one octet of ussd_service_op
// and two of its_session_info (the session's number in the first; in the second the
// dialogue number in bits 7-1, which nobody needs to read, and the end flag in bit 0).
// Up is a submit_sm of the fleet, its source the handset's number and its destination
// the code; down is a deliver_sm to it, with the two the other way round.
//
//	op    way   what
//	1     up    dials. The destination is what was dialled (`*120#`), or the short_message
//	            is, if it is longer than 20 characters or the handset likes it so. The
//	            session number is the handset's choice, 1 to 255; with 0 or none the
//	            gateway chooses.
//	0     up    dials, from a handset of phase 1: it can only be told a last text (op 16).
//	2     down  asks: shows a text and wants an answer
//	3     down  notifies: shows a text and wants it confirmed
//	17    down  the last text, the end flag set; an empty one closes without a word. 16
//	            after an op 0.
//	18    up    answers op 2
//	19    up    confirms op 3; it has no text
//	129   up    the user gives up, the end flag set. Any up with the end flag set means it.
//
// Op 2 or 3 with a session number that the handset does not know begins a session from
// the network. Every message of a session has its number; an up with 0 or without
// its_session_info means the session that is open. The submit_sm_resp tells whether
// an up was taken: [smpp.ROK], or one of [Statuses]; and if it was not, the handset
// should close its screen. A down that the handset cannot show is refused in its
// deliver_sm_resp, with any status: that ends the session. What the gateway sends down
// in answer to an up may overtake the response to it.
//
// # Collisions
//
// A handset has one session. Who dials while one is open wins: it ends as a collision
// and its application is told (op 129 or the end flag), for a real handset dials only
// if it has lost the session. An application that pushes while one is open loses: its
// submit_sm is refused with ESME_RMSGQFUL, which says try later.
//
// # The end
//
// Sessions are real time: they end with the process, and nothing of them is stored.
// Left out: PSSD beyond one text, MAP error codes, compressed or 8-bit text, the
// language prefix of TS 23.038 §5, and a screen that scrolls through longer texts.
package ussd

import (
	"fmt"
	"time"
)

// ServiceType is the service_type of every USSD message, SMPP 3.4 §5.2.11.
const ServiceType = "USSD"

// Kind says what a message does in a session.
type Kind uint8

// The kinds of message. Ask, Notify and End go down to the handset; Dial, Answer, Ack
// and Abort go up to the application.
const (
	Dial   Kind = iota + 1 // the user dialled a code
	Ask                    // a text that wants an answer
	Notify                 // a text that wants to be confirmed
	End                    // the last text, empty to close without one
	Answer                 // what the user typed
	Ack                    // a Notify was shown
	Abort                  // no more will come up: the user gave up, or the network did
)

var kindNames = [...]string{Dial: "dial", Ask: "ask", Notify: "notify", End: "end", Answer: "answer", Ack: "ack", Abort: "abort"}

func (k Kind) String() string { return name(kindNames[:], int(k), "kind") }

// MarshalText writes a kind as its name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Up says whether the kind goes from the handset to the application.
func (k Kind) Up() bool { return k == Dial || k == Answer || k == Ack || k == Abort }

// Message is one step of a session, in whatever dialect it is written.
type Message struct {
	Kind  Kind
	Phone string // the handset's number
	Code  string // the application's address: what was dialled, or who pushes
	Text  string
	// ID is the session's number, zero for none. Spec has 8 bits of it, FlagEnds and
	// LongID 15, Reference 16, NoID none.
	ID uint16
	// Dialogue is Spec's dialogue number, 7 bits: how many messages went this way before.
	Dialogue uint8
	// Phase1 is a Dial of a handset that can be told only one text, and that End (PSSD).
	Phase1 bool
	// Pushes is an End that, with no session open, is a text to begin one with.
	Pushes bool
	// Reason says of an Abort who gave up: "user-abort", "user-timeout", ...
	Reason string
}

// Result is how a session ended. The zero Result has not.
type Result uint8

// How sessions end.
const (
	Completed          Result = iota + 1 // the application had its last word
	UserAbort                            // the user gave up
	UserTimeout                          // the user took too long
	ApplicationTimeout                   // the application took too long
	ApplicationError                     // the application is not there, refused, or spoke nonsense
	Collision                            // the user dialled anew
	NetworkError                         // the handset could not be reached, or the gateway stopped
)

var resultNames = [...]string{
	"open", Completed: "completed", UserAbort: "user-abort", UserTimeout: "user-timeout",
	ApplicationTimeout: "application-timeout", ApplicationError: "application-error",
	Collision: "collision", NetworkError: "network-error",
}

func (r Result) String() string { return name(resultNames[:], int(r), "result") }

// MarshalText writes a result as its name.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a result's name.
func (r *Result) UnmarshalText(text []byte) error {
	for i, n := range resultNames {
		if n == string(text) {
			*r = Result(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a result of a session, such as completed or user-abort", text)
}

func name(names []string, i int, what string) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, i)
}

// Timeouts is how long sessions may take. A zero time is the standard one.
type Timeouts struct {
	User        time.Duration // to answer or confirm; 60 s
	Application time.Duration // to say what comes next; 15 s
	Session     time.Duration // in all; 10 min
}

const (
	defaultUser        = 60 * time.Second
	defaultApplication = 15 * time.Second
	defaultSession     = 10 * time.Minute
)

func (t Timeouts) withDefaults() Timeouts {
	setDefault(&t.User, defaultUser)
	setDefault(&t.Application, defaultApplication)
	setDefault(&t.Session, defaultSession)
	return t
}

func setDefault[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}
