// Package tpdu reads and writes the user data of short messages: alphabets, headers,
// concatenation, and the carriage of secured packets.
//
// It follows 3GPP TS 23.040 V17 (user data and its header, §9.2.3.24) and TS 23.038
// V17 (alphabets, data coding), with TS 31.115 for secured packets. The package is
// pure: no sockets, clocks or randomness, only the standard library.
//
// A [Segment] is the user data of one short message as SMPP carries it: the
// characters of the GSM alphabet are not packed but one an octet. [SplitText] and
// [SplitOctets] make segments, [Segment.Divide] does so in each manner that SMPP has, a
// [Reassembler] joins what arrives. [ToSIM], [FromSIM] and [ByPort] carry a secured
// packet, [ReadSecured] recognises one.
//
// Left out: the fields of SMS-SUBMIT and SMS-DELIVER other than user data, compression,
// enhanced-message elements (kept as octets), and responses of a card that come without
// a header indication (TS 31.115 §4.3).
package tpdu

import (
	"errors"
	"fmt"
)

// Sizes of the user data of one short message (TS 23.040 §9.2.3.24).
const (
	MaxOctets  = 140
	MaxSeptets = 160
)

// ErrTooLong says that user data does not fit one short message.
var ErrTooLong = errors.New("user data does not fit one short message")

// Segment is the user data of one short message, with the two fields that tell how
// to read it.
type Segment struct {
	Protocol uint8  // TP-PID, protocol_id in SMPP (TS 23.040 §9.2.3.9)
	Coding   uint8  // TP-DCS, data_coding in SMPP (TS 23.038 §4)
	Header   Header // empty: the message has none, and no header indication
	Payload  []byte // what follows the header
}

// Alphabet is what the payload is written in.
func (s Segment) Alphabet() Alphabet { return AlphabetOf(s.Coding) }

// Indication is TP-UDHI: whether the user data begins with a header. In SMPP it is
// bit 6 of esm_class.
func (s Segment) Indication() bool { return len(s.Header) > 0 }

// Size is how many octets the user data takes on the air, at most MaxOctets if it
// fits: the header, and the payload with septets packed behind its fill bits.
func (s Segment) Size() int { return onAir(s.Header.Size(), len(s.Payload), s.Alphabet()) }

// onAir is the size of a header and n units of payload.
func onAir(header, n int, a Alphabet) int {
	if a != GSM7 {
		return header + n
	}
	return ((headerSeptets(header)+n)*7 + 7) / 8
}

// headerSeptets is how many septets a header takes, fill bits included.
func headerSeptets(header int) int { return (header*8 + 6) / 7 }

// Room is how many octets of payload fit behind a header of so many octets, its
// length octet included: septets, one an octet, in the GSM alphabet. It is never
// negative, and even for UCS2.
func Room(header int, a Alphabet) int {
	free := max(MaxOctets-header, 0)
	switch a {
	case GSM7:
		return free * 8 / 7
	case UCS2:
		return free &^ 1
	case Latin1, Octets:
		return free
	default:
		return free
	}
}

// UserData is the header and the payload together, as SMPP's short_message has them.
// It fails with ErrTooLong unless they fit one short message.
func (s Segment) UserData() ([]byte, error) {
	if size := s.Size(); size > MaxOctets {
		return nil, fmt.Errorf("%w: %d octets, %d fit", ErrTooLong, size, MaxOctets)
	}
	return s.userData()
}

// userData is UserData of any length.
func (s Segment) userData() ([]byte, error) {
	ud := make([]byte, 0, s.Header.Size()+len(s.Payload))
	ud, err := s.Header.Append(ud)
	if err != nil {
		return nil, err
	}
	return append(ud, s.Payload...), nil
}

// ParseSegment reads user data as SMPP carries it. The segment shares ud's octets.
// A header that is broken is an error, never taken for text.
func ParseSegment(protocol, coding uint8, indication bool, ud []byte) (Segment, error) {
	s, err := ParseMessage(protocol, coding, indication, ud)
	if err != nil {
		return Segment{}, err
	}
	if size := s.Size(); size > MaxOctets {
		return Segment{}, fmt.Errorf("%w: %d octets, %d fit", ErrTooLong, size, MaxOctets)
	}
	return s, nil
}

// ParseMessage reads user data that may be longer than one short message, as SMPP's
// message_payload has it (SMPP 3.4 §5.3.2.32); Split makes segments of it that fit.
func ParseMessage(protocol, coding uint8, indication bool, ud []byte) (Segment, error) {
	s := Segment{Protocol: protocol, Coding: coding, Payload: ud}
	if indication {
		var err error
		if s.Header, s.Payload, err = ParseHeader(ud); err != nil {
			return Segment{}, err
		}
	}
	return s, nil
}

// Text reads the payload as text, septets with the tables that the header announces.
// It answers what can be read, with U+FFFD for what cannot, and an error if there was
// any of that.
func (s Segment) Text() (string, error) {
	if a := s.Alphabet(); a != GSM7 {
		return Decode(s.Payload, a)
	}
	return DecodeGSM7(s.Payload, s.Header.Shift())
}
