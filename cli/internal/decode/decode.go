// Package decode explains octets of the wire field by field: SMPP PDUs, short message
// TPDUs, user data, secured packets, and, with keys, the applet messages in them.
//
// [Explain] makes a tree of fields: what lies at which offset, what it is called by
// its standard, and what it means. It covers every octet once: a field's parts lie
// side by side and fill it, and what cannot be read is a field of its own. Deciphered
// octets stand where the ciphered ones stood. The codecs of gateway and platform have
// the last word: what they refuse is a [Fault] here, also when every field could be
// walked over.
//
// Secrets - passwords, PIN blocks, card blobs, identity and phone numbers of a
// payment, wrapped keys - show as a mask, their octets too, and keys never show.
//
// [Units] reads hexadecimal as people have it, hex dumps included; [Join] explains
// what the parts of a concatenated message say together; [TsharkPlugin] is a
// dissector of secured packets for Wireshark.
//
// Left out: service centre addresses before a TPDU, SMS-STATUS-REPORT, SMS-COMMAND and
// the REPORT TPDUs, proprietary algorithms, and the octets inside GSM 7 bit septets.
// Nothing here reads a file or sends anything.
package decode

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/gateway/tpdu"
)

// Field is what lies at some octets. A field without Fields is a leaf and has Octets.
type Field struct {
	Offset  int     `json:"offset"` // from the input's first octet, 0
	Length  int     `json:"length"`
	Name    string  `json:"name"`
	Clause  string  `json:"clause,omitempty"` // of the standard that says so
	Octets  string  `json:"octets,omitempty"` // in hexadecimal; of a secret, a mask
	Value   string  `json:"value,omitempty"`
	Meaning string  `json:"meaning,omitempty"`
	Fields  []Field `json:"fields,omitempty"`
}

// Fault is what is wrong with an input, and where.
type Fault struct {
	Offset int    `json:"offset"`
	Why    string `json:"why"`
}

// Error says where and what.
func (f *Fault) Error() string { return fmt.Sprintf("octet %d: %s", f.Offset, f.Why) }

// Kind is what octets are taken for.
type Kind uint8

// The kinds, in the order they are tried.
const (
	PDU      Kind = iota + 1 // SMPP PDUs, one or several in a row
	Message                  // an applet message
	Packet                   // a secured packet
	UserData                 // user data with its header
	TPDU                     // an SMS-DELIVER or SMS-SUBMIT
)

var kindNames = map[Kind]string{PDU: "pdu", Message: "message", Packet: "packet", UserData: "userdata", TPDU: "tpdu"}

// String is the kind in one word.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "unknown"
}

// MarshalText writes the kind's word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's word.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	if string(text) == Kind(0).String() {
		return nil
	}
	*k, err = ParseKind(string(text))
	return err
}

// ParseKind reads a kind's word.
func ParseKind(s string) (Kind, error) {
	for k, name := range kindNames {
		if strings.EqualFold(s, name) {
			return k, nil
		}
	}
	return 0, errors.New("it is pdu, tpdu, userdata, packet or message")
}

// Explanation is what one input is.
type Explanation struct {
	Kind    Kind    `json:"kind"`
	Length  int     `json:"length"`
	Fields  []Field `json:"fields"`
	Fault   *Fault  `json:"fault,omitempty"`
	Refused bool    `json:"refused,omitempty"` // it has a packet that the keys given do not open

	segments []segment
}

// Explain explains octets as what they are; kind is 0 for that to be found out.
func Explain(octets []byte, kind Kind, keys Keyring) Explanation {
	if kind != 0 {
		return explainAs(octets, kind, keys)
	}
	for _, k := range kinds() {
		if looks(k, octets) {
			if e := explainAs(octets, k, keys); e.Fault == nil {
				return e
			}
		}
	}
	for _, k := range kinds() {
		if looks(k, octets) {
			return explainAs(octets, k, keys)
		}
	}
	return nothing(octets)
}

func kinds() []Kind { return []Kind{PDU, Message, Packet, UserData, TPDU} }

// looks tells whether octets could be of a kind, by how they begin.
func looks(k Kind, octets []byte) bool {
	switch k {
	case PDU:
		return looksPDU(octets)
	case Message:
		return looksMessage(octets)
	case Packet:
		return looksPacket(octets)
	case UserData:
		return looksUserData(octets)
	case TPDU:
		return looksTPDU(octets)
	}
	return false
}

func explainAs(octets []byte, kind Kind, keys Keyring) Explanation {
	u := &unit{keys: keys}
	c := &cursor{unit: u, octets: octets, end: len(octets)}
	switch kind {
	case PDU:
		c.pdus()
	case Message:
		c.message()
	case Packet:
		c.packet(eitherPacket)
	case UserData:
		c.userData(coded{header: true, coding: tpdu.CodingOctets})
	case TPDU:
		c.tpdu()
	}
	if len(octets) == 0 {
		c.blame(0, "no octets")
	}
	c.close()
	return Explanation{
		Kind: kind, Length: len(octets), Fields: c.fields, Fault: u.fault, Refused: u.refused, segments: u.segments,
	}
}

// nothing explains what is like nothing that is known here.
func nothing(octets []byte) Explanation {
	c := &cursor{unit: new(unit), octets: octets, end: len(octets)}
	c.blame(0, "neither an SMPP PDU, a TPDU, user data with a header, a secured packet nor a message")
	c.close()
	return Explanation{Length: len(octets), Fields: c.fields, Fault: c.fault}
}

// Find is the first field of a name, the path to it walked in order; false when there
// is none.
func Find(fields []Field, path ...string) (Field, bool) {
	for _, f := range fields {
		rest := path
		if f.Name == path[0] {
			if rest = path[1:]; len(rest) == 0 {
				return f, true
			}
		}
		if found, ok := Find(f.Fields, rest...); ok {
			return found, true
		}
	}
	return Field{}, false
}

// leaves are the fields without parts, in order.
func leaves(fields []Field) []Field {
	var all []Field
	for _, f := range fields {
		if len(f.Fields) == 0 {
			all = append(all, f)
			continue
		}
		all = slices.Concat(all, leaves(f.Fields))
	}
	return all
}
