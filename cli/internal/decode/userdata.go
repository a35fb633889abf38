package decode

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// coded is what is said of user data before it comes.
type coded struct {
	link     tpdu.Link
	header   bool // it begins with a header
	receipt  bool // it is a delivery receipt
	whole    bool // it was joined, and may be longer than a short message
	protocol uint8
	coding   uint8
}

// segment is the user data of one short message, to be joined with others.
type segment struct {
	link tpdu.Link
	tpdu.Segment
}

// looksUserData tells whether octets begin with a header of elements that packets,
// ports or concatenation have.
func looksUserData(octets []byte) bool {
	h, _, err := tpdu.ParseHeader(octets)
	if err != nil || len(h) == 0 {
		return false
	}
	for _, e := range h {
		if _, known := elementNames[e.ID]; !known {
			return false
		}
	}
	if h.Has(tpdu.ElementConcat8) || h.Has(tpdu.ElementConcat16) {
		_, ok := h.Concat()
		return ok
	}
	return true
}

// userData walks user data as SMPP carries it: septets are not packed.
func (c *cursor) userData(how coded) {
	c.standard = "TS 23.040"
	whole := c.rest()
	if how.header {
		c.header()
	}
	if c.dead {
		return
	}
	s := tpdu.Segment{Protocol: how.protocol, Coding: how.coding, Payload: c.rest()}
	if how.header {
		h, payload, err := tpdu.ParseHeader(whole)
		if err != nil {
			c.die("%v", err)
			return
		}
		s.Header, s.Payload = h, payload
	}
	c.payload(how, s)
}

// header walks a user data header and its elements.
func (c *cursor) header() {
	if len(c.rest()) == 0 {
		c.die("user data header: announced, and no octets follow")
		return
	}
	c.group("user data header §9.2.3.24", 1+int(c.rest()[0]), func(c *cursor) {
		c.octet("UDHL §9.2.3.24", plainOctet)
		for len(c.rest()) > 0 && !c.dead {
			c.element()
		}
	})
	if last := c.fields[len(c.fields)-1]; last.Fields[len(last.Fields)-1].Name == unread {
		c.dead = true
	}
}

func (c *cursor) element() {
	if len(c.rest()) < 2 {
		c.die("information element: 2 octets wanted, %d left", len(c.rest()))
		return
	}
	id, length := tpdu.ElementID(c.rest()[0]), int(c.rest()[1])
	e, known := elementNames[id]
	if !known {
		e.name = "information element §9.2.3.24"
	}
	short := 2+length > len(c.rest())
	c.group(e.name, 2+length, func(c *cursor) {
		c.octet("IEI", func(o uint8) (string, string) { return fmt.Sprintf("0x%02x", o), "" })
		c.octet("IEIDL", plainOctet)
		switch {
		case short:
		case known && length != e.size:
			c.die("IEIDL: %d, an element %02X has %d octets", length, uint8(id), e.size)
		default:
			c.elementData(id, length)
		}
	})
}

func (c *cursor) elementData(id tpdu.ElementID, length int) {
	switch id {
	case tpdu.ElementConcat8, tpdu.ElementConcat16:
		c.leaf("reference", length-2, number)
		total := c.octet("total", plainOctet)
		part := c.octet("part", plainOctet)
		c.meaning = fmt.Sprintf("part %d of %d", part, total)
		if part == 0 || part > total {
			c.meaning = "ignored: no such part"
		}
	case tpdu.ElementPorts8, tpdu.ElementPorts16:
		c.leaf("destination port", length/2, portOf)
		c.leaf("source port", length/2, portOf)
	case tpdu.ElementSingleShift, tpdu.ElementLockingShift:
		language := tpdu.Language(c.octet("language §9.2.3.24.15", func(o uint8) (string, string) {
			return strconv.Itoa(int(o)), tpdu.Language(o).String()
		}))
		c.meaning = language.String()
	case tpdu.ElementCommand:
		c.meaning = "CPI: a command packet follows"
	case tpdu.ElementResponse:
		c.meaning = "RPI: a response packet follows"
	default:
		if length > 0 {
			c.leaf("data", length, raw)
		}
	}
}

func portOf(b []byte) (string, string) {
	port := uintOf(b)
	if port >= 16000 && port <= 16999 {
		return strconv.FormatUint(port, 10), "free for applications"
	}
	return strconv.FormatUint(port, 10), ""
}

// elementNames are the elements whose data is read here (TS 23.040 §9.2.3.24).
var elementNames = map[tpdu.ElementID]struct {
	name string
	size int
}{
	tpdu.ElementConcat8:      {"concatenated short messages, 8-bit reference §9.2.3.24.1", 3},
	tpdu.ElementPorts8:       {"application port addressing, 8 bit §9.2.3.24.3", 2},
	tpdu.ElementPorts16:      {"application port addressing, 16 bit §9.2.3.24.4", 4},
	tpdu.ElementConcat16:     {"concatenated short messages, 16-bit reference §9.2.3.24.8", 4},
	tpdu.ElementSingleShift:  {"national language single shift §9.2.3.24.15", 1},
	tpdu.ElementLockingShift: {"national language locking shift §9.2.3.24.16", 1},
	tpdu.ElementCommand:      {"command packet identifier §9.2.3.24", 0},
	tpdu.ElementResponse:     {"response packet identifier §9.2.3.24", 0},
}

// payload explains what follows the header; s is the whole user data as read.
func (c *cursor) payload(how coded, s tpdu.Segment) {
	c.segments = append(c.segments, segment{how.link, s})
	n := len(c.rest())
	place, part := s.Header.Concat()
	secured, isPacket := tpdu.ReadSecured(s)
	switch {
	case isPacket && secured.Response:
		c.group("response packet", n, func(c *cursor) { c.packet(responsePacket) })
	case isPacket:
		c.group("command packet", n, func(c *cursor) { c.packet(commandPacket) })
	case n == 0:
	case s.Alphabet() == tpdu.Octets && part:
		c.leaf("data", n, meaning(fmt.Sprintf("part %d of %d of a whole", place.Part, place.Total)))
	case s.Alphabet() == tpdu.Octets:
		c.leaf("data", n, meaning(oversize(how, s)))
	default:
		c.leaf("text", n, func([]byte) (string, string) { return textOf(how, s) })
	}
}

// oversize remarks that user data is more than a short message takes.
func oversize(how coded, s tpdu.Segment) string {
	if size := s.Size(); !how.whole && size > tpdu.MaxOctets {
		return fmt.Sprintf("%d octets on the air, one short message takes %d", size, tpdu.MaxOctets)
	}
	return ""
}

func textOf(how coded, s tpdu.Segment) (value, meaning string) {
	text, err := s.Text()
	wrong := ""
	if errors.Is(err, tpdu.ErrCharacter) {
		wrong = "has what is no character of " + s.Alphabet().String()
	}
	receipt := ""
	if how.receipt {
		receipt = receiptOf(text)
	}
	return shown(text), sentence(wrong, oversize(how, s), receipt)
}

func receiptOf(text string) string {
	r, err := smpp.ParseReceipt(text)
	if err != nil {
		return "not a delivery receipt of appendix B"
	}
	return shown(strings.TrimSpace(fmt.Sprintf("receipt: message %s is %s, error %s", r.ID, r.Stat, r.Err)))
}
