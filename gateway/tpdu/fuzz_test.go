package tpdu_test

import (
	"bytes"
	"testing"
	"time"
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

// FuzzGSM7: septets read with any tables give text that is written with them in no more
// septets, and read the same; packed and unpacked they stay as they are.
func FuzzGSM7(f *testing.F) {
	f.Add(byte(0), byte(0), []byte("hello\x1b\x65"))
	f.Add(byte(tpdu.Turkish), byte(tpdu.Turkish), []byte("\x1b\x47\x04\x1b"))
	f.Fuzz(func(t *testing.T, locking, single byte, payload []byte) {
		s := tpdu.Shift{Locking: tpdu.Language(locking % 14), Single: tpdu.Language(single % 14)}
		text, err := tpdu.DecodeGSM7(payload, s)
		if !utf8.ValidString(text) {
			t.Fatalf("%q is not UTF-8", text)
		}
		if err != nil {
			return
		}
		canonical, err := tpdu.EncodeGSM7(text, s)
		if err != nil || len(canonical) > len(payload) {
			t.Fatalf("%s: %x became %x, %v", s, payload, canonical, err)
		}
		if again, err := tpdu.DecodeGSM7(canonical, s); again != text || err != nil {
			t.Fatalf("%s: %q, then %q, %v", s, text, again, err)
		}
		fill := int(locking % 7)
		if back, err := tpdu.Unpack(tpdu.Pack(payload, fill), len(payload), fill); err != nil || !bytes.Equal(back, payload) {
			t.Fatalf("%x packed and unpacked is %x, %v", payload, back, err)
		}
	})
}

// FuzzDivide: any text in any manner arrives as it was sent.
func FuzzDivide(f *testing.F) {
	f.Add("hello", byte(0))
	f.Fuzz(func(t *testing.T, text string, how byte) {
		if !utf8.ValidString(text) || len(text) > 4096 {
			return
		}
		s, err := tpdu.Compose(text, tpdu.Smallest(text))
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Divide(tpdu.Manner(how%4), 0x1234)
		if err != nil {
			t.Fatal(err)
		}
		checkDivided(t, parts, tpdu.Manner(how%4))
		if got, err := arrive(t, parts).Text(); got != text || err != nil {
			t.Fatalf("joined to %q, %v; from %q", got, err, text)
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

// FuzzReassemble: whatever parts come, from whomever, whenever, what waits keeps to the
// limits, and a whole message has all its parts, in order, of one sender.
func FuzzReassemble(f *testing.F) {
	f.Add([]byte{0, 7, 2, 1, 0, 0, 7, 2, 2, 0})                                                  // a message of two parts
	f.Add([]byte{0, 7, 3, 3, 0, 1, 7, 3, 1, 0, 0, 7, 3, 1, 5, 0, 7, 3, 2, 0, 0, 7, 3, 3, 0})     // two senders, another order
	f.Add([]byte{0, 7, 2, 1, 0, 0, 7, 2, 1, 0, 0, 7, 2, 1, 0x80, 0, 7, 2, 2, 61})                // twice, otherwise, too late
	f.Add([]byte{0, 1, 2, 1, 0, 0, 2, 2, 1, 0, 0, 3, 2, 1, 0, 0, 4, 2, 1, 0, 0, 1, 2, 2, 0})     // more than may wait
	f.Add([]byte{0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 2, 3, 0, 0, 1, 9, 9, 0, 0, 1, 255, 255, 0}) // what is no part
	limits := tpdu.Limits{Parts: 5, Messages: 3, Octets: 1000, Age: time.Minute}
	f.Fuzz(func(t *testing.T, script []byte) {
		r, err := tpdu.NewReassembler(limits)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(0, 0)
		for ; len(script) >= 5; script = script[5:] {
			from, number, total, n, rest := script[0]%4, script[1], script[2], script[3], script[4]
			now = now.Add(time.Duration(rest&0x7F) * time.Second)
			c := tpdu.Concat{Reference: tpdu.Reference{Number: uint16(number)}, Total: total, Part: n}
			s := tpdu.Segment{Coding: 4, Payload: []byte{n, rest >> 7, from}}
			whole, ok, err := r.AddPart(now, tpdu.Link{Source: string('a' + rune(from))}, c, s)
			if wrong := n == 0 || n > total || int(total) > limits.Parts; wrong != (err != nil) {
				t.Fatalf("part %d of %d: %v", n, total, err)
			}
			if messages, octets := r.Waiting(); messages > limits.Messages || octets > limits.Octets {
				t.Fatalf("%d messages and %d octets wait", messages, octets)
			}
			if !ok {
				continue
			}
			if len(whole.Payload) != 3*int(total) {
				t.Fatalf("%d parts are joined to %d octets", total, len(whole.Payload))
			}
			for i := range int(total) {
				if p := whole.Payload[3*i:]; int(p[0]) != i+1 || p[2] != from {
					t.Fatalf("part %d is %v", i+1, p[:3])
				}
			}
		}
	})
}
