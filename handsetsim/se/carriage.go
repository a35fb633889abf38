package se

import (
	"slices"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
)

// Carry puts a packet of the element into short messages, as its form sends them
// (wire.md 1.7): several when it does not fit one, with the reference.
func (e *Element) Carry(packet []byte, ref tpdu.Reference) ([]tpdu.Segment, error) {
	if e.form.InSIM() {
		return tpdu.FromSIM(packet, ref)
	}
	return tpdu.ByPort(tpdu.Ports{Destination: applet.Port, Source: applet.Port}, packet, ref)
}

// Reached takes the packet out of a whole message, if it came the way that leads to
// an element of this form (wire.md 1.7): to one in the SIM with TP-PID 7F, class 2 and
// no ports; to one beside it with TP-PID 00, class 1 and the applet's port. A carrier
// may have dropped the class. Nothing else reaches the element.
func (e *Element) Reached(whole tpdu.Segment) (packet []byte, ok bool) {
	secured, ok := tpdu.ReadSecured(whole)
	if !ok || secured.Response || !slices.Contains(e.codings(), whole.Coding) {
		return nil, false
	}
	if e.form.InSIM() {
		ok = secured.SIM && secured.Ports == nil
	} else {
		ok = whole.Protocol == 0 && secured.Ports != nil && secured.Ports.Destination == applet.Port
	}
	if !ok {
		return nil, false
	}
	return secured.Packet, true
}

// codings are the TP-DCS values that lead to the element.
func (e *Element) codings() []uint8 {
	if e.form.InSIM() {
		return []uint8{tpdu.CodingSIM, tpdu.CodingOctets}
	}
	return []uint8{tpdu.CodingPhone, tpdu.CodingOctets}
}
