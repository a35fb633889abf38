package fault

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/airtill/airtill/gateway/smpp"
)

// Malformation is a way to spoil a PDU. The zero one leaves it whole.
type Malformation uint8

// The ways to spoil a PDU.
const (
	WrongLength   Malformation = iota + 1 // length: a command_length less than a header's; the stream cannot be followed after it
	LongLength                            // overrun: a command_length that reaches into what comes next
	Truncated                             // truncate: the last half of the body is missing, and command_length agrees
	BrokenTLV                             // tlv: an optional parameter that says it is longer than the PDU
	WrongSequence                         // sequence: a sequence_number that nobody asked with
)

var malformations = [...]string{
	WrongLength: "length", LongLength: "overrun", Truncated: "truncate", BrokenTLV: "tlv", WrongSequence: "sequence",
}

// String is the way's name.
func (m Malformation) String() string {
	if m == 0 || int(m) >= len(malformations) {
		return fmt.Sprintf("malformation %d", uint8(m))
	}
	return malformations[m]
}

// ParseMalformation reads a way by its name.
func ParseMalformation(name string) (Malformation, error) {
	if i := slices.Index(malformations[:], name); i > 0 {
		return Malformation(i), nil
	}
	return 0, fmt.Errorf("effect: malform %q is none; there is %s", name, list(malformations[1:]))
}

func (m Malformation) validate() error {
	_, err := ParseMalformation(m.String())
	return err
}

// Offsets in a header, SMPP 3.4 §3.2.
const (
	lengthAt   = 0
	sequenceAt = 12
)

// Apply returns the octets of a spoilt copy of a whole PDU. One without a body
// cannot be truncated and stays as it is.
func (m Malformation) Apply(pdu []byte) []byte {
	out := slices.Clone(pdu)
	if len(out) < smpp.HeaderLen {
		return out
	}
	switch m {
	case WrongLength:
		setLength(out, smpp.HeaderLen/2)
	case LongLength:
		setLength(out, len(out)+smpp.HeaderLen)
	case Truncated:
		out = out[:smpp.HeaderLen+(len(out)-smpp.HeaderLen)/2]
		setLength(out, len(out))
	case BrokenTLV:
		out = append(out, brokenTLV[:]...)
		setLength(out, len(out))
	case WrongSequence:
		flipSequence(out)
	}
	return out
}

// brokenTLV is a message_state, §5.3.2.35, of 255 octets of which one is there.
var brokenTLV = [...]byte{0x04, 0x27, 0x00, 0xFF, 0x02}

func setLength(pdu []byte, n int) { binary.BigEndian.PutUint32(pdu[lengthAt:], uint32(n)) } //nolint:gosec // a PDU's length is bounded

// flipSequence takes a number a billion away, where no peer has counted to yet.
func flipSequence(pdu []byte) {
	n := binary.BigEndian.Uint32(pdu[sequenceAt:])
	binary.BigEndian.PutUint32(pdu[sequenceAt:], n^0x40000000)
}
