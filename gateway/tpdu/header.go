package tpdu

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUserData says that user data contradicts itself: its header runs past its end,
// an element's length is not that of its kind, a length does not match the octets.
var ErrUserData = errors.New("malformed user data")

// ElementID names an information element (TS 23.040 §9.2.3.24).
type ElementID uint8

// The elements that this package reads; others are kept as they are.
const (
	ElementConcat8      ElementID = 0x00 // concatenation, 8-bit reference, §9.2.3.24.1
	ElementPorts8       ElementID = 0x04 // application ports of 8 bits, §9.2.3.24.3
	ElementPorts16      ElementID = 0x05 // application ports of 16 bits, §9.2.3.24.4
	ElementConcat16     ElementID = 0x08 // concatenation, 16-bit reference, §9.2.3.24.8
	ElementSingleShift  ElementID = 0x24 // national language single shift, §9.2.3.24.15
	ElementLockingShift ElementID = 0x25 // national language locking shift, §9.2.3.24.16
	ElementCommand      ElementID = 0x70 // a command packet follows, TS 31.115 §4.1
	ElementResponse     ElementID = 0x71 // a response packet follows, TS 31.115 §4.1
)

// size is how many octets an element of the kind has; -1: any number.
func (id ElementID) size() int {
	switch id {
	case ElementConcat8:
		return 3
	case ElementPorts8:
		return 2
	case ElementSingleShift, ElementLockingShift:
		return 1
	case ElementPorts16, ElementConcat16:
		return 4
	case ElementCommand, ElementResponse:
		return 0
	default:
		return -1
	}
}

// Element is an information element of a header.
type Element struct {
	ID   ElementID
	Data []byte
}

// Header is a user data header: its elements in their order.
type Header []Element

// ParseHeader reads the header at the start of user data, and answers what follows
// it. The elements share ud's octets.
func ParseHeader(ud []byte) (h Header, rest []byte, err error) {
	if len(ud) == 0 {
		return nil, nil, fmt.Errorf("header indicated, no octets: %w", ErrUserData)
	}
	end := 1 + int(ud[0])
	if end > len(ud) {
		return nil, nil, fmt.Errorf("header of %d octets in %d: %w", end, len(ud), ErrUserData)
	}
	for at := 1; at < end; {
		e, n, err := parseElement(ud[at:end])
		if err != nil {
			return nil, nil, fmt.Errorf("header, octet %d: %w", at, err)
		}
		h = append(h, e)
		at += n
	}
	return h, ud[end:], nil
}

func parseElement(b []byte) (e Element, n int, err error) {
	if len(b) < 2 || 2+int(b[1]) > len(b) {
		return Element{}, 0, fmt.Errorf("element runs past the header: %w", ErrUserData)
	}
	n = 2 + int(b[1])
	e = Element{ID: ElementID(b[0]), Data: b[2:n:n]}
	return e, n, e.check()
}

func (e Element) check() error {
	if want := e.ID.size(); want >= 0 && len(e.Data) != want {
		return fmt.Errorf("element %02X has %d octets, not %d: %w", uint8(e.ID), len(e.Data), want, ErrUserData)
	}
	return nil
}

// Size is how many octets the header takes with its length octet; 0 if it is empty.
func (h Header) Size() int {
	if len(h) == 0 {
		return 0
	}
	n := 1
	for _, e := range h {
		n += 2 + len(e.Data)
	}
	return n
}

// Append writes the header to dst, nothing if it is empty. It refuses an element of
// a wrong length and a header that leaves no room in a short message.
func (h Header) Append(dst []byte) ([]byte, error) {
	if len(h) == 0 {
		return dst, nil
	}
	if size := h.Size(); size > MaxOctets {
		return nil, fmt.Errorf("%w: header of %d octets", ErrTooLong, size)
	}
	dst = append(dst, byte(h.Size()-1))
	for _, e := range h {
		if err := e.check(); err != nil {
			return nil, err
		}
		dst = append(dst, byte(e.ID), byte(len(e.Data)))
		dst = append(dst, e.Data...)
	}
	return dst, nil
}

