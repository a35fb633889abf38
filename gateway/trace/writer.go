package trace

import (
	"fmt"
	"io"
	"net/netip"
	"time"
)

// mss is the most octets in one segment: what fits an Ethernet with IPv6.
const mss = 1440

// writer turns entries into blocks. It belongs to Serve.
type writer struct {
	to    io.Writer
	keep  bool // passwords
	buf   []byte
	spare queue // to be filled while the other one is written
	last  time.Time
	pdus  uint64 // written
	note  string // a comment that the next packet takes along
}

// keepBuffer is the size above which a buffer is let go after use.
const keepBuffer = 1 << 20

func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.to.Write(w.buf)
	if w.buf = w.buf[:0]; cap(w.buf) > keepBuffer {
		w.buf = nil
	}
	return err
}

// all writes what was queued.
func (w *writer) all(q queue) {
	octets := q.octets
	for _, e := range q.entries {
		if e.before.pdus > 0 {
			w.note = fmt.Sprintf("%d PDUs (%d octets) before this packet, on this or other connections, were not recorded", e.before.pdus, e.before.octets)
		}
		w.last = e.at
		w.entry(e, octets[:e.length])
		octets = octets[e.length:]
	}
}

func (w *writer) entry(e entry, octets []byte) {
	f := e.flow
	if f.over {
		return
	}
	if !f.shown {
		w.handshake(f, e.at)
	}
	switch e.what {
	case received, sent:
		for pdu, rest := cut(octets); len(pdu) > 0; pdu, rest = cut(rest) {
			w.pdu(f, e, pdu)
		}
	case closed:
		w.fin(f, e.at)
	case opened:
	}
}

// handshake is SYN, SYN and ACK, ACK.
func (w *writer) handshake(f *Flow, at time.Time) {
	f.shown = true
	f.out, f.in = initial(f.number, 0), initial(f.number, 1)
	for _, flags := range []uint8{syn, syn | ack, ack} {
		w.packet(f, at, f.dialled == (flags != syn|ack), flags, nil)
	}
}

// initial is a first sequence number. It differs from those of the flow's other end
// and of a later flow with the same ports, which would look like a retransmission.
func initial(flow, end uint32) uint32 { return (2*flow + end) * 0x9E3779B1 }

// fin is the local end's FIN, the remote end's, and an ACK.
func (w *writer) fin(f *Flow, at time.Time) {
	w.packet(f, at, true, fin|ack, nil)
	w.packet(f, at, false, fin|ack, nil)
	w.packet(f, at, true, ack, nil)
	f.over = true
}

// pdu writes one PDU, in as many segments as it takes.
func (w *writer) pdu(f *Flow, e entry, pdu []byte) {
	w.pdus++
	if !w.keep {
		mask(pdu)
	}
	for len(pdu) > mss {
		w.packet(f, e.at, e.what == sent, ack, pdu[:mss])
		pdu = pdu[mss:]
	}
	w.packet(f, e.at, e.what == sent, psh|ack, pdu)
}

// packet writes one, and counts on.
func (w *writer) packet(f *Flow, at time.Time, out bool, flags uint8, payload []byte) {
	s := segment{from: f.remote, to: f.local, sequence: f.in, acknowledged: f.out, flags: flags, payload: payload}
	next := &f.in
	if out {
		s.from, s.to = f.local, f.remote
		s.sequence, s.acknowledged = f.out, f.in
		next = &f.out
	}
	if flags&ack == 0 {
		s.acknowledged = 0
	}
	w.buf = appendPacket(w.buf, at, out, w.note, s)
	w.note = ""
	*next += uint32(len(payload)) //nolint:gosec // at most mss
	if flags&(syn|fin) != 0 {
		*next++
	}
}

// at and from where connections without addresses of their own seem to be (in
// memory): the network for documentation, RFC 5737.
var (
	listens = netip.MustParseAddrPort("192.0.2.1:2775")
	dials   = netip.MustParseAddr("192.0.2.2")
)

// dynamic ports are those of a client, RFC 6335 §6.
const dynamic, dynamics = 49152, 16384
