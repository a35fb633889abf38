package decode

import (
	"fmt"
	"strconv"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// packetKind is which packet of TS 102 225 is expected.
type packetKind uint8

const (
	eitherPacket packetKind = iota
	commandPacket
	responsePacket
)

// Lengths of the fields of a packet (TS 102 225 §5.1, §5.2).
const (
	lenCPL     = 2
	lenCNTR    = 5
	lenCommand = 8 + lenCNTR // SPI, KIc, KID, TAR; CNTR, PCNTR: what CHL counts beside the CC
	lenAnswer  = 5 + lenCNTR // TAR; CNTR, PCNTR, STATUS: what RHL counts beside the CC
	clearPart  = lenCPL + 8  // of a command: CPL to TAR
	clearReply = lenCPL + 4  // of a response: RPL to TAR
)

// checksums are how long a RC or CC can be.
var checksums = [...]int{0, 2, 4, 8}

// looksPacket tells whether the third octet is a header length of a command or response packet.
func looksPacket(octets []byte) bool {
	return len(octets) > lenCPL && (isHeader(octets[2], lenCommand) || isHeader(octets[2], lenAnswer))
}

func isHeader(length uint8, least int) bool {
	for _, n := range checksums {
		if int(length) == least+n {
			return true
		}
	}
	return false
}

// header is the clear part of a packet.
type header struct {
	response bool
	spi      scp80.SPI
	kic      scp80.KIc
	kid      scp80.KID
	tar      scp80.TAR
	cc       int    // length of the check
	packet   []byte // all of it
	clear    int    // octets before CNTR
}

// packet walks a secured packet: its clear part, and with keys the rest.
func (c *cursor) packet(kind packetKind) {
	c.standard = "TS 102 225"
	start := c.at
	h := header{packet: c.rest()}
	if len(h.packet) <= lenCPL {
		c.die("secured packet: %d octets, at least %d", len(h.packet), clearReply)
		return
	}
	h.response = kind == responsePacket || kind == eitherPacket && isHeader(h.packet[2], lenAnswer)
	var err error
	if h.response {
		c.responseHeader(&h)
		_, err = scp80.ParseResponse(h.packet)
	} else {
		c.commandHeader(&h)
		_, err = scp80.ParseCommand(h.packet)
	}
	if err != nil {
		c.blame(start, "%v", err)
	}
	if !c.dead && h.cc >= 0 {
		c.securedPart(h)
	}
}

// packetLength is CPL or RPL.
func (c *cursor) packetLength(name string) {
	at := c.at
	if said := int(uintOf(c.leaf(name+" §5.1", lenCPL, number))); said != len(c.rest()) {
		c.blame(at, "%s: %d, %d octets follow", name, said, len(c.rest()))
	}
}

// headerLength is CHL or RHL; it answers how long the check is, -1 when that cannot be.
func (c *cursor) headerLength(name string, least int) int {
	at := c.at
	said := int(c.octet(name+" §5.1", plainOctet))
	n := said - least
	if n < 0 || said > len(c.rest()) {
		c.blame(at, "%s: %d; it counts at least %d and at most what follows, %d", name, said, least, len(c.rest()))
		return -1
	}
	c.explain(fmt.Sprintf("to the end of a check of %d octets", n))
	return n
}

func (c *cursor) commandHeader(h *header) {
	h.clear = clearPart
	c.packetLength("CPL")
	h.cc = c.headerLength("CHL", lenCommand)
	h.spi = scp80.SPI(uintOf(c.leaf("SPI §5.1.1", 2, func(b []byte) (string, string) {
		return fmt.Sprintf("%X", b), scp80.SPI(uintOf(b)).String()
	})))
	h.kic = scp80.KIc(c.octet("KIc §5.1.2", func(o uint8) (string, string) {
		return fmt.Sprintf("%02X", o), sentence(scp80.KIc(o).String(), when(!h.spi.Ciphered(), "not used"))
	}))
	h.kid = scp80.KID(c.octet("KID §5.1.3", func(o uint8) (string, string) {
		return fmt.Sprintf("%02X", o), sentence(scp80.KID(o).Of(h.spi.Check()), when(h.spi.Check() == scp80.CheckNone, "not used"))
	}))
	h.tar = scp80.TAR(uintOf(c.leaf("TAR §5.1", 3, tarOf)))
	if h.tar == scp80.TARPayment {
		c.explain("Airtill's payment application" + whoseKeys(h.kic))
	}
}

func (c *cursor) responseHeader(h *header) {
	h.clear = clearReply
	c.packetLength("RPL")
	h.cc = c.headerLength("RHL", lenAnswer)
	h.tar = scp80.TAR(uintOf(c.leaf("TAR §5.2", 3, tarOf)))
}

func tarOf(b []byte) (string, string) {
	tar := scp80.TAR(uintOf(b))
	return tar.String(), when(tar == scp80.TARPayment, "Airtill's payment application")
}

// whoseKeys says what a key set is for where packets are Airtill's.
func whoseKeys(kic scp80.KIc) string {
	for suite := scp80.Modern; suite <= scp80.Legacy; suite++ {
		for version := range uint8(3) {
			switch kic {
			case suite.Profile(scp80.MO, version+1).KIc:
				return fmt.Sprintf("; keys of the %s suite, from the handset, version %d, %d, ...", suite, version+1, version+4)
			case suite.Profile(scp80.MT, version+1).KIc:
				return fmt.Sprintf("; keys of the %s suite, to the handset, version %d, %d, ...", suite, version+1, version+4)
			}
		}
	}
	return ""
}

// securedPart is what follows the clear part: CNTR and all behind it.
func (c *cursor) securedPart(h header) {
	switch {
	case len(c.keys) > 0:
		c.open(h)
	case h.response && !clearResponse(c.rest()):
		c.leaf("secured part §5.2", len(c.rest()), meaning("CNTR, PCNTR, STATUS, check, data; ciphered, if the command asked for that"))
	case !h.response && h.spi.Ciphered():
		c.leaf("secured part §5.1", len(c.rest()), meaning(fmt.Sprintf("CNTR, PCNTR, check, data, padding; ciphered under key set %d", h.kic.Set())))
	default:
		c.inside(h, verdict{text: "not checked: no keys given"})
	}
}

// clearResponse tells whether a response seems not to be ciphered, which its header does
// not say: it needs no padding then, and has a status that there is.
func clearResponse(b []byte) bool {
	return b[lenCNTR] == 0 && scp80.Status(b[lenCNTR+1]).String() != reserved
}

const reserved = "reserved"

// verdict is what is known of a packet's check.
type verdict struct {
	text  string
	right bool
	wrong bool
	suite scp80.Suite
	block int // of the cipher, 0: not ciphered
}

// inside walks the secured part in clear: as it came, or deciphered.
func (c *cursor) inside(h header, v verdict) {
	c.leaf("CNTR §5.1.4", lenCNTR, number)
	at := c.at
	padding := int(c.octet("PCNTR §5.1", func(o uint8) (string, string) { return strconv.Itoa(int(o)), "octets of padding" }))
	if h.response {
		c.octet("STATUS §5.2", func(o uint8) (string, string) { return fmt.Sprintf("%02X", o), scp80.Status(o).String() })
	}
	if h.cc > 0 {
		c.leaf(checkName(h)+" §5.1.5", h.cc, meaning(v.text))
	}
	if v.wrong && len(c.rest()) > 0 {
		c.leaf("data and padding", len(c.rest()), meaning("not shown: it is not authentic"))
		c.mask(secret)
		return
	}
	n := len(c.rest()) - padding
	if n < 0 || padding >= max(v.block, 1) {
		c.blame(at, "PCNTR: %d octets of padding in %d of data", padding, len(c.rest()))
		n = len(c.rest())
	}
	c.data(h, v, n)
	at = c.at
	if left := len(c.rest()); left > 0 && uintOf(c.leaf("padding §5.1.2", left, raw)) != 0 {
		c.blame(at, "padding: not zero")
	}
}

func checkName(h header) string {
	if h.response {
		return "RC, CC or DS"
	}
	return h.spi.Check().String()
}

// data is the secured data: a message, if it is for the payment application.
func (c *cursor) data(h header, v verdict, n int) {
	octets := c.rest()[:n]
	switch {
	case n == 0:
	case h.tar != scp80.TARPayment || h.response:
		c.leaf("data", n, raw)
	case !looksMessage(octets):
		c.blame(c.at, "data: %v", applet.ErrMessage)
		c.leaf("data", n, meaning("not shown: no message is known to be in it"))
		c.mask(secret)
	default:
		if v.suite.Valid() && scp80.Suite(octets[1]>>4) != v.suite {
			c.blame(c.at+1, "suite: the message is of another suite than the packet")
		}
		inner := &cursor{unit: c.unit, octets: c.octets, at: c.at, end: c.at + n}
		inner.message()
		inner.close()
		c.fields = append(c.fields, inner.fields...)
		c.at += n
	}
}
