package tpdu

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// basic is the GSM 7 bit default alphabet, its characters in the order of their
// codes (TS 23.038 §6.2.1). At 1B stands the escape to the extension table.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà"

const escape = 0x1B

// septets is the code of a character: one of the basic table, or the escape and the
// code of the extension table in one number of two octets.
func septets(r rune) (code uint16, ok bool) {
	if asItself(r) {
		return uint16(r), true
	}
	if c, ok := extended(r); ok {
		return escape<<8 | uint16(c), true
	}
	if r == escape {
		return 0, false
	}
	for _, c := range basic {
		if c == r {
			return code, true
		}
		code++
	}
	return 0, false
}

// asItself tells whether the basic table has the character where ASCII has it.
func asItself(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
		return true
	case ' ' <= r && r <= '?':
		return r != '$'
	default:
		return r == '\n' || r == '\r'
	}
}

// extended is the code of a character in the extension table (TS 23.038 §6.2.1.1).
func extended(r rune) (code byte, ok bool) {
	switch r {
	case '\f':
		return 0x0A, true
	case '^':
		return 0x14, true
	case '{':
		return 0x28, true
	case '}':
		return 0x29, true
	case '\\':
		return 0x2F, true
	case '[':
		return 0x3C, true
	case '~':
		return 0x3D, true
	case ']':
		return 0x3E, true
	case '|':
		return 0x40, true
	case '€':
		return 0x65, true
	default:
		return 0, false
	}
}

// extension is the character of a code behind an escape. A code that the table does
// not have shows the basic character; a second escape shows a space (TS 23.038
// §6.2.1.1, notes 1 and 3).
func extension(code byte) rune {
	switch code {
	case 0x0A:
		return '\f'
	case 0x14:
		return '^'
	case 0x28:
		return '{'
	case 0x29:
		return '}'
	case 0x2F:
		return '\\'
	case 0x3C:
		return '['
	case 0x3D:
		return '~'
	case 0x3E:
		return ']'
	case 0x40:
		return '|'
	case 0x65:
		return '€'
	case escape:
		return ' '
	default:
		return character(code)
	}
}

// character is the character of a code in the basic table, U+FFFD beyond it.
func character(code byte) rune {
	if asItself(rune(code)) {
		return rune(code)
	}
	var at byte
	for _, c := range basic {
		if at == code {
			return c
		}
		at++
	}
	return utf8.RuneError
}

func encodeGSM7(text string) ([]byte, error) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		code, ok := septets(r)
		if !ok {
			return nil, fmt.Errorf("encode %U in %s: %w", r, GSM7, ErrCharacter)
		}
		if code > 0x7F {
			b = append(b, escape)
		}
		b = append(b, byte(code))
	}
	return b, nil
}

func decodeGSM7(payload []byte) (string, error) {
	var b strings.Builder
	bad := false
	for at := 0; at < len(payload); at++ {
		r := ' ' // an escape with nothing behind it
		switch code := payload[at]; {
		case code != escape:
			r = character(code)
		case at+1 < len(payload):
			at++
			r = extension(payload[at])
		}
		bad = bad || r == utf8.RuneError
		b.WriteRune(r)
	}
	if bad {
		return b.String(), fmt.Errorf("decode %s: %w", GSM7, ErrCharacter)
	}
	return b.String(), nil
}
