package tpdu

import "fmt"

// Pack puts septets, one an octet, into octets without gaps: the first one in the
// low bits (TS 23.038 §6.1.2.1). So many fill bits, 0 to 6, come before it.
func Pack(septets []byte, fill int) []byte {
	packed := make([]byte, (fill+7*len(septets)+7)/8)
	for i, s := range septets {
		bit := fill + 7*i
		shifted := uint16(s&0x7F) << (bit % 8)
		packed[bit/8] |= byte(shifted)
		if high := byte(shifted >> 8); high != 0 {
			packed[bit/8+1] |= high
		}
	}
	return packed
}

// Unpack takes n septets out of octets, behind so many fill bits. It fails if there
// are not so many.
func Unpack(packed []byte, n, fill int) ([]byte, error) {
	if n < 0 || fill < 0 || fill+7*n > 8*len(packed) {
		return nil, fmt.Errorf("unpack %d septets of %d octets: %w", n, len(packed), ErrUserData)
	}
	septets := make([]byte, n)
	for i := range septets {
		bit := fill + 7*i
		window := uint16(packed[bit/8])
		if bit/8+1 < len(packed) {
			window |= uint16(packed[bit/8+1]) << 8
		}
		septets[i] = byte(window>>(bit%8)) & 0x7F
	}
	return septets, nil
}

// AirInterface is TP-UDL and TP-UD as a phone's radio has them: septets packed, and
// counted by the length with the header's (TS 23.040 §9.2.3.16, §9.2.3.24).
func (s Segment) AirInterface() (length uint8, ud []byte, err error) {
	if ud, err = s.UserData(); err != nil || s.Alphabet() != GSM7 {
		return uint8(len(ud)), ud, err
	}
	header := s.Header.Size()
	before := headerSeptets(header)
	ud = append(ud[:header:header], Pack(s.Payload, before*7-header*8)...)
	return uint8(before + len(s.Payload)), ud, nil
}

// ParseAirInterface reads TP-UDL and TP-UD. The payload is unpacked.
func ParseAirInterface(protocol, coding uint8, indication bool, length uint8, ud []byte) (Segment, error) {
	s := Segment{Protocol: protocol, Coding: coding}
	if s.Alphabet() != GSM7 {
		if int(length) != len(ud) {
			return Segment{}, fmt.Errorf("length %d of %d octets: %w", length, len(ud), ErrUserData)
		}
		return ParseSegment(protocol, coding, indication, ud)
	}
	if (int(length)*7+7)/8 != len(ud) {
		return Segment{}, fmt.Errorf("length %d septets of %d octets: %w", length, len(ud), ErrUserData)
	}
	if len(ud) > MaxOctets {
		return Segment{}, fmt.Errorf("%w: %d octets, %d fit", ErrTooLong, len(ud), MaxOctets)
	}
	rest := ud
	var err error
	if indication {
		if s.Header, rest, err = ParseHeader(ud); err != nil {
			return Segment{}, err
		}
	}
	header := len(ud) - len(rest)
	before := headerSeptets(header)
	s.Payload, err = Unpack(rest, int(length)-before, before*7-header*8)
	return s, err
}
