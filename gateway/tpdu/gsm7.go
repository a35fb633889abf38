package tpdu

import (
	"fmt"
	"strings"
)

// escape comes before a code of the single shift table.
const escape = 0x1B

// asItself tells whether the default alphabet has the character where ASCII has it.
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

// septets is how many septets a character takes, 0 if the tables do not have it.
func (s Shift) septets(r rune) int {
	if s.Locking == DefaultLanguage && asItself(r) {
		return 1
	}
	c := find(r)
	switch {
	case c == nil:
		return 0
	case c.locking[s.Locking] != noCode:
		return 1
	case c.single[s.Single] != noCode:
		return 2
	default:
		return 0
	}
}

func (s Shift) append(b []byte, r rune) (_ []byte, ok bool) {
	if s.Locking == DefaultLanguage && asItself(r) {
		return append(b, byte(r)), true
	}
	c := find(r)
	switch {
	case c == nil:
		return b, false
	case c.locking[s.Locking] != noCode:
		return append(b, c.locking[s.Locking]), true
	case c.single[s.Single] != noCode:
		return append(b, escape, c.single[s.Single]), true
	default:
		return b, false
	}
}

// EncodeGSM7 writes a text in septets, one an octet, with the tables of a shift. It
// refuses a character that is in neither, and text that is not UTF-8.
func EncodeGSM7(text string, s Shift) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	b := make([]byte, 0, len(text))
	for _, r := range text {
		var ok bool
		if b, ok = s.append(b, r); !ok {
			return nil, fmt.Errorf("encode %U in %s: %w", r, GSM7, ErrCharacter)
		}
	}
	return b, nil
}

// DecodeGSM7 reads septets, one an octet, with the tables of a shift. It answers all
// that can be read, with U+FFFD for what cannot, and an error if there was any of that.
func DecodeGSM7(payload []byte, s Shift) (string, error) {
	if err := s.check(); err != nil {
		return "", fmt.Errorf("decode text: %w", err)
	}
	var b strings.Builder
	b.Grow(len(payload))
	bad := false
	for at := 0; at < len(payload); at++ {
		r := ' ' // an escape with nothing behind it
		switch code := payload[at]; {
		case code != escape:
			r = s.character(code)
		case at+1 < len(payload):
			at++
			r = s.extended(payload[at])
		}
		bad = bad || r == void
		b.WriteRune(r)
	}
	if bad {
		return b.String(), fmt.Errorf("decode %s: %w", GSM7, ErrCharacter)
	}
	return b.String(), nil
}

// character is the character of a code in the locking shift table, U+FFFD if it has none.
func (s Shift) character(code byte) rune {
	switch {
	case code > 0x7F:
		return void
	case s.Locking == DefaultLanguage && asItself(rune(code)):
		return rune(code)
	default:
		return shiftTables().locking[s.Locking][code]
	}
}

// extended is the character of a code behind an escape. A code that the single shift
// table does not have shows the character of the locking shift table; a second escape
// shows a space (TS 23.038 §6.2.1.1, notes 1 and 3, §A.2).
func (s Shift) extended(code byte) rune {
	if code == escape {
		return ' '
	}
	if code <= 0x7F {
		if r := shiftTables().single[s.Single][code]; r != void {
			return r
		}
	}
	return s.character(code)
}
