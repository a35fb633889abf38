package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// looksPDU tells whether octets begin with the header of a command that SMPP 3.4 has.
func looksPDU(octets []byte) bool {
	if len(octets) < 8 || binary.BigEndian.Uint32(octets) > smpp.MaxPDU {
		return false
	}
	_, known := commandClauses[smpp.CommandID(binary.BigEndian.Uint32(octets[4:]))]
	return known
}

// pdus walks PDUs, one behind the other.
func (c *cursor) pdus() {
	c.standard = "SMPP 3.4"
	for len(c.rest()) > 0 && !c.dead {
		c.onePDU()
	}
}

func (c *cursor) onePDU() {
	if len(c.rest()) < 4 {
		c.die("command_length: 4 octets wanted, %d left", len(c.rest()))
		return
	}
	length := binary.BigEndian.Uint32(c.rest())
	switch {
	case length < smpp.HeaderLen:
		c.die("command_length: %d, a header alone has %d", length, smpp.HeaderLen)
		return
	case length > smpp.MaxPDU:
		c.die("command_length: %d, which is no length of a PDU", length)
		return
	}
	frame := c.rest()[:min(int(length), len(c.rest()))]
	id := smpp.CommandID(0)
	if len(frame) >= 8 {
		id = smpp.CommandID(binary.BigEndian.Uint32(frame[4:]))
	}
	start := c.at
	c.group(id.String()+commandClauses[id], len(frame), func(c *cursor) { c.pduFields(id) })
	switch {
	case len(frame) < int(length):
		c.blame(c.at, "command_length: %d, and here the octets end", length)
	case c.fault == nil:
		c.judgePDU(start, frame)
	}
}

func (c *cursor) pduFields(id smpp.CommandID) {
	c.leaf("command_length §5.1.1", 4, number)
	c.leaf("command_id §5.1.2", 4, func(b []byte) (string, string) { return id.String(), "" })
	c.leaf("command_status §5.1.3", 4, statusWord)
	c.leaf("sequence_number §5.1.4", 4, number)
	if !c.dead {
		c.pduBody(id)
	}
}

func statusWord(b []byte) (string, string) {
	status := smpp.Status(uintOf(b))
	err := status.Err()
	if err == nil {
		return status.String(), "no error"
	}
	return status.String(), strings.TrimPrefix(err.Error(), "smpp: ")
}

// judgePDU asks the codec, which may know of more that is wrong.
func (c *cursor) judgePDU(start int, frame []byte) {
	_, err := smpp.Decode(frame)
	refused, ok := errors.AsType[*smpp.StatusError](err)
	if !ok {
		return
	}
	at := start
	fields := c.fields[len(c.fields)-1:]
	if f, found := Find(fields, refused.Field); found {
		at = f.Offset
	} else if f, found := findValue(fields, "parameter_tag", strings.TrimPrefix(refused.Field, "tlv ")); found {
		at = f.Offset
	}
	c.blame(at, "%s", strings.TrimPrefix(err.Error(), "smpp: "))
}

func findValue(fields []Field, name, value string) (Field, bool) {
	for _, f := range leaves(fields) {
		if f.Name == name && f.Value == value {
			return f, true
		}
	}
	return Field{}, false
}

func (c *cursor) pduBody(id smpp.CommandID) {
	switch id {
	case smpp.IDBindReceiver, smpp.IDBindTransmitter, smpp.IDBindTransceiver:
		c.bind()
	case smpp.IDBindReceiverResp, smpp.IDBindTransmitterResp, smpp.IDBindTransceiverResp:
		c.response("system_id §5.2.1", 15)
	case smpp.IDSubmitSM, smpp.IDDeliverSM:
		c.shortMessage()
	case smpp.IDSubmitSMResp, smpp.IDDeliverSMResp, smpp.IDDataSMResp:
		c.response("message_id §5.2.23", 64)
	case smpp.IDDataSM:
		c.dataSM()
	case smpp.IDSubmitMulti:
		c.submitMulti()
	case smpp.IDSubmitMultiResp:
		c.submitMultiResponse()
	case smpp.IDEnquireLink, smpp.IDUnbind: // nothing
	default:
		c.operation(id)
	}
}

// operation is what is asked about messages and subscribers, and its answers.
func (c *cursor) operation(id smpp.CommandID) {
	switch id {
	case smpp.IDQuerySM:
		c.querySM()
	case smpp.IDQuerySMResp:
		c.queryResponse()
	case smpp.IDCancelSM:
		c.cancelSM()
	case smpp.IDReplaceSM:
		c.replaceSM()
	case smpp.IDOutbind:
		c.outbind()
	case smpp.IDAlertNotification:
		c.alertNotification()
	default:
		if n := len(c.rest()); n > 0 {
			c.leaf("body", n, meaning("the body of this command is not looked at"))
		}
	}
}

