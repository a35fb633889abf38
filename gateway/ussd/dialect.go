package ussd

import (
	"encoding/binary"
	"fmt"

	"github.com/airtill/airtill/gateway/smpp"
)

// Dialect is how an account writes sessions into SMPP.
type Dialect uint8

// The dialects: the specification's, and what deployed gateways made of it.
const (
	// Spec is SMPP 3.4: ops 0, 1, 18, 19 up and 2, 3, 16, 17 down; the session's number
	// is the first octet of its_session_info, bit 0 of the second ends the session. A
	// user who gives up is the vendor's op 129, for the specification has none.
	Spec Dialect = iota
	// FlagEnds has op 2 down always, and ends by the flag alone: an up that ends is an
	// op 18 with it. Bits 15-1 of its_session_info are opaque, to be sent back.
	FlagEnds
	// LongID has a session id in bits 15-1 of its_session_info; ops 1, 18 and 129 (gave
	// up) up, 2 and 23 (end) down.
	LongID
	// Reference has the session id in user_message_reference, and the ops of LongID.
	Reference
	// NoID has the ops of Spec and no id at all: a handset's one session is meant.
	NoID
)

// Dialects lists them all.
func Dialects() []Dialect { return []Dialect{Spec, FlagEnds, LongID, Reference, NoID} }

// Values of ussd_service_op, SMPP 3.4 §5.3.2.44; 32 to 255 are the vendor's.
const (
	opPSSDIndication uint8 = 0
	opPSSRIndication uint8 = 1
	opUSSRRequest    uint8 = 2
	opUSSNRequest    uint8 = 3
	opPSSDResponse   uint8 = 16
	opPSSRResponse   uint8 = 17
	opUSSRConfirm    uint8 = 18
	opUSSNConfirm    uint8 = 19
	opVendorEnd      uint8 = 23 // 17 read as hexadecimal
	opVendorAbort    uint8 = 129
)

// endFlag is bit 0 of its_session_info, SMPP 3.4 §5.3.2.43.
const endFlag = 1

// idForm is where a dialect has the session's id.
type idForm uint8

const (
	noID      idForm = iota
	number8          // first octet of its_session_info; dialogue number and end flag in the second
	long15           // bits 15-1 of its_session_info; the end flag in bit 0
	reference        // user_message_reference
)

// op is one value of ussd_service_op, and what it means.
type op struct {
	kind   Kind
	value  uint8
	phase1 bool
}

// dialects has a row for each Dialect. Of several ops for one kind, or several kinds of
// one op, the first is meant.
var dialects = [...]struct {
	name     string
	id       idForm
	up, down []op
}{
	Spec:      {"spec", number8, specUp, specDown},
	FlagEnds:  {"flag-ends", long15, []op{dial, answer, {Abort, opUSSRConfirm, false}}, []op{ask, {End, opUSSRRequest, false}}},
	LongID:    {"long-id", long15, vendorUp, vendorDown},
	Reference: {"reference", reference, vendorUp, vendorDown},
	NoID:      {"no-id", noID, specUp, specDown},
}

var (
	dial   = op{Dial, opPSSRIndication, false}
	answer = op{Answer, opUSSRConfirm, false}
	ask    = op{Ask, opUSSRRequest, false}

	specUp = []op{
		dial, {Dial, opPSSDIndication, true}, answer, {Ack, opUSSNConfirm, false}, {Abort, opVendorAbort, false},
	}
	specDown = []op{
		ask, {Notify, opUSSNRequest, false}, {End, opPSSRResponse, false}, {End, opPSSDResponse, true},
	}
	vendorUp   = []op{dial, answer, {Abort, opVendorAbort, false}}
	vendorDown = []op{ask, {End, opVendorEnd, false}}
)

func (d Dialect) String() string {
	if int(d) < len(dialects) {
		return dialects[d].name
	}
	return fmt.Sprintf("dialect %d", uint8(d))
}

