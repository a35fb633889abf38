package tpdu_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/tpdu"
)

// TS 23.040 §9.2.3.24.1 and .8: the room behind each header.
func TestRoom(t *testing.T) {
	tests := []struct {
		name                 string
		header               int
		gsm7, latin1OrOctets int
		ucs2                 int
	}{
		{"no header", 0, 160, 140, 140},
		{"8-bit reference", 6, 153, 134, 134},
		{"16-bit reference", 7, 152, 133, 132},
		{"command packet", 3, 156, 137, 136},
		{"ports and 8-bit reference", 12, 146, 128, 128},
		{"full", 140, 0, 0, 0},
		{"too large", 300, 0, 0, 0},
	}
	for _, tt := range tests {
		for a, want := range map[tpdu.Alphabet]int{
			tpdu.GSM7: tt.gsm7, tpdu.Latin1: tt.latin1OrOctets, tpdu.Octets: tt.latin1OrOctets, tpdu.UCS2: tt.ucs2,
		} {
			if got := tpdu.Room(tt.header, a); got != want {
				t.Errorf("%s, %s: %d, want %d", tt.name, a, got, want)
			}
		}
	}
}

// Lengths around one part and around two: 160 and 2*153, 70 and 2*67, 140 and 2*134.
func TestSplitLengths(t *testing.T) {
	narrow, wide := tpdu.Reference{Number: 0x2A}, tpdu.Reference{Number: 0x12A, Wide: true}
	tests := []struct {
		character string
		a         tpdu.Alphabet
		ref       tpdu.Reference
		n         int
		lengths   []int // of the parts' payloads, in octets
	}{
		{"a", tpdu.GSM7, narrow, 0, []int{0}},
		{"a", tpdu.GSM7, narrow, 159, []int{159}},
		{"a", tpdu.GSM7, narrow, 160, []int{160}},
		{"a", tpdu.GSM7, narrow, 161, []int{153, 8}},
		{"a", tpdu.GSM7, narrow, 305, []int{153, 152}},
		{"a", tpdu.GSM7, narrow, 306, []int{153, 153}},
		{"a", tpdu.GSM7, narrow, 307, []int{153, 153, 1}},
		{"a", tpdu.GSM7, wide, 304, []int{152, 152}},
		{"a", tpdu.GSM7, wide, 305, []int{152, 152, 1}},
		{"€", tpdu.GSM7, narrow, 80, []int{160}},
		{"€", tpdu.GSM7, narrow, 81, []int{152, 10}}, // 153 would split an escape
		{"€", tpdu.GSM7, narrow, 153, []int{152, 152, 2}},
		{"请", tpdu.UCS2, narrow, 69, []int{138}},
		{"请", tpdu.UCS2, narrow, 70, []int{140}},
		{"请", tpdu.UCS2, narrow, 71, []int{134, 8}},
		{"请", tpdu.UCS2, narrow, 134, []int{134, 134}},
		{"请", tpdu.UCS2, narrow, 135, []int{134, 134, 2}},
		{"请", tpdu.UCS2, wide, 132, []int{132, 132}},
		{"请", tpdu.UCS2, wide, 133, []int{132, 132, 2}},
		{"😀", tpdu.UCS2, narrow, 35, []int{140}},
		{"😀", tpdu.UCS2, narrow, 36, []int{132, 12}}, // 134 would split a pair
		{"😀", tpdu.UCS2, wide, 36, []int{132, 12}},
		{"ÿ", tpdu.Latin1, narrow, 139, []int{139}},
		{"ÿ", tpdu.Latin1, narrow, 140, []int{140}},
		{"ÿ", tpdu.Latin1, narrow, 141, []int{134, 7}},
		{"ÿ", tpdu.Latin1, narrow, 268, []int{134, 134}},
		{"ÿ", tpdu.Latin1, narrow, 269, []int{134, 134, 1}},
		{"ÿ", tpdu.Latin1, wide, 266, []int{133, 133}},
		{"ÿ", tpdu.Latin1, wide, 267, []int{133, 133, 1}},
	}
	for _, tt := range tests {
		text := strings.Repeat(tt.character, tt.n)
		parts, err := tpdu.SplitTextIn(text, tt.a, tt.ref)
		if err != nil {
			t.Errorf("%d %s: %v", tt.n, tt.character, err)
			continue
		}
		if got := payloads(parts); !slices.Equal(got, tt.lengths) {
			t.Errorf("%d %s: parts of %v, want %v", tt.n, tt.character, got, tt.lengths)
		}
		checkParts(t, parts, tt.ref)
	}
}

func payloads(parts []tpdu.Segment) []int {
	var lengths []int
	for _, s := range parts {
		lengths = append(lengths, len(s.Payload))
	}
	return lengths
}

// checkParts asserts what holds of every split: each part is numbered, fits, and can
// be read on its own.
func checkParts(t rapid.TB, parts []tpdu.Segment, ref tpdu.Reference) {
	t.Helper()
	for i, s := range parts {
		c, ok := s.Header.Concat()
		want := tpdu.Concat{Reference: ref, Total: uint8(len(parts)), Part: uint8(i + 1)}
		if ok != (len(parts) > 1) || ok && c != want {
			t.Fatalf("part %d of %d says %+v, %t", i+1, len(parts), c, ok)
		}
		ud, err := s.UserData()
		if err != nil || s.Size() > tpdu.MaxOctets {
			t.Fatalf("part %d: %d octets, %v", i+1, s.Size(), err)
		}
		back, err := tpdu.ParseSegment(s.Protocol, s.Coding, s.Indication(), ud)
		if err != nil || !bytes.Equal(back.Payload, s.Payload) {
			t.Fatalf("part %d: back to %x, %v", i+1, back.Payload, err)
		}
		checkAirInterface(t, s)
		if _, err := s.Text(); err != nil && s.Alphabet() != tpdu.Octets {
			t.Fatalf("part %d cannot be read alone: %v", i+1, err)
		}
	}
}

