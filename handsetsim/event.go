package handsetsim

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
)

// Kind is what happened on a phone.
type Kind string

// The kinds of events, in the order a bill meets them.
const (
	Received     Kind = "received"     // a secured packet was opened; Detail names the message
	Shown        Kind = "shown"        // the client showed a bill by itself (S6)
	ShownAgain   Kind = "shown again"  // a reminder, or the same bill once more
	Confirmed    Kind = "confirmed"    // the person went on to the cards
	Deferred     Kind = "deferred"     // the person will pay later (S16)
	Refused      Kind = "refused"      // the person said no (S11)
	CardPicked   Kind = "card picked"  // Detail says which, masked
	PINTyped     Kind = "PIN typed"    // never what
	Repeated     Kind = "repeated"     // the payment again, for want of a result
	NoAnswer     Kind = "no answer"    // the payment was given up on; the bill is open again
	ResultShown  Kind = "result shown" // Detail is the code and the text
	Expired      Kind = "expired"      // the bill's time ran out on the phone
	SMSReceived  Kind = "SMS received" // a text came in
	Sent         Kind = "sent"         // a message went to the carrier; Detail names it
	Accepted     Kind = "accepted"     // the carrier took all of a message; Detail names it
	SendFailed   Kind = "send failed"  // the carrier did not take a message
	Dropped      Kind = "dropped"      // what arrived was no good; nothing was answered
	Missed       Kind = "missed"       // a message came while the phone was off
	PoweredOff   Kind = "powered off"
	PoweredOn    Kind = "powered on"
	Dialled      Kind = "dialled"    // a USSD code; Detail says which
	ScreenShown  Kind = "USSD shown" // Detail is the text
	Replied      Kind = "replied"    // to a USSD text, never what
	ScreenClosed Kind = "USSD ended" // Detail says why, if not by a last text
	Failed       Kind = "failed"     // the element refused what the person asked for
)

// Event tells an observer what happened. It holds no PIN, no card number and no key.
type Event struct {
	At     time.Time
	Phone  gateway.MSISDN
	Kind   Kind
	Bill   applet.BillRef // zero when it is not about a bill
	Detail string
	Peer   gateway.Address // the other end, of what was sent or received
	Octets int             // of user data on the wire, header included; 0 when nothing crossed it

	// Took is how long the person meant to take over what they did, of the first event
	// that it led to: with it the time of people can be told from that of the system.
	Took time.Duration
}

// Send is a message for the carrier: a secured packet for the platform, a text, or one
// of a USSD session.
type Send struct {
	Name   string          // of the applet message; "SMS" for a text
	USSD   *USSD           // of a USSD session; nil for anything else
	Bill   applet.BillRef  // of a secured packet
	Packet []byte          // secured; nil for a text
	To     gateway.Address // of a text; empty is the platform's number
	Text   string
}

// Effects collects what a phone wants done: messages to send, in order, and events to tell.
type Effects struct {
	Sends  []Send
	Events []Event
}

// Reset empties the effects and keeps their memory.
func (fx *Effects) Reset() {
	clear(fx.Sends)
	clear(fx.Events)
	fx.Sends, fx.Events = fx.Sends[:0], fx.Events[:0]
}
