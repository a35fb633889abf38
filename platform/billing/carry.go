package billing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/menu"
)

// carried is how a type of inputs or of replies goes from one process to another.
type carried struct {
	write func(v any) ([]byte, error)
	read  func(text []byte) (any, error)
}

// carriers are the inputs of a partition and what it answers, by the names of their
// types. An input that is not here cannot come from a process that does not own the
// partition; engine.Due, which none can send, is left out.
var carriers = map[string]carried{
	nameOf[Claim]():                   plain[Claim](),
	nameOf[Claimed]():                 plain[Claimed](),
	nameOf[Open]():                    plain[Open](),
	nameOf[Submitted]():               plain[Submitted](),
	nameOf[Receipt]():                 plain[Receipt](),
	nameOf[Message]():                 plain[Message](),
	nameOf[Outcome]():                 plain[Outcome](),
	nameOf[Cancel]():                  plain[Cancel](),
	nameOf[Reported]():                plain[Reported](),
	nameOf[ApplySweep]():              plain[ApplySweep](),
	nameOf[Swept]():                   plain[Swept](),
	nameOf[ClaimElement]():            plain[ClaimElement](),
	nameOf[Enrol]():                   plain[Enrol](),
	nameOf[Register]():                plain[Register](),
	nameOf[AddMerchant]():             plain[AddMerchant](),
	nameOf[Contract]():                plain[Contract](),
	nameOf[FindMerchant]():            plain[FindMerchant](),
	nameOf[FindPhone]():               plain[FindPhone](),
	nameOf[Found]():                   plain[Found](),
	nameOf[ChangeKeys]():              plain[ChangeKeys](),
	nameOf[KeepIdentity]():            plain[KeepIdentity](),
	nameOf[ownKeys]():                 plain[ownKeys](),
	nameOf[FindBills]():               plain[FindBills](),
	nameOf[menu.Wallet]():             plain[menu.Wallet](),
	nameOf[Chosen]():                  plain[Chosen](),
	nameOf[Typed]():                   {writeTyped, readTyped},
	nameOf[menu.Result]():             plain[menu.Result](),
	nameOf[platform.Unlock]():         plain[platform.Unlock](),
	nameOf[platform.Release]():        plain[platform.Release](),
	nameOf[platform.Bill]():           plain[platform.Bill](),
	nameOf[Alarms]():                  plain[Alarms](),
	nameOf[Watched]():                 plain[Watched](),
	nameOf[Refund]():                  plain[Refund](),
	nameOf[Refunding]():               plain[Refunding](),
	nameOf[Credit]():                  plain[Credit](),
	nameOf[ledger.Transfer]():         plain[ledger.Transfer](),
	nameOf[Credited]():                plain[Credited](),
	nameOf[Reconciling]():             plain[Reconciling](),
	nameOf[platform.Act]():            plain[platform.Act](),
	nameOf[FindCheckpoint]():          plain[FindCheckpoint](),
	nameOf[Resend]():                  plain[Resend](),
	nameOf[platform.Callback]():       plain[platform.Callback](),
	nameOf[EndpointFailed]():          plain[EndpointFailed](),
	nameOf[EndpointWorks]():           plain[EndpointWorks](),
	nameOf[platform.EnableEndpoint](): plain[platform.EnableEndpoint](),
	nameOf[Tally]():                   plain[Tally](),
	nameOf[Tallied]():                 plain[Tallied](),
	nameOf[RestoreSweep]():            plain[RestoreSweep](),
	nameOf[RedoSweep]():               plain[RedoSweep](),
	nameOf[CorrectSweep]():            plain[CorrectSweep](),
	nameOf[RestoreClaim]():            plain[RestoreClaim](),
	nameOf[Drain]():                   plain[Drain](),
	nameOf[Drained]():                 plain[Drained](),
	nameOf[Settle]():                  plain[Settle](),
	nameOf[platform.Settlement]():     repeatable(func(s *platform.Settlement) *bool { return &s.Repeated }),
	nameOf[BeginAct]():                plain[BeginAct](),
	nameOf[EndAct]():                  plain[EndAct](),
	nameOf[FindTakings]():             plain[FindTakings](),
	nameOf[Takings]():                 plain[Takings](),
	nameOf[Retire]():                  plain[Retire](),
	nameOf[Trim]():                    plain[Trim](),
	nameOf[Checkpoint]():              plain[Checkpoint](),
}

// nameOf is what a type is called on the way.
func nameOf[T any]() string { return reflect.TypeFor[T]().String() }

// plain is a type that is plain data.
func plain[T any]() carried {
	return carried{
		write: writeJSON,
		read: func(text []byte) (any, error) {
			var v T
			err := readJSON(text, &v)
			return v, err
		},
	}
}

func writeJSON(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // goods stay as the shop has written them
	err := e.Encode(v)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// readJSON reads one value and takes nothing for it that it does not know.
func readJSON(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("something follows")
	}
	return nil
}

// typedOpen is a Typed with its PIN, which shows itself to nobody else. It takes the
// place of the masked one.
type typedOpen struct {
	Typed
	PIN string
}

func writeTyped(v any) ([]byte, error) {
	in := v.(Typed)
	return writeJSON(typedOpen{Typed: in, PIN: in.PIN.Reveal()})
}

func readTyped(text []byte) (any, error) {
	var t typedOpen
	if err := readJSON(text, &t); err != nil {
		return nil, errors.New("not readable") // an error could repeat what it has read
	}
	pin, err := applet.ParsePIN(t.PIN)
	if err != nil {
		return nil, err
	}
	t.Typed.PIN = pin
	return t.Typed, nil
}

// asked is a settlement or a refund with what is not kept of it: that it was there already.
type asked struct {
	Value    json.RawMessage
	Repeated bool
}

// repeatable is a type of which it is told whether it was there already.
func repeatable[T any](repeated func(*T) *bool) carried {
	return carried{
		write: func(v any) ([]byte, error) {
			value := v.(T)
			text, err := writeJSON(value)
			if err != nil {
				return nil, err
			}
			return writeJSON(asked{Value: text, Repeated: *repeated(&value)})
		},
		read: func(text []byte) (any, error) {
			var a asked
			var v T
			if err := readJSON(text, &a); err != nil {
				return v, err
			}
			if a.Value != nil {
				if err := readJSON(a.Value, &v); err != nil {
					return v, err
				}
			}
			*repeated(&v) = a.Repeated
			return v, nil
		},
	}
}

// Carry writes an input of a partition, or what it answered, for another process: the
// name of its type and its text. It holds what is secret in clear, as the value does. nil
// has neither.
func Carry(v any) (name string, text []byte, err error) {
	if v == nil {
		return "", nil, nil
	}
	name = reflect.TypeOf(v).String()
	c, ok := carriers[name]
	if !ok {
		return "", nil, fmt.Errorf("billing: a %s cannot be carried to another process", name)
	}
	if text, err = c.write(v); err != nil {
		return "", nil, fmt.Errorf("billing: carry a %s: %w", name, err)
	}
	return name, text, nil
}

// Carried reads what Carry wrote.
func Carried(name string, text []byte) (any, error) {
	if name == "" && len(text) == 0 {
		return nil, nil
	}
	c, ok := carriers[name]
	if !ok {
		return nil, fmt.Errorf("billing: a %q cannot be carried from another process", name)
	}
	v, err := c.read(text)
	if err != nil {
		return nil, fmt.Errorf("billing: read a %s: %w", name, err)
	}
	return v, nil
}
