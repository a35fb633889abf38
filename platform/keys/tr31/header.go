package tr31

import (
	"fmt"
	"strconv"
	"strings"
)

// Header is the clear part of a key block: what the key in it is, and may be used for.
type Header struct {
	Version       Version       `json:"version"`
	Usage         Usage         `json:"usage"`
	Algorithm     Algorithm     `json:"algorithm"`
	Mode          Mode          `json:"mode"`
	KeyVersion    string        `json:"key_version"` // two characters, 00: none
	Exportability Exportability `json:"exportability"`
	Optional      []Field       `json:"optional,omitempty"` // padding is not among them
}

// Field is an optional block, such as a label (LB).
type Field struct {
	ID   string `json:"id"` // two characters
	Data string `json:"data"`
}

// FieldLabel is the optional block that names the key for people (X9.143 table 7).
const FieldLabel = "LB"

// fieldPadding fills the header up to whole blocks.
const fieldPadding = "PB"

type (
	// Version is the way a block is protected.
	Version string
	// Usage is what a key is for (X9.143 table 2).
	Usage string
	// Algorithm is what a key is used with (X9.143 table 3).
	Algorithm string
	// Mode is what of it a key may do (X9.143 table 4).
	Mode string
	// Exportability tells whether a key may be wrapped again (X9.143 table 5).
	Exportability string
)

// Versions: AES and 3DES protection, both with derived keys.
const (
	VersionD Version = "D"
	VersionB Version = "B"
)

// Usages that Airtill's keys have.
const (
	UsageBaseKey      Usage = "B0" // base derivation key of DUKPT
	UsageInitialKey   Usage = "B1" // initial key of DUKPT
	UsageData         Usage = "D0" // data encryption
	UsageWrapping     Usage = "K0" // key encryption
	UsageProtection   Usage = "K1" // protection of key blocks
	UsageMACAlgorithm Usage = "M1" // ISO 9797-1 algorithm 1: 3DES CBC-MAC
	UsageRetailMAC    Usage = "M3" // ISO 9797-1 algorithm 3
	UsageCMAC         Usage = "M6" // ISO 9797-1 algorithm 5: CMAC
	UsagePIN          Usage = "P0" // PIN encryption
)

// Algorithms.
const (
	AES  Algorithm = "A"
	TDEA Algorithm = "T"
	HMAC Algorithm = "H"
)

// Modes of use.
const (
	ModeBoth     Mode = "B" // encipher and decipher, wrap and unwrap
	ModeMAC      Mode = "C" // make and check MACs
	ModeDerive   Mode = "X" // derive other keys
	ModeNoLimits Mode = "N" // no special restrictions
)

// Exportabilities.
const (
	Exportable    Exportability = "E" // in a key block of a trusted key
	Sensitive     Exportability = "S" // in other forms too
	NonExportable Exportability = "N"
)

// takes tells whether a key of the algorithm can have n octets. DES alone is no key.
func (a Algorithm) takes(n int) bool {
	switch a {
	case AES:
		return n == 16 || n == 24 || n == 32
	case TDEA:
		return n == 16 || n == 24
	case HMAC:
		return n >= 14 && n <= 128 // SP 800-131A §10: 112 bits at least
	}
	return false
}

// longest is the length that shorter keys of the algorithm are padded to.
func (a Algorithm) longest() int {
	if a == TDEA {
		return 24
	}
	return 32
}

const (
	lenHeader = 16
	lenField  = 4 // of an optional block without data: ID and length
	maxBlock  = 9999
)

