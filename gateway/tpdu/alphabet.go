package tpdu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Alphabet is what a payload is written in.
type Alphabet uint8

// The alphabets of short messages.
const (
	GSM7   Alphabet = iota // GSM 7 bit default alphabet and its extension (TS 23.038 §6.2.1), one septet an octet
	Latin1                 // ISO 8859-1 (SMPP 3.4 §5.2.19); a phone's own TP-DCS cannot say it
	UCS2                   // UTF-16, most significant octet first (TS 23.038 §6.2.3 has its first plane)
	Octets                 // 8-bit data, no text
)

func (a Alphabet) String() string {
	switch a {
	case GSM7:
		return "GSM 7 bit"
	case Latin1:
		return "Latin-1"
	case UCS2:
		return "UCS2"
	case Octets:
		return "8 bit"
	default:
		return fmt.Sprintf("alphabet %d", uint8(a))
	}
}

// Values of data_coding (SMPP 3.4 §5.2.19) that text and data are sent with here.
const (
	CodingDefault uint8 = 0x00
	codingASCII   uint8 = 0x01
	codingOctets2 uint8 = 0x02
	CodingLatin1  uint8 = 0x03
	CodingOctets  uint8 = 0x04
	CodingUCS2    uint8 = 0x08
)

// Coding is the data_coding that announces the alphabet.
func (a Alphabet) Coding() uint8 {
	switch a {
	case GSM7:
		return CodingDefault
	case Latin1:
		return CodingLatin1
	case UCS2:
		return CodingUCS2
	case Octets:
		return CodingOctets
	default:
		return CodingOctets
	}
}

// AlphabetOf reads a data_coding: 00 to 0F as SMPP 3.4 §5.2.19 has them, the rest as
// TS 23.038 §4. What neither defines is 8-bit data.
func AlphabetOf(coding uint8) Alphabet {
	switch {
	case coding < 0x10:
		return smppAlphabet(coding)
	case coding < 0x80 && coding&0x20 == 0: // general data coding and automatic deletion, not compressed
		return groupAlphabet(coding >> 2 & 3)
	case coding >= 0xC0 && coding < 0xE0: // message waiting, TS 23.038 §4
		return GSM7
	case coding >= 0xE0 && coding < 0xF0:
		return UCS2
	case coding >= 0xF0 && coding&0x04 == 0: // data coding and message class
		return GSM7
	default:
		return Octets
	}
}

func smppAlphabet(coding uint8) Alphabet {
	switch coding {
	case CodingDefault:
		return GSM7
	case codingASCII, CodingLatin1: // ASCII is the lower half of Latin-1
		return Latin1
	case CodingUCS2:
		return UCS2
	case codingOctets2, CodingOctets:
		return Octets
	default:
		return Octets
	}
}

// groupAlphabet reads bits 3 and 2 of the general data coding group.
func groupAlphabet(bits uint8) Alphabet {
	switch bits {
	case 0:
		return GSM7
	case 2:
		return UCS2
	default:
		return Octets
	}
}

// The ways in which text and octets do not match.
var (
	ErrCharacter = errors.New("not a character of the alphabet")
	ErrNotText   = errors.New("8-bit data is no text")
)

// Choose is the alphabet that takes a text in the fewest octets without the tables
// of a language: GSM7 if every character is in it, else UCS2. It is never Latin1, which
// not every carrier knows. [Smallest] reckons with the tables.
func Choose(text string) Alphabet {
	for _, r := range text {
		if (Shift{}).septets(r) == 0 {
			return UCS2
		}
	}
	return GSM7
}

// Encode writes a text in an alphabet, GSM7 without the tables of a language. It refuses a character that is not in it, and
// text that is not UTF-8: nothing is ever replaced in silence.
func Encode(text string, a Alphabet) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("encode text: %w: not UTF-8", ErrCharacter)
	}
	switch a {
	case GSM7:
		return EncodeGSM7(text, Shift{})
	case Latin1:
		return encodeLatin1(text)
	case UCS2:
		return encodeUCS2(text), nil
	case Octets:
		return nil, ErrNotText
	default:
		return nil, ErrNotText
	}
}

// Decode reads text, GSM7 without the tables of a language. It answers all that can be read, with U+FFFD for what cannot,
// and an error if there was any of that.
func Decode(payload []byte, a Alphabet) (string, error) {
	switch a {
	case GSM7:
		return DecodeGSM7(payload, Shift{})
	case Latin1:
		var b strings.Builder
		for _, octet := range payload {
			b.WriteRune(rune(octet))
		}
		return b.String(), nil
	case UCS2:
		return decodeUCS2(payload)
	case Octets:
		return "", ErrNotText
	default:
		return "", ErrNotText
	}
}

func encodeLatin1(text string) ([]byte, error) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xFF {
			return nil, fmt.Errorf("encode %U in %s: %w", r, Latin1, ErrCharacter)
		}
		b = append(b, byte(r))
	}
	return b, nil
}

func encodeUCS2(text string) []byte {
	b := make([]byte, 0, 2*len(text))
	for _, r := range text {
		if r > 0xFFFF {
			high, low := utf16.EncodeRune(r)
			b = binary.BigEndian.AppendUint16(b, uint16(high))
			r = low
		}
		b = binary.BigEndian.AppendUint16(b, uint16(r))
	}
	return b
}

func decodeUCS2(payload []byte) (string, error) {
	var b strings.Builder
	b.Grow(len(payload))
	bad := len(payload)%2 != 0
	for at := 0; at+1 < len(payload); {
		r := rune(binary.BigEndian.Uint16(payload[at:]))
		at += 2
		if utf16.IsSurrogate(r) {
			r = surrogate(r, payload[at:])
			if r == utf8.RuneError {
				bad = true
			} else {
				at += 2
			}
		}
		b.WriteRune(r)
	}
	if len(payload)%2 != 0 {
		b.WriteRune(utf8.RuneError)
	}
	if bad {
		return b.String(), fmt.Errorf("decode %s: %w", UCS2, ErrCharacter)
	}
	return b.String(), nil
}

// surrogate joins a surrogate with the one at the start of rest, or answers U+FFFD.
func surrogate(r rune, rest []byte) rune {
	if len(rest) < 2 {
		return utf8.RuneError
	}
	return utf16.DecodeRune(r, rune(binary.BigEndian.Uint16(rest)))
}