// MarshalText writes a dialect as its name.
func (d Dialect) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a dialect's name: spec, flag-ends, long-id, reference or no-id.
func (d *Dialect) UnmarshalText(text []byte) error {
	for i, row := range dialects {
		if row.name == string(text) {
			*d = Dialect(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a USSD dialect: there is spec, flag-ends, long-id, reference, no-id", text)
}

// idBits is how many bits an id has in the dialect.
func (d Dialect) idBits() int {
	return [...]int{noID: 0, number8: 8, long15: 15, reference: 16}[dialects[d].id]
}

// ops is the rows for one way.
func (d Dialect) ops(up bool) []op {
	if up {
		return dialects[d].up
	}
	return dialects[d].down
}

// Says tells whether the dialect has a word for a kind of message. Where it has none
// for Notify, an End begins a session; where it has none for Ack, it is not told.
func (d Dialect) Says(k Kind) bool {
	for _, o := range d.ops(k.Up()) {
		if o.kind == k {
			return true
		}
	}
	return false
}

// IsUSSD says whether a message is the Switch's: by its service_type, or by
// ussd_service_op.
func IsUSSD(sm *smpp.SubmitSM) bool {
	if sm.ServiceType == ServiceType {
		return true
	}
	_, ok := sm.TLVs.Get(smpp.TagUSSDServiceOp)
	return ok
}

// Encode writes a message; it is a submit_sm or a deliver_sm, whichever way it goes. It
// fails with a *smpp.StatusError if the dialect has no word for it, the text does not
// fit, or an id or an address does not.
func (d Dialect) Encode(m Message) (*smpp.SubmitSM, error) {
	value, ok := d.opOf(m)
	if !ok {
		return nil, refuse(smpp.RINVOPTPARAMVAL, "ussd_service_op")
	}
	if len(m.Phone) > maxAddress || len(m.Code) > maxAddress {
		return nil, refuse(smpp.RINVDSTADR, "destination_addr")
	}
	octets, coding, err := encodeText(m.Text)
	if err != nil {
		return nil, err
	}
	sm := &smpp.SubmitSM{ServiceType: ServiceType, DataCoding: coding, ShortMessage: octets}
	phone := smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: m.Phone}
	sm.Source, sm.Destination = smpp.Address{Digits: m.Code}, phone
	if m.Kind.Up() {
		sm.Source, sm.Destination = sm.Destination, sm.Source
	}
	sm.TLVs, err = d.tlvs(m, value)
	return sm, err
}

// maxAddress is what an address holds, SMPP 3.4 §5.2.8.
const maxAddress = 20

// opOf is the op for a message: where the dialect has none of phase 1, the usual one.
func (d Dialect) opOf(m Message) (value uint8, ok bool) {
	for _, o := range d.ops(m.Kind.Up()) {
		if o.kind == m.Kind && o.phase1 == m.Phase1 {
			return o.value, true
		}
		if o.kind == m.Kind && !ok {
			value, ok = o.value, true
		}
	}
	return value, ok
}

func (d Dialect) tlvs(m Message, value uint8) (smpp.TLVs, error) {
	ts := make(smpp.TLVs, 0, 3)
	ts = append(ts, smpp.Uint8TLV(smpp.TagUSSDServiceOp, value))
	if int(m.ID) >= 1<<d.idBits() {
		return nil, refuse(smpp.RINVOPTPARAMVAL, "session id")
	}
	var end uint16
	if m.Kind == End || m.Kind == Abort {
		end = endFlag
	}
	switch dialects[d].id {
	case number8:
		ts = append(ts, smpp.Uint16TLV(smpp.TagITSSessionInfo, m.ID<<8|uint16(m.Dialogue&0x7F)<<1|end))
	case long15:
		ts = append(ts, smpp.Uint16TLV(smpp.TagITSSessionInfo, m.ID<<1|end))
	case reference:
		ts = append(ts, smpp.Uint16TLV(smpp.TagUserMessageReference, m.ID))
	case noID:
	}
	if m.Reason != "" {
		ts = append(ts, smpp.TextTLV(smpp.TagAdditionalStatusInfo, m.Reason))
	}
	return ts, nil
}

// Decode reads a message that goes up or down. An id of zero is none: it is what those
// write who have none. What Decode refuses is a *smpp.StatusError with the status to
// answer with.
func (d Dialect) Decode(up bool, sm *smpp.SubmitSM) (Message, error) {
	if sm.ESMClass&smpp.ESMUDHI != 0 {
		return Message{}, refuse(smpp.RINVESMCLASS, "esm_class")
	}
	m := Message{Phone: sm.Destination.Digits, Code: sm.Source.Digits}
	if up {
		m.Phone, m.Code = m.Code, m.Phone
	}
	ends, err := d.readID(&m, sm.TLVs)
	if err != nil {
		return Message{}, err
	}
	if err := d.readOp(&m, up, ends, sm.TLVs); err != nil {
		return Message{}, err
	}
	if m.Kind == Abort {
		m.Reason, _ = sm.TLVs.Text(smpp.TagAdditionalStatusInfo)
		return m, nil // whatever else it says
	}
	m.Text, err = decodeText(sm.UserData(), sm.DataCoding)
	return m, err
}

// readID reads the id and the end flag.
func (d Dialect) readID(m *Message, ts smpp.TLVs) (ends bool, err error) {
	tag := smpp.TagITSSessionInfo
	switch dialects[d].id {
	case noID:
		return false, nil
	case reference:
		tag = smpp.TagUserMessageReference
	case number8, long15:
	}
	octets, ok := ts.Get(tag)
	if !ok {
		return false, nil
	}
	if len(octets) != 2 {
		return false, refuse(smpp.RINVPARLEN, tag.String())
	}
	v := binary.BigEndian.Uint16(octets)
	switch dialects[d].id {
	case number8:
		m.ID, m.Dialogue, ends = v>>8, uint8(v>>1&0x7F), v&endFlag != 0
	case long15:
		m.ID, ends = v>>1, v&endFlag != 0
	case noID, reference:
		m.ID = v
	}
	return ends, nil
}

// readOp reads what the message does. The end flag makes any op the last word.
func (d Dialect) readOp(m *Message, up, ends bool, ts smpp.TLVs) error {
	value, ok := ts.Get(smpp.TagUSSDServiceOp)
	if !ok {
		return refuse(smpp.RMISSINGOPTPARAM, "ussd_service_op")
	}
	if len(value) != 1 {
		return refuse(smpp.RINVPARLEN, "ussd_service_op")
	}
	for _, o := range d.ops(up) {
		if o.value == value[0] {
			m.Kind, m.Phase1 = o.kind, o.phase1
			break
		}
	}
	switch {
	case m.Kind == 0:
		return refuse(smpp.RINVOPTPARAMVAL, "ussd_service_op")
	case up && ends && m.Kind != Dial:
		m.Kind = Abort
	case !up:
		m.Pushes = m.Kind != End && ends || m.Kind == End && !d.Says(Notify)
		if ends {
			m.Kind = End
		}
	}
	return nil
}
