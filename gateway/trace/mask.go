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

// mask writes asterisks over the password of a bind or outbind, SMPP 3.4 §4.1: the
// second C-octet string of its body. Of a bind that is not well formed it rather
// masks too much.
func mask(pdu []byte) {
	if len(pdu) < smpp.HeaderLen || !hasPassword(smpp.CommandID(binary.BigEndian.Uint32(pdu[4:]))) {
		return
	}
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

func hasPassword(id smpp.CommandID) bool {
	switch id {
	case smpp.IDBindReceiver, smpp.IDBindTransmitter, smpp.IDBindTransceiver, smpp.IDOutbind:
		return true
	}
	return false
}