// Has tells whether the header has an element.
func (h Header) Has(id ElementID) bool {
	for _, e := range h {
		if e.ID == id {
			return true
		}
	}
	return false
}

// Concat is one part's place in a message of several (TS 23.040 §9.2.3.24.1, .8).
type Concat struct {
	Reference
	Total uint8 // parts of the message
	Part  uint8 // of this segment, 1 to Total
}

// Reference tells the messages of one sender to one receiver apart.
type Reference struct {
	Number uint16
	Wide   bool // written in 16 bits; else its low 8 are
}

func (r Reference) number() uint16 {
	if r.Wide {
		return r.Number
	}
	return r.Number & 0xFF
}

// Element is the concatenation as the header has it.
func (c Concat) Element() Element {
	if c.Wide {
		return Element{ElementConcat16, []byte{byte(c.Number >> 8), byte(c.Number), c.Total, c.Part}}
	}
	return Element{ElementConcat8, []byte{byte(c.Number), c.Total, c.Part}}
}

// Concat reads the concatenation. An element whose part is 0 or past the total is
// ignored, and of several the last one counts (TS 23.040 §9.2.3.24, §9.2.3.24.1).
func (h Header) Concat() (c Concat, ok bool) {
	for _, e := range h {
		var last Concat
		switch {
		case e.ID == ElementConcat8 && len(e.Data) == 3:
			last = Concat{Reference{Number: uint16(e.Data[0])}, e.Data[1], e.Data[2]}
		case e.ID == ElementConcat16 && len(e.Data) == 4:
			last = Concat{Reference{binary.BigEndian.Uint16(e.Data), true}, e.Data[2], e.Data[3]}
		}
		if last.Part > 0 && last.Part <= last.Total {
			c, ok = last, true
		}
	}
	return c, ok
}

// withoutConcat is the header of the whole message that the part belongs to.
func (h Header) withoutConcat() Header { return h.without(ElementConcat8, ElementConcat16) }

// withoutShift is the header of a text that no longer needs the tables.
func (h Header) withoutShift() Header { return h.without(ElementSingleShift, ElementLockingShift) }

func (h Header) without(a, b ElementID) Header {
	var rest Header
	for _, e := range h {
		if e.ID != a && e.ID != b {
			rest = append(rest, e)
		}
	}
	return rest
}

// Ports are the applications that a message goes between (TS 23.040 §9.2.3.24.4).
// 16000 to 16999 are free for applications.
type Ports struct {
	Destination uint16
	Source      uint16
}

// Element is the ports in 16 bits each, as the header has them.
func (p Ports) Element() Element {
	data := binary.BigEndian.AppendUint16(nil, p.Destination)
	return Element{ElementPorts16, binary.BigEndian.AppendUint16(data, p.Source)}
}

// Element8 is the ports in 8 bits each; 240 to 255 are free for applications. It
// answers false when one does not fit (TS 23.040 §9.2.3.24.3).
func (p Ports) Element8() (Element, bool) {
	if p.Destination > 0xFF || p.Source > 0xFF {
		return Element{}, false
	}
	return Element{ElementPorts8, []byte{byte(p.Destination), byte(p.Source)}}, true
}

// Ports reads the application ports of either width. Of several the last count.
func (h Header) Ports() (p Ports, ok bool) {
	for _, e := range h {
		switch {
		case e.ID == ElementPorts8 && len(e.Data) == 2:
			p, ok = Ports{uint16(e.Data[0]), uint16(e.Data[1])}, true
		case e.ID == ElementPorts16 && len(e.Data) == 4:
			p, ok = Ports{binary.BigEndian.Uint16(e.Data), binary.BigEndian.Uint16(e.Data[2:])}, true
		}
	}
	return p, ok
}
