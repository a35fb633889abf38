package tpdu_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway/tpdu"
)

func FuzzHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, ud []byte) {
		h, rest, err := tpdu.ParseHeader(ud)
		if err != nil || len(h) == 0 || h.Size() > tpdu.MaxOctets {
			return
		}
		back, err := h.Append(nil)
		if err != nil || !bytes.Equal(append(back, rest...), ud) {
			t.Fatalf("back to %x, %v; from %x", back, err, ud)
		}
		if c, ok := h.Concat(); ok && (c.Part == 0 || c.Part > c.Total) {
			t.Fatalf("concatenation %+v", c)
		}
		s, err := tpdu.ParseSegment(0, tpdu.CodingOctets, true, ud)
		if err != nil {
			return
		}
		again, err := s.UserData()
		if err != nil || !bytes.Equal(again, ud) {
			t.Fatalf("user data %x, %v; from %x", again, err, ud)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Fuzz(func(t *testing.T, alphabet byte, payload []byte) {
		a := tpdu.Alphabet(alphabet % 4)
		text, err := tpdu.Decode(payload, a)
		if !utf8.ValidString(text) {
			t.Fatalf("%q is not UTF-8", text)
		}
		if err != nil {
			return
		}
		canonical, err := tpdu.Encode(text, a)
		if err != nil {
			t.Fatalf("%x reads %q, which cannot be written: %v", payload, text, err)
		}
		if len(canonical) > len(payload) {
			t.Fatalf("%x grew to %x", payload, canonical)
		}
		if again, err := tpdu.Decode(canonical, a); again != text || err != nil {
			t.Fatalf("%q, then %q, %v", text, again, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string, number uint16, wide bool) {
		if !utf8.ValidString(text) || len(text) > 4096 {
			return
		}
		if !wide {
			number &= 0xFF
		}
		ref := tpdu.Reference{Number: number, Wide: wide}
		segments, err := tpdu.SplitText(text, ref)
		if err != nil {
			t.Fatal(err)
		}
		checkParts(t, segments, ref)
		if got, err := joinAll(t, segments).Text(); got != text || err != nil {
			t.Fatalf("joined to %q, %v; from %q", got, err, text)
		}
	})
}
