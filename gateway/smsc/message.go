package smsc

import (
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// kind says what a message is to the server.
type kind uint8

const (
	plain        kind = iota // submitted
	receipt                  // of a final state
	notification             // that a message is put off, SMPP 3.4 §5.2.12
	direct                   // handed over once, by who wants to know: Server.Deliver
)

// place says where a message is.
type place uint8

const (
	nowhere   place = iota // accepted, not put yet
	scheduled              // waits for its time
	waiting                // in a mailbox
	crossing               // on the air
	flying                 // a deliver_sm that is not answered
	over                   // in a final state
)

// message is a short message, or a receipt, that the server has to deliver.
type message struct {
	sm       *smpp.SubmitSM // as it will be delivered
	serial   uint64         // its own
	named    uint64         // what its id is made of: of a submit_multi's the first one's
	naming   naming
	kind     kind
	from, to *account   // of a receipt, from is empty
	origin   *session   // the session that submitted it, or what this is the receipt of
	group    []*message // all of a submit_multi's, for the first of them
	reply    *reply     // an answer that waits for what becomes of it
	done     func(smpp.Status)

	asked    uint8 // registered_delivery
	once     bool  // it is tried once and kept nowhere: a datagram or a transaction
	replaces bool  // replace_if_present
	alert    bool  // set_dpf: the sender wants to know when the phone is back
	accepted time.Time

	// Guarded by the mutex of the account it is for.
	order    uint64    // rising: mailboxes keep it
	deliver  time.Time // not before; zero is at once
	expires  time.Time
	place    place
	box      *mailbox
	wait     *timer // while scheduled or crossing
	state    gateway.MessageState
	ended    time.Time   // when the state became final
	unkept   atomic.Bool // the final state is not in the durable store yet, and nobody may be told
	attempts int
	tries    []Attempt
	first    [1]Attempt    // room for most messages' tries
	last     smpp.Status   // what the receiver answered last
	cause    radio.Cause   // what the last attempt failed of
	crossed  bool          // it is over the air
	twice    bool          // it will arrive twice
	late     time.Duration // it may be overtaken for so long
	noted    bool          // its sender was told that it is put off
	reminded bool          // its sender will be told when the phone is back
	struck   bool          // the faults of receipts have had their say
}

// Attempt is one try to deliver a message.
type Attempt struct {
	At     time.Time
	Status smpp.Status // what the receiver answered
	Cause  radio.Cause // why it failed, radio.Through if it did not
	Next   time.Time   // when it will be tried again at the latest; zero is never
}

// mostTries bounds the attempts that are remembered: the first, and the last ones.
const mostTries = 64

// tried notes an attempt.
func (m *message) tried(a Attempt) {
	if m.tries == nil {
		m.tries = m.first[:0]
	}
	if len(m.tries) == mostTries {
		m.tries = append(m.tries[:1], m.tries[2:]...)
	}
	m.tries = append(m.tries, a)
}

// id is the message's, as its sender got it.
func (m *message) id() gateway.MessageID { return m.naming.answer(m.named) }

// known is the state that may be told, and since when it is final: until an end is kept
// it may be another after a crash.
func (m *message) known() (state gateway.MessageState, ended time.Time) {
	if m.unkept.Load() {
		return gateway.Enroute, time.Time{}
	}
	return m.state, m.ended
}

// kept says whether a message outlasts the server, where it has a durable store.
func (m *message) kept() bool { return !m.once && m.kind != direct }

// noun is the message as the rest of the carrier speaks of it.
func (m *message) noun() *gateway.Message {
	return &gateway.Message{
		ID: m.id(), Source: gateway.Address(m.sm.Source.Digits), Destination: gateway.Address(m.sm.Destination.Digits),
		ESMClass: m.sm.ESMClass, ProtocolID: m.sm.ProtocolID, DataCoding: m.sm.DataCoding,
		UserData: m.sm.UserData(), Accepted: m.accepted, Expires: m.expires,
	}
}
