package scp80

import (
	"encoding/binary"
	"fmt"
)

// Field is one field of a packet as it stands on the wire.
type Field struct {
	Name    string // as the standard has it: "SPI"
	Octets  []byte
	Meaning string
}

// CommandPacket is what a command packet says without a key (TS 102 225 §5.1).
type CommandPacket struct {
	CPL  int // octets that follow it
	CHL  int // octets from the SPI to the end of the check
	SPI  SPI
	KIc  KIc
	KID  KID
	TAR  TAR
	Body []byte // CNTR, PCNTR, check, data and padding; ciphered if the SPI says so

	clear []byte
}

// ResponsePacket is what a response packet says without a key (TS 102 225 §5.2). Only
// the SPI of its command tells whether the body is ciphered.
type ResponsePacket struct {
	RPL  int
	RHL  int // octets from the TAR to the end of the check
	TAR  TAR
	Body []byte // CNTR, PCNTR, STATUS, check, data and padding

	clear []byte
}

// Header lengths without a check.
const (
	baseCHL = lenClear - lenLength - 1 + lenCounter
	baseRHL = lenAnswer - lenLength - 1 + lenCounter + lenStatus
)

// ParseCommand reads the clear part of a command packet, whatever security it asks
// for. When the lengths in it disagree with what came, it returns both what it read and
// [ErrMalformed].
func ParseCommand(packet []byte) (CommandPacket, error) {
	if len(packet) < lenClear {
		return CommandPacket{}, fmt.Errorf("a command packet of %d octets, its clear header has %d: %w", len(packet), lenClear, ErrMalformed)
	}
	c := CommandPacket{
		CPL: int(binary.BigEndian.Uint16(packet)), CHL: int(packet[2]), SPI: SPI(binary.BigEndian.Uint16(packet[3:])),
		KIc: KIc(packet[5]), KID: KID(packet[6]), TAR: tarOf(packet[7:]),
		Body: packet[lenClear:], clear: packet[:lenClear],
	}
	return c, checkLengths("command", c.CPL, len(packet), c.CheckLen(), len(c.Body)-lenCounter)
}

// ParseResponse reads the clear part of a response packet as [ParseCommand] does.
func ParseResponse(packet []byte) (ResponsePacket, error) {
	if len(packet) < lenAnswer {
		return ResponsePacket{}, fmt.Errorf("a response packet of %d octets, its clear header has %d: %w", len(packet), lenAnswer, ErrMalformed)
	}
	r := ResponsePacket{
		RPL: int(binary.BigEndian.Uint16(packet)), RHL: int(packet[2]), TAR: tarOf(packet[3:]),
		Body: packet[lenAnswer:], clear: packet[:lenAnswer],
	}
	return r, checkLengths("response", r.RPL, len(packet), r.CheckLen(), len(r.Body)-lenCounter-lenStatus)
}

func tarOf(b []byte) TAR { return TAR(b[0])<<16 | TAR(b[1])<<8 | TAR(b[2]) }

// checkLengths compares the length field with the octets that came, and the check's
// length with the room there is for it.
func checkLengths(kind string, length, octets, check, room int) error {
	switch {
	case length != octets-lenLength:
		return fmt.Errorf("a %s packet whose length is %d, and %d octets follow: %w", kind, length, octets-lenLength, ErrMalformed)
	case check < 0 || check > room:
		return fmt.Errorf("a %s packet whose header length gives a check of %d octets, and there is room for %d: %w", kind, check, room, ErrMalformed)
	}
	return nil
}

// CheckLen is how many octets the check has; only CHL tells.
func (c CommandPacket) CheckLen() int { return c.CHL - baseCHL }

// CheckLen is how many octets the check has; only RHL tells.
func (r ResponsePacket) CheckLen() int { return r.RHL - baseRHL }

// Weak tells whether the packet asks for a redundancy check or single DES, which are
// read here and nowhere served.
func (c CommandPacket) Weak() bool { return weak(c.SPI, c.KIc, c.KID) }

// Fields are the packet field by field, in its order. What is ciphered is one field.
func (c CommandPacket) Fields() []Field {
	at := cutter{c.clear}
	fields := []Field{
		{"CPL", at.cut(lenLength), fmt.Sprintf("%d octets follow", c.CPL)},
		{"CHL", at.cut(1), headerMeaning(c.CHL, c.CheckLen())},
		{"SPI", at.cut(2), c.SPI.String()},
		{"KIc", at.cut(1), c.KIc.meaning(c.SPI)},
		{"KID", at.cut(1), c.KID.meaning(c.SPI)},
		{"TAR", at.cut(3), c.TAR.meaning()},
	}
	return append(fields, bodyFields(c.Body, c.SPI.Ciphered(), false, c.CheckLen())...)
}

// Fields are the packet field by field, in its order. What is ciphered, as the SPI of
// the command said, is one field.
func (r ResponsePacket) Fields(ciphered bool) []Field {
	at := cutter{r.clear}
	fields := []Field{
		{"RPL", at.cut(lenLength), fmt.Sprintf("%d octets follow", r.RPL)},
		{"RHL", at.cut(1), headerMeaning(r.RHL, r.CheckLen())},
		{"TAR", at.cut(3), r.TAR.meaning()},
	}
	return append(fields, bodyFields(r.Body, ciphered, true, r.CheckLen())...)
}

func headerMeaning(length, check int) string {
	if check == 0 {
		return fmt.Sprintf("header of %d octets, no check", length)
	}
	return fmt.Sprintf("header of %d octets, check of %d", length, check)
}

func (k KIc) meaning(s SPI) string {
	if !s.Ciphered() {
		return k.String() + ", not used"
	}
	return k.String()
}

func (k KID) meaning(s SPI) string {
	if s.Check() == CheckNone {
		return k.String() + ", not used"
	}
	return k.Of(s.Check())
}

func (t TAR) meaning() string {
	if t == TARPayment {
		return "Airtill's payment application"
	}
	return "application " + t.String()
}

// bodyFields are the fields after the clear header. Of a body that is too short for
// them it gives one field.
func bodyFields(body []byte, ciphered, response bool, check int) []Field {
	fixed := lenCounter
	if response {
		fixed += lenStatus
	}
	switch {
	case ciphered:
		return []Field{{"ciphered", body, fmt.Sprintf("%d octets: counter, check and data", len(body))}}
	case check < 0 || len(body) < fixed+check:
		return []Field{{"body", body, "too short for its header"}}
	}
	at := cutter{body}
	fields := []Field{
		{"CNTR", at.cut(lenCNTR), fmt.Sprintf("counter %d", getCounter(body))},
		{"PCNTR", at.cut(1), fmt.Sprintf("%d octets of padding", body[lenCNTR])},
	}
	if response {
		fields = append(fields, Field{"STATUS", at.cut(lenStatus), Status(body[lenCounter]).String()})
	}
	if check > 0 {
		fields = append(fields, Field{"check", at.cut(check), fmt.Sprintf("%d octets, not checked here", check)})
	}
	return append(fields, Field{"data", at.rest, fmt.Sprintf("%d octets", len(at.rest))})
}

// cutter takes octets off the front.
type cutter struct{ rest []byte }

func (c *cutter) cut(n int) []byte {
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}
