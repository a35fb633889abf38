package scp80

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines writes fields as a decoder would.
func lines(fields []Field) (out []string) {
	for _, f := range fields {
		out = append(out, fmt.Sprintf("%s %X %s", f.Name, f.Octets, f.Meaning))
	}
	return out
}

func TestParseCommand(t *testing.T) {
	f := vectors(t)
	for id, want := range map[string][]string{
		"gsm0348-req-026-3des2-unciphered": {
			"CPL 001D 29 octets follow", "CHL 15 header of 21 octets, check of 8",
			"SPI 1201 CC, not ciphered, counter higher, response always, response with no check, response not ciphered, response in SMS-DELIVER-REPORT",
			"KIc 75 key set 7, 3DES-CBC, 2 keys, not used", "KID 75 key set 7, 3DES CBC-MAC, 2 keys", "TAR 000000 application 000000",
			"CNTR 000000036F counter 879", "PCNTR 00 0 octets of padding", "check 87A47C630C8CA89E 8 octets, not checked here", "data A0A40000027F20 7 octets",
		},
		"asterix-1535-crc32": {
			"CPL 0020 32 octets follow", "CHL 11 header of 17 octets, check of 4",
			"SPI 1535 RC, ciphered, counter higher, response always, response with RC, response ciphered, response in SMS-SUBMIT",
			"KIc 15 key set 1, 3DES-CBC, 2 keys", "KID 15 key set 1, CRC-32", "TAR C00000 application C00000",
			"ciphered 4D5C2C7F43D3E774316C66CE8E1D5045755BACEF5DC83203 24 octets: counter, check and data",
		},
		"gsm0348-aes128-minimal": {
			"CPL 0018 24 octets follow", "CHL 15 header of 21 octets, check of 8",
			"SPI 0621 CC, ciphered, no counter, response always, response with no check, response not ciphered, response in SMS-SUBMIT",
			"KIc 12 key set 1, AES-CBC", "KID 12 key set 1, AES-CMAC", "TAR 010203 application 010203",
			"ciphered 4814CE84CBDEBC1A0DF20A5EE20E74C6 16 octets: counter, check and data",
		},
	} {
		c, err := ParseCommand(f.find(t, id).Packet)
		if d := cmp.Diff(want, lines(c.Fields())); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", id, err, d)
		}
	}
}

func TestParseResponse(t *testing.T) {
	f := vectors(t)
	plain, err := ParseResponse(f.find(t, "pysim-3des-resp-cc").Packet)
	want := []string{
		"RPL 0016 22 octets follow", "RHL 12 header of 18 octets, check of 8", "TAR B00011 application B00011",
		"CNTR 0000000000 counter 0", "PCNTR 00 0 octets of padding", "STATUS 00 proof of receipt",
		"check B5BCD6353A421FAE 8 octets, not checked here", "data 016132 3 octets",
	}
	if d := cmp.Diff(want, lines(plain.Fields(false))); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	ciphered, err := ParseResponse(f.find(t, "gsm0348-resp-3des-ciphered-nocc").Packet)
	want = []string{
		"RPL 0014 20 octets follow", "RHL 0A header of 10 octets, no check", "TAR 000000 application 000000",
		"ciphered 48B0E9A947EEE0A66D05D526A6E7EB44 16 octets: counter, check and data",
	}
	if d := cmp.Diff(want, lines(ciphered.Fields(true))); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

// Every packet of the vectors reads, and its fields make up the packet again.
func TestParseVectors(t *testing.T) {
	for _, v := range vectors(t).Vectors {
		fields := parsed(t, v)
		var joined []byte
		for _, f := range fields {
			joined = append(joined, f.Octets...)
		}
		if !bytes.Equal(joined, v.Packet) {
			t.Errorf("%s: fields make up %x", v.ID, joined)
		}
	}
	pay, err := ParseCommand(vectors(t).find(t, "pay-aes256-keyset1").Packet)
	if err != nil || pay.TAR != TARPayment || pay.TAR.String() != "B10001" || pay.Weak() || pay.SPI != SPISecure {
		t.Errorf("%+v, %v", pay, err)
	}
}

func parsed(t *testing.T, v vector) []Field {
	t.Helper()
	if v.Kind == "response" {
		r, err := ParseResponse(v.Packet)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
		}
		return r.Fields(SPI(number(t, v.SPI)).ResponseCiphered())
	}
	c, err := ParseCommand(v.Packet)
	if err != nil {
		t.Errorf("%s: %v", v.ID, err)
	}
	return c.Fields()
}