// encode writes the header of a block with tail characters after it, padded to whole
// cipher blocks of size.
func (h Header) encode(tail, size int) (string, error) {
	var optional strings.Builder
	fields := h.Optional
	for _, f := range fields {
		if !f.valid() {
			return "", fmt.Errorf("make a key block: optional block %q: %w", f.ID, ErrBlock)
		}
		optional.WriteString(f.encode())
	}
	count := len(fields)
	if rest := optional.Len() % size; rest != 0 {
		fill := size - rest
		if fill < lenField {
			fill += size
		}
		optional.WriteString(Field{fieldPadding, strings.Repeat("0", fill-lenField)}.encode())
		count++
	}
	total := lenHeader + optional.Len() + tail
	header := fmt.Sprintf("%s%04d%s%s%s%s%s%02d00", h.Version, total, h.Usage, h.Algorithm, h.Mode, h.KeyVersion, h.Exportability, count)
	if len(header) != lenHeader || total > maxBlock || count > 99 || !printable(header) {
		return "", fmt.Errorf("make a key block: its header: %w", ErrBlock)
	}
	return header + optional.String(), nil
}

// maxField is the longest optional block whose length fits two digits.
const maxField = 0xFF

func (f Field) valid() bool {
	return len(f.ID) == 2 && f.ID != fieldPadding && len(f.Data) <= maxField-lenField && printable(f.ID+f.Data)
}

func (f Field) encode() string { return fmt.Sprintf("%s%02X%s", f.ID, lenField+len(f.Data), f.Data) }

// Parse reads the header of a key block, which no key is needed for. It is not to be
// trusted until [Open] has checked it.
func Parse(block string) (Header, error) {
	h, _, err := parse(block)
	return h, err
}

// parse answers the header also as it stands in the block.
func parse(block string) (h Header, header string, err error) {
	if len(block) < lenHeader || len(block) > maxBlock || !printable(block) {
		return h, "", fmt.Errorf("a block has %d to %d printable characters: %w", lenHeader, maxBlock, ErrBlock)
	}
	h = Header{
		Version: Version(block[:1]), Usage: Usage(block[5:7]), Algorithm: Algorithm(block[7:8]), Mode: Mode(block[8:9]),
		KeyVersion: block[9:11], Exportability: Exportability(block[11:12]),
	}
	total, okTotal := number(block[1:5], 10)
	count, okCount := number(block[12:14], 10)
	switch {
	case h.Version != VersionD && h.Version != VersionB:
		return h, "", fmt.Errorf("version %s is neither D nor B: %w", h.Version, ErrBlock)
	case !okTotal || total != len(block):
		return h, "", fmt.Errorf("its length is not that of its header: %w", ErrBlock)
	case !okCount || block[14] < '0' || block[14] > '2' || block[15] != '0':
		return h, "", fmt.Errorf("the end of its header is out of range: %w", ErrBlock)
	case !strings.Contains("ESN", block[11:12]):
		return h, "", fmt.Errorf("exportability %s is none of E, S, N: %w", h.Exportability, ErrBlock)
	}
	rest := block[lenHeader:]
	for range count {
		f, after, ok := cutField(rest)
		if !ok {
			return h, "", fmt.Errorf("an optional block is cut or out of range: %w", ErrBlock)
		}
		if rest = after; f.ID != fieldPadding {
			h.Optional = append(h.Optional, f)
		}
	}
	return h, block[:len(block)-len(rest)], nil
}

// cutField takes the first optional block. A long one says 00 as its length, and the
// length's own length before it (X9.143 §5.3).
func cutField(s string) (f Field, rest string, ok bool) {
	if len(s) < lenField {
		return f, "", false
	}
	head := lenField
	length, ok := number(s[2:4], 16)
	if ok && length == 0 {
		if len(s) < lenField+2 {
			return f, "", false
		}
		digits, okDigits := number(s[4:6], 16)
		if head += 2 + digits; !okDigits || digits < 1 || digits > 4 || len(s) < head {
			return f, "", false
		}
		length, ok = number(s[6:head], 16)
	}
	if !ok || length < head || length > len(s) {
		return f, "", false
	}
	return Field{ID: s[:2], Data: s[head:length]}, s[length:], true
}

// number reads digits and nothing else: no sign.
func number(s string, base int) (int, bool) {
	n, err := strconv.ParseUint(s, base, 16)
	return int(n), err == nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