func (c *cursor) bind() {
	c.text("system_id §5.2.1", 15)
	c.private = true
	c.text("password §5.2.2", 8)
	c.mask(secret)
	c.text("system_type §5.2.3", 12)
	c.octet("interface_version §5.2.4", versionOctet)
	c.octet("addr_ton §5.2.5", named(typesOfNumber))
	c.octet("addr_npi §5.2.6", named(numberingPlans))
	c.text("address_range §5.2.7", 40)
	c.parameters(coded{})
}

func versionOctet(o uint8) (string, string) {
	return fmt.Sprintf("0x%02x", o), fmt.Sprintf("SMPP %d.%d", o>>4, o&0xF)
}

// response is a name and optional parameters; a body that is missing is right, too.
func (c *cursor) response(label string, most int) {
	if len(c.rest()) == 0 {
		c.meaning = "no body"
		return
	}
	c.text(label, most)
	c.parameters(coded{})
}

// text is a C-octet string of at most so many characters, and its NUL.
func (c *cursor) text(label string, most int) string {
	window := c.rest()[:min(len(c.rest()), most+1)]
	end := bytes.IndexByte(window, 0)
	name, _ := c.label(label)
	switch {
	case end >= 0:
		return string(bytes.TrimSuffix(c.leaf(label, end+1, cText), []byte{0}))
	case len(c.rest()) > most:
		c.die("%s: no NUL within %d octets", name, most+1)
	default:
		c.die("%s: the PDU ends before its NUL", name)
	}
	return ""
}

// time is a text that is empty or a time of 16 characters.
func (c *cursor) time(label string) string {
	start := c.at
	s := c.text(label, 16)
	name, _ := c.label(label)
	switch {
	case c.dead:
	case s != "" && len(s) != 16:
		c.blame(start, "%s: %d characters, 16 or none", name, len(s))
		c.dead = true
	default:
		c.explain(timeMeaning(s))
	}
	return s
}

func timeMeaning(s string) string {
	if s == "" {
		return "none: at once, or the SMSC's default"
	}
	t, err := smpp.ParseTime(s)
	switch {
	case err != nil:
		return "not a time of §7.1.1"
	case t.Relative:
		return fmt.Sprintf("after %dy %dm %dd %dh %dmin %ds", t.Years, t.Months, t.Days, t.Hours, t.Minutes, t.Seconds)
	}
	return t.Absolute.Format("2006-01-02 15:04:05 -07:00")
}

// address is type, plan and digits of source or destination.
func (c *cursor) address(which, ton, npi, digits string) string {
	return c.longAddress(which, ton, npi, digits, 20)
}

// longAddress is an address of at most so many characters.
func (c *cursor) longAddress(which, ton, npi, digits string, most int) string {
	c.octet(which+"_addr_ton "+ton, named(typesOfNumber))
	c.octet(which+"_addr_npi "+npi, named(numberingPlans))
	name := which + "_addr "
	if which == "dest" {
		name = "destination_addr "
	}
	return c.text(name+digits, most)
}

func (c *cursor) source() string { return c.address("source", "§5.2.5", "§5.2.6", "§5.2.8") }

func (c *cursor) destination() string { return c.address("dest", "§5.2.5", "§5.2.6", "§5.2.9") }

func (c *cursor) shortMessage() {
	c.text("service_type §5.2.11", 5)
	link := tpdu.Link{Source: c.source()}
	link.Destination = c.destination()
	c.messageRest(link)
}

// messageRest is what follows the addresses of a message.
func (c *cursor) messageRest(link tpdu.Link) {
	esmClass := c.octet("esm_class §5.2.12", esmClassOctet)
	how := coded{link: link, header: esmClass&smpp.ESMUDHI != 0, receipt: esmClass&smpp.ESMTypeMask == smpp.ESMReceipt}
	how.protocol = c.octet("protocol_id §5.2.13", protocolOctet)
	c.octet("priority_flag §5.2.14", plainOctet)
	c.time("schedule_delivery_time §5.2.15")
	c.time("validity_period §5.2.16")
	c.octet("registered_delivery §5.2.17", registeredOctet)
	c.octet("replace_if_present_flag §5.2.18", plainOctet)
	how.coding = c.octet("data_coding §5.2.19", codingOctet)
	c.octet("sm_default_msg_id §5.2.20", plainOctet)
	c.content(how)
}

// content is sm_length, short_message and the optional parameters.
func (c *cursor) content(how coded) {
	length := c.octet("sm_length §5.2.21", plainOctet)
	switch {
	case c.dead:
		return
	case int(length) > smpp.MaxShortMessage:
		c.at--
		c.fields = c.fields[:len(c.fields)-1]
		c.die("sm_length: %d, at most %d", length, smpp.MaxShortMessage)
		return
	case length > 0:
		c.group("short_message §5.2.22", int(length), func(c *cursor) { c.userData(how) })
	}
	c.parameters(how)
}
