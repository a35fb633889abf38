// Package gateway holds the nouns of the carrier: subscribers, their numbers, and
// short messages on their way. It does not know what a bill is.
//
// The packages below it:
//
//	tpdu         user data of short messages, alphabets, concatenation   (contract)
//	smpp         SMPP 3.4 PDUs                                           (contract)
//	esme         the client that applications and handsets bind with     (contract)
//	smsc         the server: routing, store-and-forward, receipts
//	msgstore     what the server keeps beyond its own memory
//	radio        what lies between the server and phones
//	fault        what goes wrong in the server itself
//	ussd         USSD sessions, and the call-out to applications
//	trace        every PDU, as a capture file
//	management   the HTTP face for people and scripts
//
// Numbers follow ITU-T E.164, message states SMPP 3.4 §5.2.28. IMSI and ICCID
// are not modelled yet: a subscriber is its MSISDN. This package imports the
// standard library only and does no I/O.
package gateway

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// MSISDN is a subscriber's number in international form, digits only: 8613800000001.
// The zero MSISDN is no number. Use [ParseMSISDN] for text from outside.
type MSISDN string

// ErrMSISDN says that a text is not a subscriber's number.
var ErrMSISDN = errors.New("not an international phone number: 7 to 15 digits, the first not 0")

// Digits of an E.164 number (§6.2.1: at most 15); the lower bound keeps short codes out.
const (
	minDigits = 7
	maxDigits = 15
)

// ParseMSISDN reads an international number, with or without a leading plus sign.
func ParseMSISDN(s string) (MSISDN, error) {
	digits := strings.TrimPrefix(s, "+")
	if len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' || !isDigits(digits) {
		return "", ErrMSISDN
	}
	return MSISDN(digits), nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// String is the number's digits, without a plus sign.
func (m MSISDN) String() string { return string(m) }

// Masked is the number with its first 3 and last 4 digits only: 861*****0001. The
// asterisks are always five; of a short number no more than 2 digits show.
func (m MSISDN) Masked() string {
	const head, tail, shortTail, long = 3, 4, 2, 10
	switch n := len(m); {
	case n >= long:
		return string(m[:head]) + mask + string(m[n-tail:])
	case n >= minDigits:
		return mask + string(m[n-shortTail:])
	default:
		return mask
	}
}

const mask = "*****"

// Address is where a message comes from or goes to: a subscriber's digits, or the
// short code of an application, such as 10658.
type Address string

// Subscriber is someone with a number and a phone.
type Subscriber struct {
	MSISDN MSISDN
}

// Address is the subscriber's number as messages carry it.
func (s Subscriber) Address() Address { return Address(s.MSISDN) }

// MessageID is what the carrier named a message when it took it. It is opaque: at
// most 64 octets (SMPP 3.4 §5.2.23), compared octet by octet.
type MessageID string

// MessageState is where a message is (SMPP 3.4 §5.2.28). The zero state is none.
type MessageState uint8

// The states of SMPP 3.4 §5.2.28. All but Enroute and Accepted are final.
const (
	Enroute MessageState = iota + 1
	Delivered
	Expired
	Deleted
	Undeliverable
	Accepted
	Unknown
	Rejected
)

// Final tells whether a message in this state stays in it.
func (s MessageState) Final() bool {
	switch s {
	case Delivered, Expired, Deleted, Undeliverable, Unknown, Rejected:
		return true
	case Enroute, Accepted:
		return false
	default:
		return false
	}
}

// String is the word a delivery receipt has for the state (SMPP 3.4 appendix B, table B-2).
func (s MessageState) String() string {
	switch s {
	case Enroute:
		return "ENROUTE"
	case Delivered:
		return "DELIVRD"
	case Expired:
		return "EXPIRED"
	case Deleted:
		return "DELETED"
	case Undeliverable:
		return "UNDELIV"
	case Accepted:
		return "ACCEPTD"
	case Unknown:
		return "UNKNOWN"
	case Rejected:
		return "REJECTD"
	default:
		return fmt.Sprintf("STATE%d", uint8(s))
	}
}

// ErrState says that a word is not a message state.
var ErrState = errors.New("not a message state")

// ParseMessageState reads a state as a receipt's stat field writes it, in either case.
func ParseMessageState(word string) (MessageState, error) {
	for s := Enroute; s <= Rejected; s++ {
		if strings.EqualFold(word, s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q: %w", word, ErrState)
}

// Message is one short message as the carrier holds it. The octets are the
// sender's; nothing here looks into them.
type Message struct {
	ID          MessageID
	Source      Address
	Destination Address
	ESMClass    uint8 // SMPP 3.4 §5.2.12
	ProtocolID  uint8 // TS 23.040 §9.2.3.9
	DataCoding  uint8 // TS 23.038 §4
	UserData    []byte
	Accepted    time.Time
	Expires     time.Time
}

// EventKind says what happened to a message.
type EventKind uint8

// What an observer is told.
const (
	MessageAccepted  EventKind = iota + 1 // taken from the sender, named and kept
	MessageDelivered                      // the receiver took it
	MessageFailed                         // it reached another final state
	MessageDeferred                       // the receiver is away or busy; it will be tried again
	ReceiptSent                           // its sender took the receipt
)

func (k EventKind) String() string {
	switch k {
	case MessageAccepted:
		return "accepted"
	case MessageDelivered:
		return "delivered"
	case MessageFailed:
		return "failed"
	case MessageDeferred:
		return "deferred"
	case ReceiptSent:
		return "receipt sent"
	default:
		return fmt.Sprintf("event %d", uint8(k))
	}
}

// Event is one thing that happened to a message. The message is shared: an
// observer must not change it.
type Event struct {
	Kind    EventKind
	At      time.Time
	State   MessageState // after the event
	Message *Message
}

// Observer is told what happens in the carrier, in order for one destination. It
// is called on the carrier's own goroutines: it must be quick, must not block, and
// must be safe for concurrent use. The nil Observer is none.
type Observer func(Event)
