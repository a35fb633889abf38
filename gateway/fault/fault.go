// Package fault is what goes wrong in the message centre itself: refusals, late
// and lost answers, dropped sessions, throttling, malformed PDUs, and receipts that
// come late, twice, out of order or not at all. The air has its own package, radio.
//
// Nothing goes wrong unless asked for. A [Fault] is asked for by name, with how
// probable it is, whose account it strikes, how often and how long, and may be set
// and taken off while the server runs:
//
//	submit_sm=ESME_RTHROTTLED@10% for=30s count=5 account=kannel
//
// The package decides and does nothing: the server asks [Faults.Decide] about each
// request and [Faults.DecideReceipt] about each receipt, and acts on the answer.
// Every fault has a generator for each account and operation it meets, seeded from
// the one seed and these names, and draws the same number of values whether it
// strikes or not. So a run replays from its seed, and a fault more or less, or a
// message more of another account, changes nothing for the others.
//
// Names of operations and statuses are those of SMPP 3.4, issue 1.2, §5.1.2.1 and
// §5.1.3. Left out: faults of requests that the server makes (deliver_sm other than
// receipts), for their loss is the radio's.
package fault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// Operation is what a fault strikes: a request by its name in SMPP 3.4 §5.1.2.1, or
// one of the names below.
type Operation string

// Operations that are not one request.
const (
	Any     Operation = "any"     // every request
	Bind    Operation = "bind"    // bind_receiver, bind_transmitter and bind_transceiver
	Receipt Operation = "receipt" // a delivery receipt on its way to who asked for it
)

// Fault is one thing that goes wrong.
type Fault struct {
	Operation Operation
	Effect    Effect
	Chance    float64       // how probably it strikes, to 1; zero is 1
	Account   string        // the system_id it strikes; empty is all
	Number    string        // the phone it strikes: where a message goes, or what a receipt is of; empty is all
	Every     int           // it strikes the first of so many that it meets, and spares the others; zero is each
	Count     int           // how often it strikes; zero is without end
	For       time.Duration // how long from when it is set; zero is without end
	Until     time.Time     // when it ends, instead of For; zero is never
}

// Action is what to do with one request. The zero Action is to answer as always.
//
// A request with a Status is not performed, and answered with it. Any other is
// performed, whatever becomes of its answer: the sender of a lost answer is in doubt.
type Action struct {
	Status  smpp.Status   // ROK is to perform the request
	Delay   time.Duration // wait before the answer; other requests go on
	Lose    bool          // do not answer
	Drop    bool          // close the session, after the answer unless it is lost
	Malform Malformation  // what to make of the answer's octets
}

// ReceiptAction is what to do with one receipt. The zero one is to send it as always.
type ReceiptAction struct {
	Lose  bool          // never send it
	Twice bool          // send it once more
	Delay time.Duration // wait before it is sent; later ones may overtake it
}

// systemIDMost is the most octets of a system_id, §5.2.1, without its NUL.
const systemIDMost = 15

// addressMost is the most octets of an address, §5.2.8, without its NUL.
const addressMost = 20

// Validate says which field of a fault is wrong, and what it may be.
func (f Fault) Validate() error {
	switch {
	case !slices.Contains(Operations(), f.Operation):
		return fmt.Errorf("operation: %q is none; there is %s", f.Operation, list(Operations()))
	case !(f.Chance >= 0 && f.Chance <= 1): // so that NaN is out
		return fmt.Errorf("chance: %v is not more than 0 and at most 1 (100%%)", f.Chance)
	case len(f.Account) > systemIDMost || !printable(f.Account):
		return fmt.Errorf("account: a system_id has at most %d octets, and no space here", systemIDMost)
	case len(f.Number) > addressMost || strings.Trim(f.Number, "0123456789") != "":
		return fmt.Errorf("number: %q is no phone's: up to %d digits, without a +", f.Number, addressMost)
	case f.Every < 0:
		return fmt.Errorf("every: %d is less than 0", f.Every)
	case f.Count < 0:
		return fmt.Errorf("count: %d is less than 0", f.Count)
	case f.For < 0:
		return fmt.Errorf("for: %v is less than 0", f.For)
	case f.For > 0 && !f.Until.IsZero():
		return fmt.Errorf("until: only one of for and until can be given")
	}
	return f.Effect.validate(f.Operation)
}

// printable says whether a text is ASCII without spaces and control characters.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7F })
}

// requests are the operations of SMPP 3.4 §5.1.2.1 that an ESME may ask for.
var requests = map[smpp.CommandID]Operation{
	smpp.IDBindReceiver:    "bind_receiver",
	smpp.IDBindTransmitter: "bind_transmitter",
	smpp.IDQuerySM:         "query_sm",
	smpp.IDSubmitSM:        "submit_sm",
	smpp.IDUnbind:          "unbind",
	smpp.IDReplaceSM:       "replace_sm",
	smpp.IDCancelSM:        "cancel_sm",
	smpp.IDBindTransceiver: "bind_transceiver",
	smpp.IDEnquireLink:     "enquire_link",
	smpp.IDSubmitMulti:     "submit_multi",
	smpp.IDDataSM:          "data_sm",
}

// receiptID stands for receipts where a command_id is wanted; it is no command's.
const receiptID smpp.CommandID = 0

// Operations lists what a fault may strike.
func Operations() []Operation {
	return append([]Operation{Any, Bind, Receipt}, slices.Sorted(maps.Values(requests))...)
}

// covers says whether a fault of the operation strikes a command.
func (o Operation) covers(id smpp.CommandID) bool {
	switch o {
	case Receipt:
		return id == receiptID
	case Any:
		return id != receiptID
	case Bind:
		return id == smpp.IDBindReceiver || id == smpp.IDBindTransmitter || id == smpp.IDBindTransceiver
	}
	return requests[id] == o
}

// list writes names for an error.
func list[T ~string](names []T) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, ", ")
}
