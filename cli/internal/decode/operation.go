package decode

import (
	"fmt"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// submitMulti is a message for several destinations (SMPP 3.4 §4.5.1).
func (c *cursor) submitMulti() {
	c.text("service_type §5.2.11", 5)
	link := tpdu.Link{Source: c.source()}
	n := int(c.octet("number_of_dests §5.2.24", plainOctet))
	if !c.dead && (n == 0 || n > smpp.MaxDestinations) {
		c.blame(c.at-1, "number_of_dests: %d, 1 to %d", n, smpp.MaxDestinations)
	}
	for i := 0; i < n && !c.dead; i++ {
		c.multiDestination(i + 1)
	}
	c.messageRest(link)
}

// multiDestination is an address or the name of a distribution list.
func (c *cursor) multiDestination(n int) {
	whole := &cursor{unit: c.unit, octets: c.octets, at: c.at, end: c.end, standard: c.standard}
	whole.multiFields()
	c.part(fmt.Sprintf("dest_address %d §4.5.1.1", n), whole)
}

func (c *cursor) multiFields() {
	kinds := map[uint8]string{1: "an address", 2: "a distribution list"}
	switch c.octet("dest_flag §5.2.25", named(kinds)) {
	case 1:
		c.value = c.destination()
	case 2:
		c.value = c.text("dl_name §5.2.27", 20)
	default:
		c.blame(max(c.at-1, 0), "dest_flag: 1 for an address or 2 for a distribution list")
		c.dead = true
	}
}

// part makes a field of what another cursor has walked from here on.
func (c *cursor) part(label string, walked *cursor) {
	if len(walked.fields) == 0 {
		c.dead = walked.dead
		return
	}
	name, clause := c.label(label)
	c.fields = append(c.fields, Field{
		Offset: c.at, Length: walked.at - c.at, Name: name, Clause: clause, Value: shown(walked.value), Fields: walked.fields,
	})
	c.at, c.dead = walked.at, walked.dead
}

// submitMultiResponse is the message's id and the destinations not reached (SMPP 3.4 §4.5.2).
func (c *cursor) submitMultiResponse() {
	if len(c.rest()) == 0 {
		c.meaning = "no body"
		return
	}
	c.text("message_id §5.2.23", 64)
	n := int(c.octet("no_unsuccess §5.2.26", plainOctet))
	for i := 0; i < n && !c.dead; i++ {
		sme := &cursor{unit: c.unit, octets: c.octets, at: c.at, end: c.end, standard: c.standard}
		sme.value = sme.destination()
		sme.leaf("error_status_code §5.1.3", 4, statusWord)
		c.part(fmt.Sprintf("unsuccess_sme %d §4.5.2.1", i+1), sme)
	}
	c.parameters(coded{})
}

// mostLong is the most that the addresses of data_sm and alert_notification have.
const mostLong = 64

func (c *cursor) dataSM() {
	c.text("service_type §5.2.11", 5)
	link := tpdu.Link{Source: c.longAddress("source", "§5.2.5", "§5.2.6", "§5.2.8", mostLong)}
	link.Destination = c.longAddress("dest", "§5.2.5", "§5.2.6", "§5.2.9", mostLong)
	esmClass := c.octet("esm_class §5.2.12", esmClassOctet)
	how := coded{link: link, header: esmClass&smpp.ESMUDHI != 0, receipt: esmClass&smpp.ESMTypeMask == smpp.ESMReceipt}
	c.octet("registered_delivery §5.2.17", registeredOctet)
	how.coding = c.octet("data_coding §5.2.19", codingOctet)
	c.parameters(how)
}

func (c *cursor) querySM() {
	c.text("message_id §5.2.23", 64)
	c.source()
	c.parameters(coded{})
}

func (c *cursor) queryResponse() {
	if len(c.rest()) == 0 {
		c.meaning = "no body"
		return
	}
	c.text("message_id §5.2.23", 64)
	if c.time("final_date §4.8.2") == "" {
		c.explain("none: the state is not final")
	}
	c.octet("message_state §5.2.28", stateOctet)
	c.octet("error_code §4.8.2", plainOctet)
	c.parameters(coded{})
}

func (c *cursor) cancelSM() {
	c.text("service_type §5.2.11", 5)
	c.text("message_id §5.2.23", 64)
	c.source()
	c.destination()
	c.parameters(coded{})
}

func (c *cursor) replaceSM() {
	c.text("message_id §5.2.23", 64)
	link := tpdu.Link{Source: c.source()}
	c.time("schedule_delivery_time §5.2.15")
	c.time("validity_period §5.2.16")
	c.octet("registered_delivery §5.2.17", registeredOctet)
	c.octet("sm_default_msg_id §5.2.20", plainOctet)
	c.content(coded{link: link})
}

func (c *cursor) outbind() {
	c.text("system_id §5.2.1", 15)
	c.private = true
	c.text("password §5.2.2", 8)
	c.mask(secret)
	c.parameters(coded{})
}

func (c *cursor) alertNotification() {
	c.longAddress("source", "§5.2.5", "§5.2.6", "§5.2.8", mostLong)
	c.longAddress("esme", "§5.2.5", "§5.2.6", "§5.2.10", mostLong)
	c.parameters(coded{})
}
