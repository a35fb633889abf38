package smpp

import "strconv"

// USSDServiceType is the service_type of USSD messages, §5.2.11.
const USSDServiceType = "USSD"

// USSDOp is a ussd_service_op: what a message does in its USSD session, §5.3.2.44.
type USSDOp uint8

// The operations of §5.3.2.44, and two of the vendors' own that are widely deployed.
const (
	PSSDIndication USSDOp = 0   // process unstructured data: the handset begins
	PSSRIndication USSDOp = 1   // process unstructured request: the handset dials
	USSRRequest    USSDOp = 2   // unstructured request: the network asks
	USSNRequest    USSDOp = 3   // unstructured notify: the network tells
	PSSDResponse   USSDOp = 16  // answers PSSDIndication
	PSSRResponse   USSDOp = 17  // the last text; the session ends
	USSRConfirm    USSDOp = 18  // the handset's answer
	USSNConfirm    USSDOp = 19  // the handset has shown the text
	USSDEnd        USSDOp = 23  // a reserved value that gateways use: last text, the session ends
	USSDAbort      USSDOp = 129 // a vendor's: the handset's user gave up
)

const vendorUSSDOp USSDOp = 32 // and up, §5.3.2.44

// Valid says whether the value is one that is used: not one that §5.3.2.44 reserves,
// but for USSDEnd.
func (op USSDOp) Valid() bool {
	return op <= USSNRequest || op >= PSSDResponse && op <= USSNConfirm || op == USSDEnd || op >= vendorUSSDOp
}

// String is the operation as the specification calls it.
func (op USSDOp) String() string {
	switch op {
	case PSSDIndication:
		return "PSSD indication"
	case PSSRIndication:
		return "PSSR indication"
	case USSRRequest:
		return "USSR request"
	case USSNRequest:
		return "USSN request"
	case PSSDResponse:
		return "PSSD response"
	case PSSRResponse:
		return "PSSR response"
	case USSRConfirm:
		return "USSR confirm"
	case USSNConfirm:
		return "USSN confirm"
	case USSDEnd:
		return "end (vendor)"
	case USSDAbort:
		return "abort (vendor)"
	}
	if op >= vendorUSSDOp {
		return "vendor's own " + strconv.Itoa(int(op))
	}
	return "reserved " + strconv.Itoa(int(op))
}

// USSDOpTLV makes a ussd_service_op.
func USSDOpTLV(op USSDOp) TLV { return Uint8TLV(TagUSSDServiceOp, uint8(op)) }

// USSDOp returns the message's ussd_service_op, false if there is none.
func (t TLVs) USSDOp() (USSDOp, bool) {
	v, ok := t.Uint8(TagUSSDServiceOp)
	return USSDOp(v), ok
}

// SessionInfo is an its_session_info, §5.3.2.43: the session's number, and in its
// second octet the dialogue's number (7 bits) above the end flag.
type SessionInfo struct {
	Session  uint8
	Dialogue uint8 // 0 to 127
	End      bool
}

// Uint16 is the parameter's value; a Dialogue over 127 loses its top bit.
func (s SessionInfo) Uint16() uint16 {
	v := uint16(s.Session)<<8 | uint16(s.Dialogue&0x7F)<<1
	if s.End {
		v |= 1
	}
	return v
}

// SessionInfoOf reads the value of an its_session_info.
func SessionInfoOf(v uint16) SessionInfo {
	return SessionInfo{Session: uint8(v >> 8), Dialogue: uint8(v) >> 1, End: v&1 == 1}
}

// TLV makes an its_session_info.
func (s SessionInfo) TLV() TLV { return Uint16TLV(TagITSSessionInfo, s.Uint16()) }

// SessionInfo returns the message's its_session_info, false if there is none.
func (t TLVs) SessionInfo() (SessionInfo, bool) {
	v, ok := t.Uint16(TagITSSessionInfo)
	return SessionInfoOf(v), ok
}
