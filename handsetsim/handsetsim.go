// Package handsetsim is the phone, the payment client in it, and the rules of
// the person who holds it.
//
// A [Phone] has a number, an SMS inbox, perhaps a secure element (S1, S2) with a
// payment client, and perhaps a [Person]. The client keeps a list of bills. A bill
// that arrives activates it (S6): it shows the bill by itself, keeps it in the list
// and answers OPEN Delivered. The person then confirms, picks a card and types the
// PIN (S7), refuses (S11), or puts it off and pays from the list later (S16). A card
// without money leads back to the same bill and to another card (S10).
//
// Everything here is a state machine: it is fed with what arrives, what the
// person wants and the time, and leaves what is to be sent and told in [Effects].
// It starts no goroutine, holds no timer and does no I/O, so that a hundred
// thousand phones fit in a process; [Phone.Next] says when to wake it.
//
// The messages are those of design page wire.md, section 6, inside secured packets
// of ETSI TS 102 225 that only the element can open and make. A packet that the
// element does not accept is dropped in silence and counted. New packet keys are the
// element's affair; the client says KEYED when it has them.
//
// The packages below it:
//
//	se       the secure element: keys, counters, cards, in three forms
//	nvm      what elements keep from one run to the next, in a directory
//	persona  what people do, seeded
//	fleet    thousands of phones on few SMPP connections, and their control over HTTP
//
// Any phone has USSD: a session that its holder dials or the network begins. Who has no
// client pays bills at its menus, and dials what an SMS says to dial.
//
// Left out: a phone's memory of its bills and messages does not outlive the process;
// a phone has one element; calls, and the screen itself.
package handsetsim

import (
	"errors"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Element is what the client needs of a secure element. The client never sees a
// key, a card number or a PIN in clear from it.
type Element interface {
	// Suite is what the element works with: the form of the messages it opens and wraps.
	Suite() scp80.Suite
	// Open takes the payload out of a secured packet for this element. Any error
	// means that nothing may be answered. What it opens as KEYS it has obeyed.
	Open(packet []byte) ([]byte, error)
	// Wrap secures a payload for the platform under the next packet counter.
	Wrap(payload []byte) ([]byte, error)
	// Pay makes the payload of a PAY: the card as it is stored, encrypted (S13), and the PIN block.
	Pay(se.PayRequest) ([]byte, error)
	// Cards lists the bound cards as they may be shown.
	Cards() []se.Card
}

// Person decides what to do about what the screen shows. Both methods are called
// by the phone's owner only, one at a time, and must not block.
type Person interface {
	// Decide says what the person will do about a screen, and after how long.
	Decide(Screen) Decision
	// TypePIN is what the person types when the time has come. The client hands it
	// to the element and keeps nothing of it.
	TypePIN(Screen) applet.PIN
}

// Speller is a Person whose phone may write what it sends in UCS-2 though it need not.
type Speller interface {
	// UCS2 says whether it does.
	UCS2() bool
}

// Sleeper is a Person who leaves the phone off for a while.
type Sleeper interface {
	// Asleep says how long the phone stays off after it missed a message.
	Asleep() time.Duration
}

// Prompt is what the client asks its holder.
type Prompt uint8

// The prompts.
const (
	AskConfirm Prompt = iota + 1 // the bill has shown itself: confirm, refuse or later?
	AskCard                      // confirmed: which card, and its PIN
	AskOther                     // that card was declined: another one?
	AskPIN                       // the PIN was wrong: again?
	AskLater                     // it waits in the list: when?
	AskAgain                     // the payment was not answered: once more?
	AskBill                      // bills wait in a USSD menu: which one?
)

// Screen is what the person sees when asked.
type Screen struct {
	Prompt    Prompt
	Bill      *applet.Bill
	Cards     []se.Card
	Slot      int   // of the card picked last; 0 before the first
	Declined  []int // slots of the cards that were declined for this bill
	WrongPINs int   // typed so far for this bill
	TriesLeft int   // as the platform said; with AskPIN
}

// Act is what a person does.
type Act uint8

// The acts.
const (
	Wait     Act = iota // nothing
	Confirm             // look at the bill and go on to the cards
	Pay                 // with the card in Slot, typing the PIN
	Refuse              // for Reason, saying Text
	Defer               // later, from the list
	PayTwice            // as Pay, and at once with a second payment for the same bill
	PayLate             // as Pay, and so long after the bill's end, whatever the client says of it
	HangUp              // end the USSD session; a client has none
)

// Decision is what a person will do, and when.
type Decision struct {
	After  time.Duration
	Act    Act
	Slot   int
	Reason applet.RefuseReason
	Text   string // with Refuse, why; with Pay, a text to the platform's number besides
}

// The refusals of what a person asks of the client.
var (
	ErrNoElement   = errors.New("the phone has no secure element")
	ErrUnknownBill = errors.New("the phone has no such bill")
	ErrClosed      = errors.New("the bill is closed")
	ErrBusy        = errors.New("a payment is on its way; wait for its result")
	ErrOff         = errors.New("the phone is off")
)

// Settings are what all phones of a fleet share. The zero value is usable.
type Settings struct {
	// AnswerWithin is how long the client waits for the result of a payment before
	// it sends it again; the second wait is twice as long, and so on. 0 is 10 s.
	AnswerWithin time.Duration
	// Repeats is how often a payment without a result is sent again. 0 is 3, negative is never.
	Repeats int
	// KeepClosed is how many closed bills stay in the list. 0 is 8.
	KeepClosed int
	// KeepSMS is how many messages the inbox holds; the oldest goes first. 0 is 32.
	KeepSMS int
}

func (s Settings) withDefaults() Settings {
	if s.AnswerWithin <= 0 {
		s.AnswerWithin = 10 * time.Second
	}
	if s.Repeats == 0 {
		s.Repeats = 3
	}
	s.Repeats = max(s.Repeats, 0)
	if s.KeepClosed <= 0 {
		s.KeepClosed = 8
	}
	if s.KeepSMS <= 0 {
		s.KeepSMS = 32
	}
	return s
}

// NewSettings copies s with its defaults filled in, to be shared by many phones.
func NewSettings(s Settings) *Settings { return new(s.withDefaults()) }

// SMS is a text in the inbox.
type SMS struct {
	From gateway.Address
	Text string
	At   time.Time
}
