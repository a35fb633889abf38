package radio

import (
	"fmt"
	"strings"
)

// Cause says what became of a message: Through, or why it did not arrive.
type Cause uint8

// The causes.
const (
	Through    Cause = iota // it arrived
	Absent                  // the phone is off or out of coverage
	Busy                    // the phone is taking another message
	MemoryFull              // the phone's memory is full
	Lost                    // nobody answered: it may be sent again
	Failed                  // the network failed
)

// causes has what is said of each: our word, the MAP error of mt-ForwardSM (3GPP TS
// 29.002 §12.9, memory full being a cause of its SM-DeliveryFailure, §17.7.6) and its
// local value (§17.6). Lost has none: the operation times out.
//
//nolint:gochecknoglobals // a table
var causes = [...]struct {
	name, mapError string
	code           uint16
}{
	Through:    {"through", "", 0},
	Absent:     {"absent", "AbsentSubscriberSM", 6},
	Busy:       {"busy", "SubscriberBusyForMT-SMS", 31},
	MemoryFull: {"memory full", "MemoryCapacityExceeded", 32},
	Lost:       {"lost", "", 0},
	Failed:     {"failed", "SystemFailure", 34},
}

// String is a cause in words.
func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c].name
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// MAPError is what 3GPP TS 29.002 calls a cause, empty for Through and Lost.
func (c Cause) MAPError() string {
	if int(c) < len(causes) {
		return causes[c].mapError
	}
	return ""
}

// Code is a cause's MAP error code, as a receipt's err and the last two octets of
// its network_error_code carry it (SMPP 3.4 §5.3.2.31, network type 3, GSM). It is
// zero, for none, where MAPError is empty.
func (c Cause) Code() uint16 {
	if int(c) < len(causes) {
		return causes[c].code
	}
	return 0
}

// MarshalText writes a cause in words.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (c *Cause) UnmarshalText(text []byte) error {
	names := make([]string, len(causes))
	for i := range causes {
		if names[i] = causes[i].name; names[i] == string(text) {
			*c = Cause(i)
			return nil
		}
	}
	return fmt.Errorf("radio: no cause %q; give %s", text, strings.Join(names, ", "))
}