// A packet whose lengths disagree is read as far as it goes, and said to be wrong.
func TestParseMalformed(t *testing.T) {
	good := vectors(t).find(t, "pay-aes256-keyset1").Packet
	for name, packet := range map[string][]byte{
		"nothing":         nil,
		"half a header":   good[:9],
		"no body":         good[:10],
		"cut":             good[:50],
		"an octet more":   append(bytes.Clone(good), 0),
		"CHL too small":   append([]byte{good[0], good[1], 12}, good[3:]...),
		"CHL over it all": append([]byte{good[0], good[1], 255}, good[3:]...),
	} {
		c, err := ParseCommand(packet)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if len(packet) >= lenClear && len(c.Fields()) < 7 {
			t.Errorf("%s: %d fields", name, len(c.Fields()))
		}
	}
	for _, packet := range [][]byte{nil, {0, 4, 10}, {0, 4, 10, 1, 2, 3}} {
		if _, err := ParseResponse(packet); !errors.Is(err, ErrMalformed) {
			t.Errorf("%x: %v", packet, err)
		}
	}
}

// TS 102 225 §5.1.1: every bit has its name.
func TestSPIExplain(t *testing.T) {
	want := []string{
		"octet 1 b2b1 10: CC", "octet 1 b3 1: ciphered", "octet 1 b5b4 10: counter higher", "octet 1 b8-b6 000: reserved",
		"octet 2 b2b1 01: response always", "octet 2 b4b3 10: response with CC", "octet 2 b5 1: response ciphered",
		"octet 2 b6 1: response in SMS-SUBMIT", "octet 2 b8b7 00: reserved",
	}
	if d := cmp.Diff(want, SPI(0x1639).Explain()); d != "" {
		t.Error(d)
	}
	for s, want := range map[SPI]string{
		SPISecure: "CC, ciphered, counter higher, no response",
		0x1E00:    "CC, ciphered, counter one higher, no response",
		0x0000:    "no check, not ciphered, no counter, no response",
		0x0F02:    "DS, ciphered, counter not checked, response on error, response with no check, response not ciphered, response in SMS-DELIVER-REPORT",
		0x3600:    "CC, ciphered, counter higher, no response, reserved bits set",
	} {
		if got := s.String(); got != want {
			t.Errorf("%04X: %s", uint16(s), got)
		}
	}
	seen := make(map[string]bool)
	for s := range 1 << 16 {
		seen[strings.Join(SPI(s).Explain(), "\n")] = true
	}
	if len(seen) != 1<<16 {
		t.Errorf("%d explanations of %d SPIs", len(seen), 1<<16)
	}
}

// TS 102 225 tables 2, 3 and 5.
func TestNames(t *testing.T) {
	for k, want := range map[KIc]string{
		0x10: "key set 1, known implicitly", 0x21: "key set 2, DES-CBC", 0x12: "key set 1, AES-CBC", 0x13: "key set 1, proprietary",
		0x35: "key set 3, 3DES-CBC, 2 keys", 0x09: "key set 0, 3DES-CBC, 3 keys", 0xFD: "key set 15, DES-ECB", 0x14: "key set 1, reserved",
	} {
		if k.String() != want {
			t.Errorf("KIc %02X is %s", uint8(k), k)
		}
	}
	for k, want := range map[KID][2]string{
		0x10: {"known implicitly", "known implicitly"}, 0x11: {"DES CBC-MAC", "CRC-16"}, 0x12: {"AES-CMAC", "reserved"},
		0x13: {"proprietary", "proprietary"}, 0x15: {"3DES CBC-MAC, 2 keys", "CRC-32"}, 0x19: {"3DES CBC-MAC, 3 keys", "reserved"}, 0x1D: {"reserved", "reserved"},
	} {
		if k.String() != "key set 1, "+want[0] || k.Of(CheckRC) != "key set 1, "+want[1] {
			t.Errorf("KID %02X is %s, with RC %s", uint8(k), k, k.Of(CheckRC))
		}
	}
	for s, want := range map[Status]string{0x00: "proof of receipt", 0x06: "unidentified security error", 0x0C: "the answer is in USSD", 0x0D: "reserved"} {
		if s.String() != want {
			t.Errorf("status %02X is %s", uint8(s), s)
		}
	}
}
