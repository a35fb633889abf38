package decode

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// HexError says what in a text is not hexadecimal.
type HexError struct {
	Line int // from 1
	Why  string
}

// Error says the line and what is wrong in it.
func (e *HexError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// Text is hexadecimal as people have it: lines, and gaps between them.
type Text [][]line // blocks of lines

type line struct {
	number int
	octets []byte
}

// ReadHex reads octets written in hexadecimal: with spaces, newlines, colons, commas,
// 0x or \x between them, or as a hex dump with offsets (xxd, hexdump -C, Wireshark,
// od -A x -t x1). Blank lines, and offsets that begin again, part one input from the
// next. The error is a *HexError.
func ReadHex(text string) (Text, error) {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	if blocks, ok, err := readDump(lines); ok {
		return blocks, err
	}
	blocks := Text{nil}
	for i, text := range lines {
		octets, err := plainHex(text)
		if err != nil {
			return nil, &HexError{i + 1, err.Error()}
		}
		last := len(blocks) - 1
		switch {
		case len(octets) > 0:
			blocks[last] = append(blocks[last], line{i + 1, octets})
		case len(blocks[last]) > 0 && strings.TrimSpace(text) == "":
			blocks = append(blocks, nil)
		}
	}
	return blocks, nil
}

// separators stand between octets and mean nothing.
const separators = " \t:,;-\"'{}[]()"

func plainHex(text string) ([]byte, error) {
	var digits strings.Builder
	rest := text
	for rest != "" {
		switch {
		case strings.IndexByte(separators, rest[0]) >= 0:
			rest = rest[1:]
		case strings.HasPrefix(rest, "0x"), strings.HasPrefix(rest, "0X"), strings.HasPrefix(rest, `\x`):
			rest = rest[2:]
		default:
			r := []rune(rest)[0]
			if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
				return nil, fmt.Errorf("%q is no hexadecimal digit", r)
			}
			digits.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	if digits.Len()%2 != 0 {
		return nil, fmt.Errorf("%d hexadecimal digits, and an octet has two", digits.Len())
	}
	return hex.DecodeString(digits.String())
}

// dumpLine is a line of a hex dump: an offset, marked by a colon, by two spaces or by
// octets that stand alone behind it, and the rest.
var dumpLine = regexp.MustCompile(`^\s*([0-9a-fA-F]{4,8})(:\s*|\s{2,}|\s(?:[0-9a-fA-F]{2}(?:\s|$))|$)`)

// dumpEnd is a line of an offset alone, as hexdump and od end with.
var dumpEnd = regexp.MustCompile(`^\s*[0-9a-fA-F]{4,8}\s*$`)

// readDump reads a hex dump; false when the lines are none.
func readDump(lines []string) (blocks Text, ok bool, err error) {
	var offset int
	for i, text := range lines {
		if strings.TrimSpace(text) == "" {
			continue
		}
		match := dumpLine.FindStringSubmatchIndex(text)
		if match == nil {
			return nil, len(blocks) > 1, &HexError{i + 1, "not a line of a hex dump like those before it"}
		}
		at, err := strconv.ParseUint(text[match[2]:match[3]], 16, 32)
		switch {
		case err != nil, len(blocks) == 0 && (at != 0 || dumpEnd.MatchString(text)):
			return nil, false, nil
		case at == 0:
			blocks, offset = append(blocks, nil), 0
		case int(at) != offset:
			return nil, true, &HexError{i + 1, fmt.Sprintf("offset %x, %x octets came before", at, offset)}
		}
		if dumpEnd.MatchString(text) {
			continue
		}
		octets, err := dumpOctets(text[match[3]:])
		if err != nil {
			return nil, len(blocks) > 1 || offset > 0, &HexError{i + 1, err.Error()}
		}
		last := len(blocks) - 1
		if offset == 0 {
			blocks[last] = []line{{number: i + 1}}
		}
		blocks[last][0].octets = append(blocks[last][0].octets, octets...)
		offset += len(octets)
	}
	return blocks, len(blocks) > 0, nil
}

// dumpOctets reads what is behind the offset, and leaves out the letters beside it.
func dumpOctets(text string) ([]byte, error) {
	gutter := "   "
	if strings.HasPrefix(text, ":") {
		gutter = "  "
	}
	text = strings.TrimLeft(text, ": \t")
	text, _, _ = strings.Cut(text, "|")
	text, _, _ = strings.Cut(text, gutter)
	return plainHex(text)
}

// Units are the inputs in a text. Lines are inputs of their own where each can be
// explained alone, without a fault; else a block of lines is one.
func (t Text) Units(kind Kind) [][]byte {
	var units [][]byte
	for _, block := range t {
		var whole []byte
		alone := len(block) > 1
		for _, l := range block {
			whole = append(whole, l.octets...)
			e := Explain(l.octets, kind, nil)
			alone = alone && e.Kind != 0 && e.Fault == nil
		}
		if !alone {
			if len(whole) > 0 {
				units = append(units, whole)
			}
			continue
		}
		for _, l := range block {
			units = append(units, l.octets)
		}
	}
	return units
}
