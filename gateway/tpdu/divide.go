package tpdu

import "fmt"

// Manner is how a message that one segment does not take travels.
type Manner uint8

// The manners. SMPP 3.4 has the last two beside the headers of TS 23.040.
const (
	ByHeader8  Manner = iota // in parts, their place in a header with an 8-bit reference
	ByHeader16               // in parts, their place in a header with a 16-bit reference
	BySAR                    // in parts, their place in sar_ parameters (SMPP 3.4 §5.3.2.22)
	ByPayload                // whole, in message_payload (SMPP 3.4 §5.3.2.32)
)

func (m Manner) String() string {
	switch m {
	case ByHeader8:
		return "udh8"
	case ByHeader16:
		return "udh16"
	case BySAR:
		return "sar"
	case ByPayload:
		return "payload"
	default:
		return fmt.Sprintf("manner %d", uint8(m))
	}
}

// ParseManner reads a manner's word: udh8, udh16, sar or payload.
func ParseManner(word string) (Manner, error) {
	for m := ByHeader8; m <= ByPayload; m++ {
		if m.String() == word {
			return m, nil
		}
	}
	return 0, fmt.Errorf("manner of splitting %q: it is udh8, udh16, sar or payload", word)
}

// MaxPayload is the most octets that a message_payload has (SMPP 3.4 §3.2.4).
const MaxPayload = 65535

// Part is what one PDU of SMPP carries of a message.
type Part struct {
	Segment
	SAR  *Concat // its place, for the sar_ parameters; nil: there are none
	Long bool    // the user data is longer than a segment, and goes into message_payload
}

// UserData is the header and the payload together, for short_message, or for
// message_payload where the part says so. It fails with ErrTooLong unless they fit.
func (p Part) UserData() ([]byte, error) {
	if !p.Long {
		return p.Segment.UserData()
	}
	if size := p.Header.Size() + len(p.Payload); size > MaxPayload {
		return nil, fmt.Errorf("%w: %d octets, message_payload has %d", ErrTooLong, size, MaxPayload)
	}
	return p.userData()
}

// Divide puts a message into parts in the manner asked for, one where that is
// enough. The number tells messages apart, an 8-bit reference having its low 8 bits.
// Parts that go by sar_ parameters are as long as with a 16-bit reference, so that an
// SMSC can put one into their header.
func (s Segment) Divide(how Manner, number uint16) ([]Part, error) {
	switch how {
	case ByHeader8:
		return s.byHeader(Reference{Number: number & 0xFF})
	case ByHeader16:
		return s.byHeader(Reference{Number: number, Wide: true})
	case BySAR:
		return s.bySAR(Reference{Number: number, Wide: true})
	case ByPayload:
		return s.byPayload()
	}
	return nil, fmt.Errorf("divide: %s", how)
}

func (s Segment) byHeader(ref Reference) ([]Part, error) {
	segments, err := s.Split(ref)
	parts := make([]Part, len(segments))
	for i := range segments {
		parts[i].Segment = segments[i]
	}
	return parts, err
}

// bySAR splits as with a header, and takes the places out of it.
func (s Segment) bySAR(ref Reference) ([]Part, error) {
	parts, err := s.byHeader(ref)
	for i := range parts {
		if place, several := parts[i].Header.Concat(); several {
			parts[i].SAR, parts[i].Header = &place, parts[i].Header.withoutConcat()
		}
	}
	return parts, err
}

func (s Segment) byPayload() ([]Part, error) {
	whole := Part{Segment: s, Long: s.Size() > MaxOctets}
	if _, err := whole.UserData(); err != nil {
		return nil, fmt.Errorf("divide: %w", err)
	}
	return []Part{whole}, nil
}
