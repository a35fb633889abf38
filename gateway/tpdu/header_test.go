package tpdu_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/tpdu"
)

func TestParseHeader(t *testing.T) {
	tests := []struct {
		name, ud string
		want     tpdu.Header
		rest     string
	}{
		{"TS 31.115 §4.1: command packet", "027000 aabb", tpdu.Header{{ID: 0x70, Data: []byte{}}}, "aabb"},
		{"nothing behind it", "027100", tpdu.Header{{ID: 0x71, Data: []byte{}}}, ""},
		{"no element", "00 aabb", nil, "aabb"},
		{"concatenation and ports", "0b 0003 2a0201 0504 3e803e81 41", tpdu.Header{
			{ID: 0x00, Data: []byte{0x2A, 2, 1}}, {ID: 0x05, Data: []byte{0x3E, 0x80, 0x3E, 0x81}},
		}, "41"},
		{"§9.2.3.24: an element not known is kept", "04 a502 0102 41", tpdu.Header{{ID: 0xA5, Data: []byte{1, 2}}}, "41"},
	}
	for _, tt := range tests {
		ud := octets(t, tt.ud)
		h, rest, err := tpdu.ParseHeader(ud)
		if err != nil || !bytes.Equal(rest, octets(t, tt.rest)) {
			t.Errorf("%s: rest %x, %v", tt.name, rest, err)
		}
		if diff := cmp.Diff(tt.want, h); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
		if len(h) == 0 {
			continue
		}
		back, err := h.Append(nil)
		if err != nil || !bytes.Equal(append(back, rest...), ud) || h.Size() != len(back) {
			t.Errorf("%s: back to %x (size %d), %v", tt.name, back, h.Size(), err)
		}
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	for name, ud := range map[string]string{
		"header indicated, sm_length 0": "",
		"longer than the user data":     "03 7000",
		"length 255":                    "ff 00",
		"an id without a length":        "01 70",
		"an id without a length, later": "03 7000 70",
		"an element past the header":    "03 0003 2a",
		"an element past the user data": "02 00ff",
		"concatenation of 2 octets":     "04 0002 2a02",
		"concatenation of 4 octets":     "06 0004 2a020100",
		"16-bit reference of 3 octets":  "05 0803 2a0201",
		"ports of 3 octets":             "05 0503 3e803e",
		"8-bit ports of 4 octets":       "06 0404 01020304",
		"a command packet's element":    "03 700141",
	} {
		if h, rest, err := tpdu.ParseHeader(octets(t, ud)); !errors.Is(err, tpdu.ErrUserData) || h != nil || rest != nil {
			t.Errorf("%s: %v, %x, %v; want ErrUserData", name, h, rest, err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		h    tpdu.Header
		want error
	}{
		"an element of a wrong length": {tpdu.Header{{ID: tpdu.ElementPorts16, Data: []byte{1}}}, tpdu.ErrUserData},
		"a header of 141 octets":       {tpdu.Header{{ID: 0xA5, Data: make([]byte, 138)}}, tpdu.ErrTooLong},
		"an element of 300 octets":     {tpdu.Header{{ID: 0xA5, Data: make([]byte, 300)}}, tpdu.ErrTooLong},
	} {
		if b, err := tt.h.Append(nil); !errors.Is(err, tt.want) || b != nil {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	if b, err := (tpdu.Header{{ID: 0xA5, Data: make([]byte, 137)}}).Append(nil); err != nil || len(b) != tpdu.MaxOctets {
		t.Errorf("a header of 140 octets: %d, %v", len(b), err)
	}
}

// TS 23.040 §9.2.3.24.1 and .8: a part of 0 or past the total makes the element void;
// §9.2.3.24: of several the last counts.
func TestConcat(t *testing.T) {
	eight := func(number uint16, total, part uint8) tpdu.Concat {
		return tpdu.Concat{Reference: tpdu.Reference{Number: number}, Total: total, Part: part}
	}
	tests := []struct {
		ud   string
		want tpdu.Concat
		ok   bool
	}{
		{"05 0003 2a0201", eight(0x2A, 2, 1), true},
		{"06 0804 012a0303", tpdu.Concat{Reference: tpdu.Reference{Number: 0x12A, Wide: true}, Total: 3, Part: 3}, true},
		{"05 0003 2a0101", eight(0x2A, 1, 1), true},
		{"05 0003 2a0200", tpdu.Concat{}, false},
		{"05 0003 2a0203", tpdu.Concat{}, false},
		{"05 0003 2a0000", tpdu.Concat{}, false},
		{"0a 0003 010201 0003 020202", eight(2, 2, 2), true},
		{"0a 0003 010201 0003 020209", eight(1, 2, 1), true},
		{"02 7000", tpdu.Concat{}, false},
	}
	for _, tt := range tests {
		h, _, err := tpdu.ParseHeader(octets(t, tt.ud))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := h.Concat(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %t; want %+v, %t", tt.ud, got, ok, tt.want, tt.ok)
		}
	}
}

func TestPorts(t *testing.T) {
	tests := []struct {
		ud   string
		want tpdu.Ports
		ok   bool
	}{
		{"06 0504 3e803e81", tpdu.Ports{Destination: 16000, Source: 16001}, true},
		{"04 0402 f0f1", tpdu.Ports{Destination: 240, Source: 241}, true},
		{"0c 0504 3e803e81 0504 00010002", tpdu.Ports{Destination: 1, Source: 2}, true},
		{"02 7000", tpdu.Ports{}, false},
	}
	for _, tt := range tests {
		h, _, err := tpdu.ParseHeader(octets(t, tt.ud))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := h.Ports(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %t; want %+v, %t", tt.ud, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParseSegment(t *testing.T) {
	tests := []struct {
		name       string
		coding     uint8
		indication bool
		ud         []byte
		want       error
	}{
		{"160 septets", 0, false, make([]byte, 160), nil},
		{"161 septets", 0, false, make([]byte, 161), tpdu.ErrTooLong},
		{"140 octets", 4, false, make([]byte, 140), nil},
		{"141 octets", 4, false, make([]byte, 141), tpdu.ErrTooLong},
		{"70 code units", 8, false, make([]byte, 140), nil},
		{"153 septets behind a header", 0, true, append(octets(t, "05 0003 010201"), make([]byte, 153)...), nil},
		{"154 septets behind a header", 0, true, append(octets(t, "05 0003 010201"), make([]byte, 154)...), tpdu.ErrTooLong},
		{"header indicated, none there", 0, true, nil, tpdu.ErrUserData},
	}
	for _, tt := range tests {
		s, err := tpdu.ParseSegment(0, tt.coding, tt.indication, tt.ud)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil {
			continue
		}
		if back, err := s.UserData(); err != nil || !bytes.Equal(back, tt.ud) || s.Indication() != tt.indication {
			t.Errorf("%s: back to %x, %v", tt.name, back, err)
		}
	}
}

func TestAirInterface(t *testing.T) {
	for _, text := range []string{"hellohello", "请支付", "@", ""} {
		parts, err := tpdu.SplitText(text, tpdu.Reference{})
		if err != nil || len(parts) != 1 {
			t.Fatalf("%q: %d parts, %v", text, len(parts), err)
		}
		checkAirInterface(t, parts[0])
	}
	s := tpdu.Segment{Header: tpdu.Header{tpdu.Concat{Total: 2, Part: 1}.Element()}, Payload: []byte("A")}
	length, ud, err := s.AirInterface()
	if want := octets(t, "050003 000201 82"); err != nil || length != 8 || !bytes.Equal(ud, want) {
		t.Errorf("one character behind a header: %d, %x, %v; want 8, %x", length, ud, err, want)
	}
	checkAirInterface(t, s)
}

func TestParseAirInterfaceRefuses(t *testing.T) {
	tests := []struct {
		name, ud   string
		coding     uint8
		indication bool
		length     uint8
	}{
		{"octets, length too large", "aabb", 4, false, 3},
		{"septets, length too large", "e832", 0, false, 3},
		{"septets, length too small", "e832", 0, false, 1},
		{"header longer than the septets", "050003000201", 0, true, 6},
		{"header past the end", "0570", 0, true, 2},
	}
	for _, tt := range tests {
		_, err := tpdu.ParseAirInterface(0, tt.coding, tt.indication, tt.length, octets(t, tt.ud))
		if !errors.Is(err, tpdu.ErrUserData) {
			t.Errorf("%s: %v, want ErrUserData", tt.name, err)
		}
	}
}

// checkAirInterface sends a segment over the air and back.
func checkAirInterface(t rapid.TB, s tpdu.Segment) {
	t.Helper()
	length, ud, err := s.AirInterface()
	if err != nil || len(ud) != s.Size() || len(ud) > tpdu.MaxOctets {
		t.Fatalf("air interface: %d octets of %d, %v", len(ud), s.Size(), err)
	}
	back, err := tpdu.ParseAirInterface(s.Protocol, s.Coding, s.Indication(), length, ud)
	if err != nil || !bytes.Equal(back.Payload, s.Payload) || back.Size() != s.Size() {
		t.Fatalf("air interface: back to %+v, %v; sent %+v", back, err, s)
	}
}
