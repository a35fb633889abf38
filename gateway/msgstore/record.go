package msgstore

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// Kind says what a record is.
type Kind uint8

// The kinds of record.
const (
	Message Kind = iota // what an account submitted
	Receipt             // a receipt or an intermediate notification that waits for an account
)

// Record is one message or receipt, and how far it has come. Times are kept to the
// millisecond; zero is none.
type Record struct {
	// Key names the record in the store: a message's id, made longer where an id has
	// several records (each destination of a submit_multi, its receipt).
	Key     string
	Kind    Kind
	ID      gateway.MessageID // of a receipt: of the message that it is about
	Account string            // system_id of who submitted it; of a receipt, who gets it
	OldPeer bool              // the account's session was below 3.4
	Order   uint64            // rising as messages are accepted: the order they are delivered in

	Accepted  time.Time
	NotBefore time.Time // scheduled for
	Expires   time.Time
	State     gateway.MessageState
	Done      time.Time // when the state became final
	Tries     int       // how often delivery was tried
	Next      time.Time // when it will be tried again
	Attempts  []Attempt // the last ones, the oldest first

	PDU smpp.Body // as it was submitted; of a receipt, as it will be delivered
}

// Attempt is one try at delivery that came to nothing, or the one that did.
type Attempt struct {
	At     time.Time
	Status smpp.Status // what the receiver answered
	Cause  string      // why, in a word; empty is the status alone
}
