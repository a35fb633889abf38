package trace

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// Flags of a TCP segment, RFC 9293 §3.1.
const (
	fin uint8 = 0x01
	syn uint8 = 0x02
	psh uint8 = 0x08
	ack uint8 = 0x10
)

// segment is a TCP segment and between whom it goes.
type segment struct {
	from, to     netip.AddrPort // both IPv4 or both IPv6
	sequence     uint32
	acknowledged uint32
	flags        uint8
	payload      []byte
}

// synOptions are a maximum segment size and a window scale of 14, so that no
// reader thinks a window full: RFC 9293 §3.2, RFC 7323 §2.
var synOptions = []byte{2, 4, mss >> 8, mss & 0xFF, 1, 3, 3, 14}

const (
	protocolTCP = 6
	hopLimit    = 64
	ipv4Header  = 20
	ipv6Header  = 40
	tcpHeader   = 20
)

// length is the octets of the whole packet.
func (s *segment) length() int {
	n := tcpHeader + len(s.payload)
	if s.flags&syn != 0 {
		n += len(synOptions)
	}
	if s.from.Addr().Is4() {
		return ipv4Header + n
	}
	return ipv6Header + n
}

// append writes an IP packet.
func (s *segment) append(b []byte) []byte {
	if s.from.Addr().Is4() {
		b = s.appendIPv4(b)
	} else {
		b = s.appendIPv6(b)
	}
	return s.appendTCP(b)
}

// appendIPv4 writes a header of RFC 791 §3.1: not to be fragmented.
func (s *segment) appendIPv4(b []byte) []byte {
	at := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(s.length())) //nolint:gosec // a segment is bounded
	b = append(b, 0, 0, 0x40, 0, hopLimit, protocolTCP, 0, 0)
	b = append(b, s.from.Addr().AsSlice()...)
	b = append(b, s.to.Addr().AsSlice()...)
	binary.BigEndian.PutUint16(b[at+10:], checksum(0, b[at:]))
	return b
}

// appendIPv6 writes a header of RFC 8200 §3.
func (s *segment) appendIPv6(b []byte) []byte {
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(s.length()-ipv6Header)) //nolint:gosec // a segment is bounded
	b = append(b, protocolTCP, hopLimit)
	b = append(b, s.from.Addr().AsSlice()...)
	return append(b, s.to.Addr().AsSlice()...)
}

// appendTCP writes header and payload, RFC 9293 §3.1. The addresses are what b ends with.
func (s *segment) appendTCP(b []byte) []byte {
	at := len(b)
	addresses := b[at-2*s.from.Addr().BitLen()/8:]
	var options []byte
	if s.flags&syn != 0 {
		options = synOptions
	}
	b = binary.BigEndian.AppendUint16(b, s.from.Port())
	b = binary.BigEndian.AppendUint16(b, s.to.Port())
	b = binary.BigEndian.AppendUint32(b, s.sequence)
	b = binary.BigEndian.AppendUint32(b, s.acknowledged)
	b = append(b, uint8((tcpHeader+len(options))/4)<<4, s.flags, 0xFF, 0xFF, 0, 0, 0, 0)
	b = append(append(b, options...), s.payload...)
	pseudo := sum(uint32(protocolTCP)+uint32(len(b)-at), addresses) //nolint:gosec // a segment is bounded
	binary.BigEndian.PutUint16(b[at+16:], checksum(pseudo, b[at:]))
	return b
}

// checksum is that of the Internet, RFC 1071.
func checksum(start uint32, b []byte) uint16 {
	n := sum(start, b)
	for n>>16 != 0 {
		n = n&0xFFFF + n>>16
	}
	return ^uint16(n) //nolint:gosec // folded above
}

// sum adds 16-bit words; no packet is long enough to overflow it.
func sum(n uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		n += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		n += uint32(b[0]) << 8
	}
	return n
}

// ends are a connection's addresses as packets carry them. One in memory has none,
// and is given some.
func ends(local, remote net.Addr, number uint32, dialled bool) (l, r netip.AddrPort) {
	l, ok := addrPort(local)
	r, too := addrPort(remote)
	if !ok || !too {
		l, r = listens, netip.AddrPortFrom(dials, dynamic+uint16(number%dynamics)) //nolint:gosec // bounded
		if dialled {
			l, r = r, l
		}
	}
	if l.Addr().Is4() != r.Addr().Is4() {
		l = netip.AddrPortFrom(netip.AddrFrom16(l.Addr().As16()), l.Port())
		r = netip.AddrPortFrom(netip.AddrFrom16(r.Addr().As16()), r.Port())
	}
	return l, r
}

func addrPort(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.AddrPort().IsValid() {
		return netip.AddrPort{}, false
	}
	p := tcp.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port()), true
}
