// Package smsc is a short message service centre: an SMPP 3.4 server that takes
// messages, keeps them while who they are for is away, and says what became of them.
//
// Applications and handset fleets are alike here: accounts that bind. An account
// owns the numbers of its address range; a submit_sm goes to the account that owns
// its destination, whoever sent it, and arrives there as a deliver_sm. So a
// phone's message is a submit_sm from the fleet's bind, and a message to a phone is
// a deliver_sm to it.
//
// The order of messages to one number is kept. To a subscriber's number one
// message goes at a time; to an application's number as many as the account's
// window holds, and only a refused message can then come after a later one. A
// message is tried again by the retry ladder of what kept it (absent, busy, full, or
// another error), at once when its account binds, the phone returns or the
// subscriber sends something, and until its validity is over. Any other refusal is final.
//
// A receiver that does not answer, or whose session ends first, gets the message
// again: delivery is at least once. Datagrams and transactions are tried once, and
// kept nowhere; a transaction is answered with what became of it.
//
// The standard is SMPP 3.4, issue 1.2.
package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// Event is a gateway.Event with who is at the two ends. A receipt's message is the
// receipt as it was delivered, under the id of the message it is about.
type Event struct {
	gateway.Event
	From    string      // system_id of who sent the message; empty for receipts
	To      string      // system_id of who owns the destination
	Status  smpp.Status // what the receiver answered, where that is why
	Attempt int         // how often it was tried
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// nudge wakes a channel's receiver, unless it is awake already.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
