package trace

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Blocks of draft-ietf-opsawg-pcapng §4; numbers are little-endian here.
const (
	sectionHeader       = 0x0A0D0D0A // §4.1
	interfaceDescriptor = 1          // §4.2
	interfaceStatistics = 5          // §4.6
	enhancedPacket      = 6          // §4.3

	byteOrder = 0x1A2B3C4D
	linkRaw   = 101 // an IPv4 or IPv6 packet, by its first four bits
)

// Options of these blocks, §3.5 and with each block.
const (
	optionEnd        = 0
	optionComment    = 1
	optionName       = 2 // of an interface
	optionFlags      = 2 // of a packet
	optionProgram    = 4 // of a section
	optionReceived   = 4 // of statistics
	optionDropped    = 5
	optionResolution = 9 // of an interface: ticks are 10 to the minus so many seconds
)

// Directions in a packet's flags, §4.3.1.
const (
	inbound  = 1
	outbound = 2
)

// block writes one of a type; body appends what is in it.
func block(b []byte, kind uint32, body func([]byte) []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = append(b, 0, 0, 0, 0)
	b = body(b)
	length := uint32(len(b) - at + 4) //nolint:gosec // blocks are bounded
	binary.LittleEndian.PutUint32(b[at+4:], length)
	return binary.LittleEndian.AppendUint32(b, length)
}

// option writes one, padded to 32 bits.
func option[T string | []byte](b []byte, code uint16, value T) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value))) //nolint:gosec // ours are short
	b = append(b, value...)
	return pad(b, len(value))
}

// pad fills what has n octets up to 32 bits.
func pad(b []byte, n int) []byte { return append(b, make([]byte, -n&3)...) }

// appendHead begins a file: a section and its only interface.
func appendHead(b []byte, comment string) []byte {
	b = block(b, sectionHeader, func(b []byte) []byte {
		b = binary.LittleEndian.AppendUint32(b, byteOrder)
		b = append(b, 1, 0, 0, 0) // version 1.0
		b = append(b, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
		if comment != "" {
			b = option(b, optionComment, comment[:min(len(comment), 1<<10)])
		}
		b = option(b, optionProgram, "airtill")
		return option(b, optionEnd, "")
	})
	return block(b, interfaceDescriptor, func(b []byte) []byte {
		b = append(b, linkRaw, 0, 0, 0, 0, 0, 0, 0) // no limit of a packet's length
		b = option(b, optionName, "smpp")
		b = option(b, optionResolution, "\x09")
		return option(b, optionEnd, "")
	})
}

// appendPacket writes a packet with its direction and, if there is one, a comment.
func appendPacket(b []byte, at time.Time, out bool, note string, s segment) []byte {
	return block(b, enhancedPacket, func(b []byte) []byte {
		b = append(b, 0, 0, 0, 0)
		b = appendTime(b, at)
		length := s.length()
		b = binary.LittleEndian.AppendUint32(b, uint32(length)) //nolint:gosec // a segment is bounded
		b = binary.LittleEndian.AppendUint32(b, uint32(length)) //nolint:gosec // a segment is bounded
		b = pad(s.append(b), length)
		direction := byte(inbound)
		if out {
			direction = outbound
		}
		b = option(b, optionFlags, []byte{direction, 0, 0, 0})
		if note != "" {
			b = option(b, optionComment, note)
		}
		return option(b, optionEnd, "")
	})
}

// appendStatistics ends a file: how many PDUs are in it and how many are not.
func appendStatistics(b []byte, at time.Time, written, left uint64) []byte {
	return block(b, interfaceStatistics, func(b []byte) []byte {
		b = append(b, 0, 0, 0, 0)
		b = appendTime(b, at)
		b = option(b, optionComment, fmt.Sprintf("%d PDUs recorded, %d not", written, left))
		b = option(b, optionReceived, binary.LittleEndian.AppendUint64(nil, written+left))
		b = option(b, optionDropped, binary.LittleEndian.AppendUint64(nil, left))
		return option(b, optionEnd, "")
	})
}

// appendTime writes nanoseconds since 1970 in two halves, the high one first.
func appendTime(b []byte, at time.Time) []byte {
	ns := uint64(at.UnixNano())                             //nolint:gosec // after 1970
	b = binary.LittleEndian.AppendUint32(b, uint32(ns>>32)) //nolint:gosec // the high half
	return binary.LittleEndian.AppendUint32(b, uint32(ns))  //nolint:gosec // the low half
}
