package tpdu

// Values that secured packets travel with (TS 31.115 §4, TS 23.040 §9.2.3.9, TS 23.038 §4).
const (
	ProtocolSIM  uint8 = 0x7F // (U)SIM data download
	CodingPhone  uint8 = 0xF5 // 8-bit, class 1: for the phone
	CodingSIM    uint8 = 0xF6 // 8-bit, class 2: for the card in it
	protocolNone uint8 = 0x00
)

// ToSIM carries a command packet to a card in the SIM: the phone hands it on unread.
func ToSIM(packet []byte, ref Reference) ([]Segment, error) {
	m := message{protocol: ProtocolSIM, coding: CodingSIM, first: commandHeader(), payload: packet}
	return m.split(ref)
}

// FromSIM carries a command packet from a card in the SIM, as the phone sends it.
func FromSIM(packet []byte, ref Reference) ([]Segment, error) {
	m := message{protocol: protocolNone, coding: CodingPhone, first: commandHeader(), payload: packet}
	return m.split(ref)
}

// ByPort carries a command packet to or from an application of the phone that has a
// card of its own, standalone or with SD/TF. Every part repeats the ports; the mark
// of a command packet is in the first part only.
func ByPort(ports Ports, packet []byte, ref Reference) ([]Segment, error) {
	m := message{
		protocol: protocolNone, coding: CodingPhone,
		every: Header{ports.Element()}, first: commandHeader(), payload: packet,
	}
	return m.split(ref)
}

func commandHeader() Header { return Header{{ID: ElementCommand}} }

// Secured is a secured packet as it arrived.
type Secured struct {
	Response bool   // a response packet, else a command packet
	SIM      bool   // it goes to a card in the SIM
	Ports    *Ports // of the applications; nil: it names none
	Packet   []byte // from its length on
}

// ReadSecured recognises a secured packet in a whole message: one segment, or what
// a Reassembler joined. It goes by the header alone; the packet may yet be refused.
func ReadSecured(s Segment) (Secured, bool) {
	command, response := s.Header.Has(ElementCommand), s.Header.Has(ElementResponse)
	if _, part := s.Header.Concat(); part || command == response || s.Alphabet() != Octets {
		return Secured{}, false
	}
	packet := Secured{Response: response, SIM: s.Protocol == ProtocolSIM, Packet: s.Payload}
	if ports, ok := s.Header.Ports(); ok {
		packet.Ports = &ports
	}
	return packet, true
}
