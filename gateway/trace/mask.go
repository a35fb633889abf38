package trace

import (
	"bytes"
	"encoding/binary"

	"github.com/airtill/airtill/gateway/smpp"
)

// cut takes the first PDU from octets. What is none is taken whole.
func cut(octets []byte) (pdu, rest []byte) {
	if len(octets) < smpp.HeaderLen {
		return octets, nil
	}
	n := binary.BigEndian.Uint32(octets)
	if n < smpp.HeaderLen || uint64(n) > uint64(len(octets)) {
		return octets, nil
	}
	return octets[:n], octets[n:]
}

// systemIDMost is the octets of a system_id with its NUL, SMPP 3.4 §5.2.1.
const systemIDMost = 16

// mask writes asterisks over what is secret in a PDU. Of one that is not well formed it
// rather masks too much.
func mask(pdu []byte) {
	if len(pdu) < smpp.HeaderLen {
		return
	}
	switch smpp.CommandID(binary.BigEndian.Uint32(pdu[4:])) {
	case smpp.IDBindReceiver, smpp.IDBindTransmitter, smpp.IDBindTransceiver, smpp.IDOutbind:
		maskPassword(pdu)
	case smpp.IDSubmitSM, smpp.IDDeliverSM, smpp.IDDataSM:
		maskTyped(pdu)
	}
}

// maskPassword masks the password of a bind or outbind, SMPP 3.4 §4.1: the second
// C-octet string of its body.
func maskPassword(pdu []byte) {
	body := pdu[smpp.HeaderLen:]
	start := bytes.IndexByte(body, 0) + 1
	if start == 0 || start > systemIDMost { // where the password begins nobody can say
		asterisks(body[min(systemIDMost, len(body)):])
		return
	}
	password := body[start:]
	if end := bytes.IndexByte(password, 0); end >= 0 {
		password = password[:end]
	}
	asterisks(password)
}

func asterisks(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}

// maskTyped masks what somebody has typed in a USSD session, because it may be a PIN.
func maskTyped(pdu []byte) {
	if !bytes.Contains(pdu, []byte(smpp.USSDServiceType)) && !bytes.Contains(pdu, opHeader) {
		return
	}
	p, err := smpp.Decode(pdu)
	if err != nil {
		asterisks(pdu[smpp.HeaderLen:])
		return
	}
	short, parameters := content(p.Body)
	op, ok := parameters.USSDOp()
	payload, _ := parameters.Get(smpp.TagMessagePayload)
	for _, text := range [][]byte{short, payload} {
		if ok && op == smpp.USSRConfirm || op != smpp.PSSRIndication && isTyped(text) {
			asterisks(text)
		}
	}
	if masked, err := smpp.Append(nil, p); err == nil && len(masked) == len(pdu) {
		copy(pdu, masked)
	} else {
		asterisks(pdu[smpp.HeaderLen:])
	}
}

// opHeader is a ussd_service_op as it begins, SMPP 3.4 §5.3.2.44.
var opHeader = []byte{byte(smpp.TagUSSDServiceOp >> 8), byte(smpp.TagUSSDServiceOp & 0xFF), 0, 1}

// content is what a message says, in its two places.
func content(b smpp.Body) (short []byte, parameters smpp.TLVs) {
	switch b := b.(type) {
	case *smpp.SubmitSM:
		return b.ShortMessage, b.TLVs
	case *smpp.DeliverSM:
		return b.ShortMessage, b.TLVs
	case *smpp.DataSM:
		return nil, b.TLVs
	}
	return nil, nil
}

// isTyped says whether a text has nothing but keys of a telephone, in any alphabet: some
// dialects do not say which messages are a user's.
func isTyped(text []byte) bool { return len(bytes.Trim(text, "0123456789*#\x00")) == 0 }