func TestSplitOctets(t *testing.T) {
	narrow, wide := tpdu.Reference{Number: 7}, tpdu.Reference{Number: 7, Wide: true}
	ports := tpdu.Header{tpdu.Ports{Destination: 16000, Source: 16001}.Element()}
	tests := []struct {
		h       tpdu.Header
		ref     tpdu.Reference
		n       int
		lengths []int
	}{
		{nil, narrow, 139, []int{139}},
		{nil, narrow, 140, []int{140}},
		{nil, narrow, 141, []int{134, 7}},
		{nil, narrow, 268, []int{134, 134}},
		{nil, wide, 267, []int{133, 133, 1}},
		{ports, narrow, 133, []int{133}},
		{ports, narrow, 134, []int{128, 6}},
		{ports, wide, 134, []int{127, 7}},
	}
	for _, tt := range tests {
		payload := bytes.Repeat([]byte{0x1B, 0xD8}, tt.n)[:tt.n] // neither an escape nor a surrogate here
		parts, err := tpdu.SplitOctets(tt.h, payload, tt.ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := payloads(parts); !slices.Equal(got, tt.lengths) {
			t.Errorf("%d octets: parts of %v, want %v", tt.n, got, tt.lengths)
		}
		checkParts(t, parts, tt.ref)
		for i, s := range parts {
			if _, ok := s.Header.Ports(); ok != (tt.h != nil) {
				t.Errorf("%d octets: part %d has ports: %t", tt.n, i+1, ok)
			}
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	ref := tpdu.Reference{}
	if _, err := tpdu.SplitOctets(nil, make([]byte, 255*134), ref); err != nil {
		t.Errorf("255 parts: %v", err)
	}
	if _, err := tpdu.SplitOctets(nil, make([]byte, 255*134+1), ref); !errors.Is(err, tpdu.ErrTooManyParts) {
		t.Errorf("256 parts: %v", err)
	}
	full := tpdu.Header{{ID: 0xA5, Data: make([]byte, 137)}}
	if _, err := tpdu.SplitOctets(full, []byte{1}, ref); !errors.Is(err, tpdu.ErrTooLong) {
		t.Errorf("a header without room: %v", err)
	}
	broken := tpdu.Header{{ID: tpdu.ElementPorts16}}
	for _, n := range []int{1, 200} {
		if _, err := tpdu.SplitOctets(broken, make([]byte, n), ref); !errors.Is(err, tpdu.ErrUserData) {
			t.Errorf("a broken element, %d octets: %v", n, err)
		}
	}
	if _, err := tpdu.SplitTextIn("请", tpdu.GSM7, ref); !errors.Is(err, tpdu.ErrCharacter) {
		t.Errorf("a character not in the alphabet: %v", err)
	}
	if _, err := tpdu.SplitTextIn("a", tpdu.Octets, ref); !errors.Is(err, tpdu.ErrNotText) {
		t.Errorf("text as octets: %v", err)
	}
	s := tpdu.Segment{Coding: 4, Payload: make([]byte, 141)}
	if _, err := s.UserData(); !errors.Is(err, tpdu.ErrTooLong) {
		t.Errorf("141 octets: %v", err)
	}
}

// The split of two messages does not share a header that the first one's caller made.
func TestSplitLeavesTheHeaderAlone(t *testing.T) {
	h := make(tpdu.Header, 1, 8)
	h[0] = tpdu.Ports{Destination: 1, Source: 2}.Element()
	a, _ := tpdu.SplitOctets(h, make([]byte, 300), tpdu.Reference{Number: 1})
	b, _ := tpdu.SplitOctets(h, make([]byte, 300), tpdu.Reference{Number: 2})
	checkParts(t, a, tpdu.Reference{Number: 1})
	checkParts(t, b, tpdu.Reference{Number: 2})
}

func TestSplitThenJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("a@€[é\n请😀")), 0, 600, -1).Draw(t, "text")
		if rapid.Bool().Draw(t, "gsm") {
			text = strings.NewReplacer("请", "a", "😀", "€").Replace(text)
		}
		ref := tpdu.Reference{Number: rapid.Uint16Max(255).Draw(t, "ref"), Wide: rapid.Bool().Draw(t, "wide")}
		parts, err := tpdu.SplitText(text, ref)
		if err != nil {
			t.Fatal(err)
		}
		checkParts(t, parts, ref)
		whole := joinAll(t, rapid.Permutation(parts).Draw(t, "order"))
		if got, err := whole.Text(); got != text || err != nil {
			t.Fatalf("joined to %q, %v; want %q", got, err, text)
		}
	})
}

// joinAll hands the parts to a Reassembler, which must answer with the last one.
func joinAll(t rapid.TB, parts []tpdu.Segment) tpdu.Segment {
	t.Helper()
	r, err := tpdu.NewReassembler(tpdu.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range parts {
		whole, ok, err := r.Add(time.Time{}, tpdu.Link{Source: "1", Destination: "2"}, s)
		if err != nil || ok != (i == len(parts)-1) {
			t.Fatalf("part %d of %d: whole %t, %v", i+1, len(parts), ok, err)
		}
		if ok {
			return whole
		}
	}
	t.Fatalf("no parts")
	return tpdu.Segment{}
}
