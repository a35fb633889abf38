package trace_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// block is one of a pcapng file, draft-ietf-opsawg-pcapng §3.1, read by hand.
type block struct {
	kind uint32
	body []byte
}

func blocks(t testing.TB, file []byte) (all []block) {
	t.Helper()
	for len(file) > 0 {
		if len(file) < 12 {
			t.Fatalf("%d octets left over", len(file))
		}
		n := binary.LittleEndian.Uint32(file[4:])
		if n%4 != 0 || n < 12 || int(n) > len(file) || binary.LittleEndian.Uint32(file[n-4:]) != n {
			t.Fatalf("a block of %d octets, of %d", n, len(file))
		}
		all = append(all, block{binary.LittleEndian.Uint32(file), file[8 : n-4]})
		file = file[n:]
	}
	return all
}

// packet is a TCP segment as the file has it.
type packet struct {
	at       time.Time
	from, to netip.AddrPort
	seq, ack uint32
	flags    uint8
	payload  []byte
	out      bool
	comment  string
}

const (
	fin, syn, psh, ack = 0x01, 0x02, 0x08, 0x10
)

// packets reads every enhanced packet block and checks all lengths and checksums.
func packets(t testing.TB, file []byte) (all []packet) {
	t.Helper()
	for _, b := range blocks(t, file) {
		if b.kind != 6 {
			continue
		}
		ns := uint64(binary.LittleEndian.Uint32(b.body[4:]))<<32 | uint64(binary.LittleEndian.Uint32(b.body[8:]))
		n := int(binary.LittleEndian.Uint32(b.body[12:]))
		p := ip(t, b.body[20:20+n])
		p.at = time.Unix(0, int64(ns)).UTC()
		for code, value := range options(t, b.body[20+(n+3)/4*4:]) {
			switch code {
			case 1:
				p.comment = string(value)
			case 2:
				p.out = value[0] == 2
			}
		}
		all = append(all, p)
	}
	return all
}

func options(t testing.TB, b []byte) map[uint16][]byte {
	t.Helper()
	all := make(map[uint16][]byte)
	for {
		code, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if code == 0 {
			return all
		}
		all[code] = b[4 : 4+n]
		b = b[4+(n+3)/4*4:]
	}
}

// ip reads a packet of RFC 791 or RFC 8200 with RFC 9293 in it.
func ip(t testing.TB, b []byte) packet {
	t.Helper()
	var from, to netip.Addr
	var pseudo, tcp []byte
	switch b[0] >> 4 {
	case 4:
		if onesSum(b[:20]) != 0xFFFF || int(binary.BigEndian.Uint16(b[2:])) != len(b) || b[9] != 6 {
			t.Fatalf("IPv4 header % x of %d", b[:20], len(b))
		}
		from, to = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		pseudo, tcp = b[12:20], b[20:]
	case 6:
		if int(binary.BigEndian.Uint16(b[4:])) != len(b)-40 || b[6] != 6 {
			t.Fatalf("IPv6 header % x of %d", b[:40], len(b))
		}
		from, to = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		pseudo, tcp = b[8:40], b[40:]
	default:
		t.Fatalf("version %d", b[0]>>4)
	}
	whole := append(append(append([]byte{}, pseudo...), 0, 6, byte(len(tcp)>>8), byte(len(tcp))), tcp...)
	if onesSum(whole) != 0xFFFF {
		t.Fatalf("TCP checksum of % x", tcp)
	}
	return packet{
		from: netip.AddrPortFrom(from, binary.BigEndian.Uint16(tcp)), to: netip.AddrPortFrom(to, binary.BigEndian.Uint16(tcp[2:])),
		seq: binary.BigEndian.Uint32(tcp[4:]), ack: binary.BigEndian.Uint32(tcp[8:]),
		flags: tcp[13], payload: tcp[tcp[12]>>4*4:],
	}
}

// onesSum is the ones' complement sum of RFC 1071: all ones if a checksum is right.
func onesSum(b []byte) uint32 {
	if len(b)%2 == 1 {
		b = append(append([]byte{}, b...), 0)
	}
	var n uint32
	for i := 0; i < len(b); i += 2 {
		n += uint32(binary.BigEndian.Uint16(b[i:]))
		n = n&0xFFFF + n>>16
	}
	return n
}
