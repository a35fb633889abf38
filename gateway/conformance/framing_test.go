package conformance_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
)

// most is the largest PDU that the centre takes: room for a message_payload of
// 65,535 octets and every other field.
const most = 70 << 10

// wantNack is what a command_length that cannot be is answered with, §3.2 and §4.3:
// generic_nack, ESME_RINVCMDLEN, and the end.
func (p *peer) wantNack(sequence uint32) {
	p.t.Helper()
	p.want(nack, 0x02, sequence)
	p.ends()
}

// A command_length is big-endian and counts the header, §3.2.
func TestFraming_LengthCountsTheHeader(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	p.send([]byte{0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 42})
	p.want(enquireLink|resp, 0, 42)
}

// Lengths 0 to 15, over the bound, 2^31 and 2^32-1 are nacked with the request's
// sequence number, in every state of a session; a header alone and a few octets more are PDUs.
func TestFraming_EveryLength(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	lengths := []uint32{most + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	for length := range uint32(16) {
		lengths = append(lengths, length)
	}
	for _, state := range []uint32{0, bindTransmitter, bindReceiver, bindTransceiver} {
		for _, length := range lengths {
			p := ce.in(state)
			p.send(frame(length, enquireLink, 42, ""))
			p.wantNack(42)
		}
		for length := uint32(16); length <= 20; length++ {
			p := ce.in(state)
			p.send(frame(length, enquireLink, 42, "\x00\x00\x00\x00"[:length-16]))
			if a := p.next(); a.id != enquireLink|resp || a.sequence != 42 {
				t.Errorf("length %d in state %x: %v", length, state, a)
			}
			p.close()
		}
	}
	n.works()
}

// in is a session in a state: open or bound.
func (ce *centre) in(state uint32) *peer {
	ce.t.Helper()
	if state == 0 {
		return ce.connect()
	}
	return ce.bound(state, "platform")
}

// Where the sequence number did not come it is 0: the answer does not wait for it.
func TestFraming_NoSequenceNumber(t *testing.T) {
	ce := listen(t, config())
	for _, octets := range []string{"\x00\x00\x00\x02\x00", "\x00\x00\x00\x0F", "\x00\x00\x00\x00\x00\x00\x00\x04"} {
		p := ce.connect()
		p.send([]byte(octets))
		p.wantNack(0)
	}
}

// Every value of every octet of command_length: the nack and the end, or a PDU of
// that length and a session that lives.
func TestFraming_EveryLengthOctet(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	for at := range 4 {
		for value := range 256 {
			octets := pdu(enquireLink, 42, "")
			octets[at] = byte(value)
			length := binary.BigEndian.Uint32(octets)
			p := ce.bound(bindTransceiver, "platform")
			if length < 16 || length > most {
				p.send(octets)
				p.wantNack(42)
				continue
			}
			p.send(append(octets, make([]byte, length-16)...))
			if a := p.next(); a.id != enquireLink|resp || a.sequence != 42 {
				t.Errorf("octet %d is %d: %v", at, value, a)
			}
			p.lives()
			p.close()
		}
	}
	n.works()
}

// The bound has room for a full message_payload (§3.2.4, §5.3.2.32).
func TestFraming_LargestMessage(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	large := string(bytes.Repeat([]byte("x"), 65_535))
	p.asks(submitSM, 2, submit(saying(""), func(m *message) { m.tlvs = tlv(0x0424, large) }), 0)
}

// A length is bounded before anything is allocated for it.
func TestFraming_NothingIsAllocatedForALie(t *testing.T) {
	ce := listen(t, config())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const lies = 200
	for range lies {
		p := ce.connect()
		p.send(frame(1<<31, submitSM, 42, ""))
		p.wantNack(42)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / lies; each > 256<<10 {
		t.Errorf("%d octets allocated for each", each)
	}
}

// TCP has no message edges: a session an octet at a time.
func TestFraming_OctetByOctet(t *testing.T) {
	p := listen(t, config()).connect()
	defer p.close()
	var all []byte
	all = append(all, pdu(bindTransceiver, 1, binding("platform"))...)
	all = append(all, pdu(submitSM, 2, submit())...)
	all = append(all, pdu(unbind, 3, "")...)
	for i := range all {
		p.send(all[i : i+1])
	}
	p.want(bindTransceiver|resp, 0, 1)
	p.want(submitSM|resp, 0, 2)
	p.want(unbind|resp, 0, 3)
	p.ends()
}

// Cut in two at every octet, two PDUs are two PDUs.
func TestFraming_CutAnywhere(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	two := append(pdu(submitSM, 2, submit()), pdu(enquireLink, 3, "")...)
	for at := range two {
		p.send(two[:at])
		p.send(two[at:])
		p.want(submitSM|resp, 0, 2)
		p.want(enquireLink|resp, 0, 3)
	}
}

// Hundreds of PDUs in one write are answered, each and in order.
func TestFraming_HundredsInOneWrite(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	const many = 900
	var all []byte
	for i := range uint32(many) {
		all = append(all, pdu(submitSM, 2+i, submit())...)
	}
	p.send(all)
	for i := range uint32(many) {
		p.want(submitSM|resp, 0, 2+i)
	}
}

// Other protocols on the port get an answer and the end, and cost the neighbours nothing.
func TestFraming_OtherProtocols(t *testing.T) {
	ce := listen(t, config())
	n := ce.neighbour()
	defer n.close()
	for _, hello := range []string{
		"GET / HTTP/1.1\r\nHost: smsc.example\r\n\r\n",
		"POST /send HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "0123456789abcdef0123456789abcdef", // a TLS ClientHello
		"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
		"EHLO smsc.example\r\nMAIL FROM:<a@b.example>\r\n",
		"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n", // Redis
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		p := ce.connect()
		p.send([]byte(hello))
		if a := p.next(); a.id != nack || a.status != 0x02 {
			t.Errorf("%q: answered with %v", hello, a)
		}
		p.ends()
		n.works()
	}
}

// An unknown command is nacked with ESME_RINVCMDID and its own sequence number; the
// session stays (§4.3.1, §5.1.3).
func TestFraming_UnknownCommand(t *testing.T) {
	ce := listen(t, config())
	for _, state := range []uint32{0, bindTransmitter, bindReceiver, bindTransceiver} {
		p := ce.in(state)
		for i, id := range []uint32{0, 0x0A, 0x0C, 0x14, 0x20, 0x22, 0xFF, 0x101, 0x104, 0x111, 0x112, 0x10200, 0x7FFFFFFF} {
			for _, body := range []string{"", "x", submit()} {
				p.send(pdu(id, uint32(i+2), body))
				p.want(nack, 0x03, uint32(i+2))
			}
		}
		p.close()
	}
}

// A response or a generic_nack is never answered, whatever it says (§4.3.1).
func TestFraming_ResponsesAreNotAnswered(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, id := range []uint32{
		nack, bindReceiver | resp, bindTransmitter | resp, querySM | resp, submitSM | resp, deliverSM | resp, unbind | resp,
		replaceSM | resp, cancelSM | resp, bindTransceiver | resp, enquireLink | resp, submitMulti | resp, dataSM | resp,
		outbind | resp, alert | resp, 0x80000104, 0xFFFFFFFF,
	} {
		for _, status := range []uint32{0, 0x08, 0x64, 0xFFFFFFFF} {
			for _, body := range []string{"", "\x00", "no end"} {
				p.send(answering(id, status, 4711, body))
			}
		}
	}
	p.lives()
}

// A PDU may be as long as the bound, and the one after it is found.
func TestFraming_AtTheBound(t *testing.T) {
	p := listen(t, config()).bound(bindTransceiver, "platform")
	defer p.close()
	for _, length := range []int{most - 1, most} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			p.send(append(pdu(0x104, 5, string(make([]byte, length-16))), pdu(enquireLink, 6, "")...))
			p.want(nack, 0x03, 5)
			p.want(enquireLink|resp, 0, 6)
		})
	}
}
