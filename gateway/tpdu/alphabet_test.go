package tpdu_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/tpdu"
)

func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEncode(t *testing.T) {
	tests := []struct {
		name, text string
		a          tpdu.Alphabet
		want       string
	}{
		{"TS 23.038 §6.2.1: @ is 00", "@", tpdu.GSM7, "00"},
		{"row 0", "£$¥èéùìòÇ\nØø\rÅå", tpdu.GSM7, "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"},
		{"row 1", "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ", tpdu.GSM7, "10 11 12 13 14 15 16 17 18 19 1a 1c 1d 1e 1f"},
		{"row 2", " !\"#¤%&'()*+,-./", tpdu.GSM7, "20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f"},
		{"row 4 and 5", "¡AZÄÖÑÜ§", tpdu.GSM7, "40 41 5a 5b 5c 5d 5e 5f"},
		{"row 6 and 7", "¿azäöñüà", tpdu.GSM7, "60 61 7a 7b 7c 7d 7e 7f"},
		{"§6.2.1.1: extension", "\f^{}\\[~]|€", tpdu.GSM7, "1b0a 1b14 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40 1b65"},
		{"Latin-1", "Aÿ\u00a0", tpdu.Latin1, "41 ff a0"},
		{"UCS2, most significant octet first", "A请", tpdu.UCS2, "0041 8bf7"},
		{"UCS2, surrogates", "😀", tpdu.UCS2, "d83d de00"},
		{"nothing", "", tpdu.GSM7, ""},
	}
	for _, tt := range tests {
		want := octets(t, tt.want)
		got, err := tpdu.Encode(tt.text, tt.a)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v; want %x", tt.name, got, err, want)
		}
		if back, err := tpdu.Decode(want, tt.a); back != tt.text || err != nil {
			t.Errorf("%s: back to %q, %v", tt.name, back, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	tests := []struct {
		text string
		a    tpdu.Alphabet
		want error
	}{
		{"请", tpdu.GSM7, tpdu.ErrCharacter},
		{"ç", tpdu.GSM7, tpdu.ErrCharacter}, // only the capital has a code
		{"`", tpdu.GSM7, tpdu.ErrCharacter},
		{"\x1b", tpdu.GSM7, tpdu.ErrCharacter}, // the escape is no character
		{"\x00", tpdu.GSM7, tpdu.ErrCharacter},
		{"€", tpdu.Latin1, tpdu.ErrCharacter},
		{"a\xff", tpdu.UCS2, tpdu.ErrCharacter}, // not UTF-8
		{"a\xff", tpdu.GSM7, tpdu.ErrCharacter},
		{"a", tpdu.Octets, tpdu.ErrNotText},
		{"a", tpdu.Alphabet(9), tpdu.ErrNotText},
	}
	for _, tt := range tests {
		if b, err := tpdu.Encode(tt.text, tt.a); !errors.Is(err, tt.want) || b != nil {
			t.Errorf("Encode(%q, %s) = %x, %v; want %v", tt.text, tt.a, b, err, tt.want)
		}
	}
}

func TestDecodeOfWhatIsNotText(t *testing.T) {
	tests := []struct {
		name, payload string
		a             tpdu.Alphabet
		want          string
		err           error
	}{
		{"§6.2.1.1 note 1: no such extension shows the basic character", "1b41", tpdu.GSM7, "A", nil},
		{"§6.2.1.1 note 3: escape twice shows a space", "1b1b41", tpdu.GSM7, " A", nil},
		{"an escape at the end shows a space", "411b", tpdu.GSM7, "A ", nil},
		{"beyond 7 bits", "4180", tpdu.GSM7, "A\ufffd", tpdu.ErrCharacter},
		{"beyond 7 bits behind an escape", "1b80", tpdu.GSM7, "\ufffd", tpdu.ErrCharacter},
		{"high surrogate alone", "d83d0041", tpdu.UCS2, "\ufffdA", tpdu.ErrCharacter},
		{"high surrogate at the end", "0041d83d", tpdu.UCS2, "A\ufffd", tpdu.ErrCharacter},
		{"low surrogate alone", "de000041", tpdu.UCS2, "\ufffdA", tpdu.ErrCharacter},
		{"two high surrogates", "d83dd83dde00", tpdu.UCS2, "\ufffd😀", tpdu.ErrCharacter},
		{"odd", "004100", tpdu.UCS2, "A\ufffd", tpdu.ErrCharacter},
		{"a replacement character that was sent", "fffd", tpdu.UCS2, "\ufffd", nil},
		{"data", "41", tpdu.Octets, "", tpdu.ErrNotText},
		{"no alphabet", "41", tpdu.Alphabet(9), "", tpdu.ErrNotText},
	}
	for _, tt := range tests {
		got, err := tpdu.Decode(octets(t, tt.payload), tt.a)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestChoose(t *testing.T) {
	for text, want := range map[string]tpdu.Alphabet{
		"":                       tpdu.GSM7,
		"Paid CNY 1,280.00 @ 5€": tpdu.GSM7,
		"[{|}]~\\^":              tpdu.GSM7,
		"Ça":                     tpdu.GSM7,
		"ça":                     tpdu.UCS2,
		"请支付":                    tpdu.UCS2,
		"😀":                      tpdu.UCS2,
		"\t":                     tpdu.UCS2,
	} {
		if got := tpdu.Choose(text); got != want {
			t.Errorf("Choose(%q) = %s, want %s", text, got, want)
		}
	}
}

// SMPP 3.4 §5.2.19 below 10; TS 23.038 §4 from there.
func TestAlphabetOf(t *testing.T) {
	tests := map[tpdu.Alphabet][]uint8{
		tpdu.GSM7:   {0x00, 0x10, 0x11, 0x13, 0x40, 0x50, 0xC0, 0xC8, 0xD0, 0xDF, 0xF0, 0xF1, 0xF2, 0xF3},
		tpdu.Latin1: {0x01, 0x03},
		tpdu.UCS2:   {0x08, 0x18, 0x1B, 0x48, 0x5A, 0xE0, 0xEF},
		tpdu.Octets: {0x02, 0x04, 0x05, 0x0E, 0x14, 0x16, 0x1C, 0x20, 0x30, 0x38, 0x44, 0x60, 0x80, 0xBF, 0xF4, 0xF5, 0xF6, 0xF7},
	}
	for want, codings := range tests {
		for _, coding := range codings {
			if got := tpdu.AlphabetOf(coding); got != want {
				t.Errorf("%02X is %s, want %s", coding, got, want)
			}
		}
		if got := tpdu.AlphabetOf(want.Coding()); got != want {
			t.Errorf("%s announces itself as %s", want, got)
		}
	}
}

// TS 23.038 §6.1.2.1.
func TestPack(t *testing.T) {
	tests := []struct {
		septets, packed string
		fill            int
	}{
		{"", "", 0},
		{"68 65 6c 6c 6f 68 65 6c 6c 6f", "e8329bfd4697d9ec37", 0}, // hellohello
		{"7f", "7f", 0},
		{"7f 7f", "ff3f", 0},
		{"7f 7f 7f 7f 7f 7f 7f", "ffffffffffff01", 0},
		{"7f 7f 7f 7f 7f 7f 7f 7f", "ffffffffffffff", 0},
		{"41", "82", 1}, // behind a header of 6 octets: 48 bits, 7 septets
		{"7f", "c01f", 6},
	}
	for _, tt := range tests {
		septets, want := octets(t, tt.septets), octets(t, tt.packed)
		got := tpdu.Pack(septets, tt.fill)
		if !bytes.Equal(got, want) {
			t.Errorf("Pack(%x, %d) = %x, want %x", septets, tt.fill, got, want)
		}
		if back, err := tpdu.Unpack(want, len(septets), tt.fill); !bytes.Equal(back, septets) || err != nil {
			t.Errorf("Unpack(%x) = %x, %v", want, back, err)
		}
	}
	for _, n := range []int{-1, 2, 1 << 40} {
		if _, err := tpdu.Unpack([]byte{0xFF}, n, 0); !errors.Is(err, tpdu.ErrUserData) {
			t.Errorf("%d septets of one octet: %v", n, err)
		}
	}
}
