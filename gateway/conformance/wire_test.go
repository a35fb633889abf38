package conformance_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Commands, §5.1.2.1. A response has the highest bit.
const (
	nack            = 0x80000000
	bindReceiver    = 0x00000001
	bindTransmitter = 0x00000002
	querySM         = 0x00000003
	submitSM        = 0x00000004
	deliverSM       = 0x00000005
	unbind          = 0x00000006
	replaceSM       = 0x00000007
	cancelSM        = 0x00000008
	bindTransceiver = 0x00000009
	outbind         = 0x0000000B
	enquireLink     = 0x00000015
	submitMulti     = 0x00000021
	alert           = 0x00000102
	dataSM          = 0x00000103
	resp            = 0x80000000 // added to a request's
)

// pdu is a header and a body, §3.2.
func pdu(id, sequence uint32, body string) []byte {
	return frame(uint32(16+len(body)), id, sequence, body)
}

// frame is a PDU whose command_length says what it likes.
func frame(length, id, sequence uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, sequence)
	return append(b, body...)
}

// answering is a response with a status, §3.2.
func answering(id, status, sequence uint32, body string) []byte {
	b := pdu(id, sequence, body)
	binary.BigEndian.PutUint32(b[8:], status)
	return b
}

// c is a C-octet string, §3.1.
func c(s string) string { return s + "\x00" }

// tlv is an optional parameter, §3.2.4.1.
func tlv(tag uint16, value string) string {
	b := binary.BigEndian.AppendUint16(nil, tag)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return string(b) + value
}

// bind is the body of the three binds, §4.1.
type bind struct{ systemID, password, systemType, version, ton, npi, addressRange string }

func binding(systemID string, change ...func(*bind)) string {
	b := bind{c(systemID), c(secret), c(""), "\x34", "\x00", "\x00", c("")}
	for _, f := range change {
		f(&b)
	}
	return b.systemID + b.password + b.systemType + b.version + b.ton + b.npi + b.addressRange
}

// message is the body of submit_sm, §4.4.1: each field as its octets.
type message struct {
	serviceType, sourceTON, sourceNPI, source, destinationTON, destinationNPI, destination  string
	esmClass, protocolID, priority, schedule, validity, registered, replace, coding, canned string
	length, text                                                                            string // an empty length is the text's
	tlvs                                                                                    string
}

func submit(change ...func(*message)) string {
	m := message{
		c(""), "\x00", "\x01", c(code), "\x01", "\x01", c(phone),
		"\x00", "\x00", "\x00", c(""), c(""), "\x00", "\x00", "\x00", "\x00", "", "hello", "",
	}
	for _, f := range change {
		f(&m)
	}
	if m.length == "" {
		m.length = string([]byte{byte(len(m.text))})
	}
	return m.serviceType + m.sourceTON + m.sourceNPI + m.source + m.destinationTON + m.destinationNPI + m.destination +
		m.esmClass + m.protocolID + m.priority + m.schedule + m.validity + m.registered + m.replace + m.coding + m.canned +
		m.length + m.text + m.tlvs
}

// to says who a message is for.
func to(number string) func(*message) { return func(m *message) { m.destination = c(number) } }

// saying is what a message says.
func saying(text string) func(*message) { return func(m *message) { m.text = text } }

// answer is a PDU that came, read by hand.
type answer struct {
	id, status, sequence uint32
	body                 string
}

func (a answer) String() string {
	return fmt.Sprintf("command_id %08x, status %02x, sequence %d, body %q", a.id, a.status, a.sequence, a.body)
}

// peer is a connection to a centre.
type peer struct {
	t    testing.TB
	conn net.Conn
}

func (ce *centre) connect() *peer {
	ce.t.Helper()
	conn, err := ce.dial()
	if err != nil {
		ce.t.Fatal(err)
	}
	return &peer{ce.t, conn}
}

// bound connects and binds.
func (ce *centre) bound(id uint32, systemID string) *peer {
	ce.t.Helper()
	p := ce.connect()
	p.send(pdu(id, 1, binding(systemID)))
	p.want(id|resp, 0, 1)
	return p
}

func (p *peer) close() { _ = p.conn.Close() }

func (p *peer) send(octets []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(octets); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// patience is how long an answer may take.
const patience = 20 * time.Second

// next is the next PDU.
func (p *peer) next() answer {
	p.t.Helper()
	a, err := p.read()
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return a
}

func (p *peer) read() (answer, error) { return p.readUntil(time.Now().Add(patience)) }

func (p *peer) readUntil(end time.Time) (answer, error) {
	if err := p.conn.SetReadDeadline(end); err != nil {
		return answer{}, err
	}
	var head [16]byte
	if _, err := io.ReadFull(p.conn, head[:]); err != nil {
		return answer{}, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < 16 || length > 1<<17 {
		return answer{}, fmt.Errorf("a PDU of %d octets", length)
	}
	body := make([]byte, length-16)
	_, err := io.ReadFull(p.conn, body)
	return answer{binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:]), string(body)}, err
}

// want is the next PDU, which shall be this.
func (p *peer) want(id, status, sequence uint32) answer {
	p.t.Helper()
	a := p.next()
	if a.id != id || a.status != status || a.sequence != sequence {
		p.t.Errorf("got %v, want command_id %08x, status %02x, sequence %d", a, id, status, sequence)
	}
	return a
}

// asks sends a request and wants this answer of its own.
func (p *peer) asks(id, sequence uint32, body string, status uint32) answer {
	p.t.Helper()
	p.send(pdu(id, sequence, body))
	return p.want(id|resp, status, sequence)
}

// lives wants the session to be of use still.
func (p *peer) lives() {
	p.t.Helper()
	p.asks(enquireLink, 0x7777, "", 0)
}

// ends wants the centre to close the connection and say nothing more.
func (p *peer) ends() {
	p.t.Helper()
	if a, err := p.read(); err == nil {
		p.t.Errorf("said %v, where the end was due", a)
	} else if isTimeout(err) {
		p.t.Error("still open")
	}
	p.close()
}

// neighbour is a healthy session: a transceiver that writes to itself.
type neighbour struct {
	*peer
	sequence uint32
}

func (ce *centre) neighbour() *neighbour {
	ce.t.Helper()
	return &neighbour{ce.bound(bindTransceiver, "shop"), 100}
}

// works wants a message to be taken, delivered and acknowledged, and the link to live.
func (n *neighbour) works() {
	n.t.Helper()
	n.sequence++
	n.asks(submitSM, n.sequence, submit(to(shopCode)), 0)
	d := n.next()
	if d.id != deliverSM || d.status != 0 {
		n.t.Errorf("a neighbour was given %v, want a deliver_sm", d)
	}
	n.send(pdu(deliverSM|resp, d.sequence, c("")))
	n.lives()
}

// waits lets time pass, and answers when it is asked whether it lives.
func (n *neighbour) waits(d time.Duration) {
	n.t.Helper()
	for end := time.Now().Add(d); ; {
		a, err := n.readUntil(end)
		switch {
		case isTimeout(err):
			return
		case err != nil:
			n.t.Fatalf("read: %v", err)
		case a.id != enquireLink:
			n.t.Errorf("a neighbour was told %v", a)
		}
		n.send(pdu(enquireLink|resp, a.sequence, ""))
	}
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
