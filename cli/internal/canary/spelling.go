package canary

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf16"
)

// wide is text in UTF-16, the low octet at its place in each two.
func wide(text string, low int) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		if low == 1 {
			b = binary.BigEndian.AppendUint16(b, unit)
		} else {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
	}
	return b
}

// septets is the octets that a text fills wholly when its septets are packed from a
// bit offset on, the low bits first (TS 23.038 §6.1.2.1.1).
func septets(text string, offset int) []byte {
	bits := make([]bool, offset, offset+7*len(text))
	for i := range len(text) {
		code := septet(text[i])
		for bit := range 7 {
			bits = append(bits, code>>bit&1 == 1)
		}
	}
	var b []byte
	for from := (offset + 7) / 8 * 8; from+8 <= len(bits); from += 8 {
		var octet byte
		for bit := range 8 {
			if bits[from+bit] {
				octet |= 1 << bit
			}
		}
		b = append(b, octet)
	}
	return b
}

// septet is a character in the GSM default alphabet, where the ones that secrets are
// made of stand as in ASCII, but for these two.
func septet(c byte) byte {
	switch c {
	case '_':
		return 0x11
	case '@':
		return 0x00
	}
	return c & 0x7F
}

// packed is digits two to an octet, the first one high; an odd one out is left out.
func packed(digits string) []byte {
	b, err := hex.DecodeString(digits[:len(digits)/2*2])
	if err != nil {
		panic("canary: not digits") // without showing them
	}
	return b
}

func swapped(bcd []byte) []byte {
	b := make([]byte, len(bcd))
	for i, octet := range bcd {
		b[i] = octet<<4 | octet>>4
	}
	return b
}

// grouped is digits in fours, as on a card.
func grouped(digits, gap string) string {
	var groups []string
	for ; len(digits) > 4; digits = digits[4:] {
		groups = append(groups, digits[:4])
	}
	return strings.Join(append(groups, digits), gap)
}

// in64 is the base64 of octets that so many others stand before: the characters that
// are theirs alone.
func in64(encoding *base64.Encoding, octets []byte, before int) []byte {
	whole := encoding.EncodeToString(append(make([]byte, before), octets...))
	first := (before*8 + 5) / 6
	last := (before + len(octets)) * 8 / 6
	return []byte(whole[first:last])
}
