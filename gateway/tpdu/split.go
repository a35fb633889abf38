package tpdu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// MaxParts is how many segments one message can have (TS 23.040 §9.2.3.24.1).
const MaxParts = 255

// ErrTooManyParts says that a message needs more parts than it may have.
var ErrTooManyParts = errors.New("message needs more than 255 parts")

// SplitText writes a text as Smallest finds it, in one segment if it fits and else in
// several that carry the reference.
func SplitText(text string, ref Reference) ([]Segment, error) {
	return splitText(text, Smallest(text), ref)
}

// SplitTextIn writes a text in an alphabet, without the tables of a language. A part
// never ends between an escape and its character, nor between two surrogates.
func SplitTextIn(text string, a Alphabet, ref Reference) ([]Segment, error) {
	return splitText(text, Writing{Alphabet: a}, ref)
}

func splitText(text string, w Writing, ref Reference) ([]Segment, error) {
	s, err := Compose(text, w)
	if err != nil {
		return nil, fmt.Errorf("split text: %w", err)
	}
	return s.Split(ref)
}

// SplitOctets puts 8-bit data into one segment or several, each of which repeats the
// header. The segments share the payload's octets.
func SplitOctets(h Header, payload []byte, ref Reference) ([]Segment, error) {
	return Segment{Coding: CodingOctets, Header: h, Payload: payload}.Split(ref)
}

// Split makes segments that fit of one that may be too long, as ParseMessage and
// Compose answer it. Each repeats the header; the mark of a secured packet is in the
// first one only. They share the payload's octets.
func (s Segment) Split(ref Reference) ([]Segment, error) { return s.message().split(ref) }

func (s Segment) message() message {
	m := message{protocol: s.Protocol, coding: s.Coding, payload: s.Payload}
	for _, e := range s.Header {
		switch e.ID {
		case ElementConcat8, ElementConcat16: // of a part that was split before
		case ElementCommand, ElementResponse:
			m.first = append(m.first, e)
		default:
			m.every = append(m.every, e)
		}
	}
	return m
}

// message is what is put into segments.
type message struct {
	protocol, coding uint8
	every            Header // elements of every part
	first            Header // elements of the first part only, behind those
	payload          []byte
}

func (m message) split(ref Reference) ([]Segment, error) {
	h := join(m.every, m.first)
	if len(m.payload) <= Room(h.Size(), AlphabetOf(m.coding)) {
		if _, err := h.Append(nil); err != nil { // of elements that the caller made
			return nil, fmt.Errorf("split: %w", err)
		}
		return []Segment{m.segment(h, m.payload)}, nil
	}
	parts, err := m.parts(ref)
	if err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	for i, s := range parts {
		place := Concat{ref, uint8(len(parts)), uint8(i + 1)}
		s.Header[0] = place.Element()
	}
	return parts, nil
}

// parts cuts the payload. Each part's first element is a concatenation whose total
// and part are not known yet.
func (m message) parts(ref Reference) ([]Segment, error) {
	var parts []Segment
	a, rest := AlphabetOf(m.coding), m.payload
	for len(rest) > 0 {
		h := join(Header{Concat{Reference: ref}.Element()}, m.every)
		if len(parts) == 0 {
			h = join(h, m.first)
		}
		n := cut(rest, Room(h.Size(), a), a)
		switch _, err := h.Append(nil); {
		case err != nil:
			return nil, err
		case n == 0:
			return nil, fmt.Errorf("%w: header of %d octets leaves no room", ErrTooLong, h.Size())
		case len(parts) == MaxParts:
			return nil, ErrTooManyParts
		}
		parts = append(parts, m.segment(h, rest[:n:n]))
		rest = rest[n:]
	}
	return parts, nil
}

func (m message) segment(h Header, payload []byte) Segment {
	return Segment{Protocol: m.protocol, Coding: m.coding, Header: h, Payload: payload}
}

func join(a, b Header) Header {
	return append(a[:len(a):len(a)], b...)
}

// cut is how much of the payload goes into a part with so much room.
func cut(payload []byte, room int, a Alphabet) int {
	if len(payload) <= room {
		return len(payload)
	}
	switch {
	case a == GSM7 && endsEscaped(payload[:room]):
		return room - 1
	case a == UCS2 && room > 1 && isHigh(payload[room-2:]):
		return room - 2
	default:
		return room
	}
}

// endsEscaped tells whether the last septet is an escape whose character is still to
// come: of several escapes in a row every second one is a character (TS 23.038
// §6.2.1.1, note 1).
func endsEscaped(septets []byte) bool {
	n := 0
	for n < len(septets) && septets[len(septets)-1-n] == escape {
		n++
	}
	return n%2 == 1
}

// isHigh tells whether a code unit is the first of two surrogates.
func isHigh(unit []byte) bool {
	r := rune(binary.BigEndian.Uint16(unit))
	return utf16.IsSurrogate(r) && r < 0xDC00
}
