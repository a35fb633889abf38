package peer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
)

// call is an input on its way to the owner of its partition. One without a name asks
// whether the other can be reached.
type call struct {
	From      string           `json:"from"`   // whose call it is
	To        string           `json:"to"`     // who may take it
	Number    uint64           `json:"number"` // of From's calls; taken once
	Partition engine.Partition `json:"partition"`
	Name      string           `json:"name,omitempty"` // of the input's type
	Input     json.RawMessage  `json:"input,omitempty"`
}

// answer is what became of a call.
type answer struct {
	To      string          `json:"to"`     // whose call it was
	Number  uint64          `json:"number"` // of the call
	Name    string          `json:"name,omitempty"`
	Reply   json.RawMessage `json:"reply,omitempty"`
	Outcome outcome         `json:"outcome,omitempty"`
	Refusal *platform.Error `json:"refusal,omitempty"` // with refused
	Detail  string          `json:"detail,omitempty"`  // with failed
}

// outcome is why a call has no reply; "" is that it has.
type outcome string

const (
	refused     outcome = "refused"     // by the actor
	lookAgain   outcome = "look again"  // billing.ErrLookAgain
	unavailable outcome = "unavailable" // not run: the partition is not here, or not now
	busy        outcome = "busy"        // not run
	unknown     outcome = "unknown"
	failed      outcome = "failed" // another error
)

// answerTo writes what became of a call.
func answerTo(c call, reply any, err error) answer {
	a := answer{To: c.From, Number: c.Number}
	if err == nil {
		a.Name, a.Reply, err = carry(reply)
	}
	refusal, isRefusal := errors.AsType[*platform.Error](err)
	switch {
	case err == nil:
	case isRefusal:
		a.Outcome, a.Refusal = refused, refusal
	case errors.Is(err, billing.ErrLookAgain):
		a.Outcome = lookAgain
	case errors.Is(err, engine.ErrUnknown):
		a.Outcome = unknown
	case errors.Is(err, engine.ErrUnavailable):
		a.Outcome = unavailable
	case errors.Is(err, engine.ErrBusy):
		a.Outcome = busy
	default:
		a.Outcome, a.Detail = failed, err.Error()
	}
	return a
}

// result is what the answer says.
func (a answer) result() (any, error) {
	switch {
	case a.Outcome == "":
		return carried(a.Name, a.Reply)
	case a.Outcome == refused && a.Refusal != nil:
		return nil, a.Refusal
	case a.Outcome == lookAgain:
		return nil, billing.ErrLookAgain
	case a.Outcome == unavailable:
		return nil, engine.ErrUnavailable
	case a.Outcome == busy:
		return nil, engine.ErrBusy
	case a.Outcome == failed:
		return nil, errors.New(a.Detail)
	}
	return nil, engine.ErrUnknown
}

// What is sealed begins with what it is: neither can stand for the other, nor for
// anything else that the vault seals.
const (
	callMark   = "airtill peer call 1\n"
	answerMark = "airtill peer answer 1\n"
)

func seal(v keys.Rest, mark string, message any) ([]byte, error) {
	text, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("write it: %w", err)
	}
	return v.Seal(append([]byte(mark), text...))
}

// errNotOurs says no more: it may be anybody's.
var errNotOurs = errors.New("not sealed by a process of this platform")

func open(v keys.Rest, mark string, sealed []byte, message any) error {
	plain, err := v.Open(sealed)
	if err != nil {
		return errNotOurs
	}
	text, ok := bytes.CutPrefix(plain, []byte(mark))
	if !ok || json.Unmarshal(text, message) != nil {
		return errNotOurs
	}
	return nil
}
