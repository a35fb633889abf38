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

// TS 23.040 §9.2.3.24: what fits beside the elements of a language.
func TestDivideLengths(t *testing.T) {
	single, both := tpdu.Shift{Single: tpdu.Turkish}, tpdu.Shift{Locking: tpdu.Turkish, Single: tpdu.Turkish}
	for _, tt := range []struct {
		name    string
		text    string
		w       tpdu.Writing
		how     tpdu.Manner
		lengths []int
	}{
		{"one part, single shift", strings.Repeat("a", 155), tpdu.Writing{Shift: single}, tpdu.ByHeader8, []int{155}},
		{"8 bit, single shift", strings.Repeat("a", 156), tpdu.Writing{Shift: single}, tpdu.ByHeader8, []int{149, 7}},
		{"16 bit, single shift", strings.Repeat("a", 156), tpdu.Writing{Shift: single}, tpdu.ByHeader16, []int{148, 8}},
		{"one part, both", strings.Repeat("a", 152), tpdu.Writing{Shift: both}, tpdu.ByHeader8, []int{152}},
		{"8 bit, both", strings.Repeat("a", 153), tpdu.Writing{Shift: both}, tpdu.ByHeader8, []int{146, 7}},
		{"an escape at the edge", strings.Repeat("a", 148) + strings.Repeat("ş", 10), tpdu.Writing{Shift: single}, tpdu.ByHeader8, []int{148, 20}},
		{"sar leaves room for a header", strings.Repeat("a", 161), tpdu.Writing{}, tpdu.BySAR, []int{152, 9}},
		{"sar, UCS2", strings.Repeat("请", 71), tpdu.Writing{Alphabet: tpdu.UCS2}, tpdu.BySAR, []int{132, 10}},
		{"sar, one part", strings.Repeat("a", 160), tpdu.Writing{}, tpdu.BySAR, []int{160}},
		{"payload", strings.Repeat("a", 1000), tpdu.Writing{}, tpdu.ByPayload, []int{1000}},
		{"payload, one part", strings.Repeat("a", 160), tpdu.Writing{}, tpdu.ByPayload, []int{160}},
	} {
		s, err := tpdu.Compose(tt.text, tt.w)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Divide(tt.how, 0x1234)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var lengths []int
		for _, p := range parts {
			lengths = append(lengths, len(p.Payload))
		}
		if !slices.Equal(lengths, tt.lengths) {
			t.Errorf("%s: parts of %v, want %v", tt.name, lengths, tt.lengths)
		}
		checkDivided(t, parts, tt.how)
	}
}

// checkDivided asserts what holds of every part: it is numbered where its manner says,
// and fits.
func checkDivided(t rapid.TB, parts []tpdu.Part, how tpdu.Manner) {
	t.Helper()
	for i, p := range parts {
		ref := tpdu.Reference{Number: 0x1234, Wide: true}
		if how == tpdu.ByHeader8 {
			ref = tpdu.Reference{Number: 0x34}
		}
		want := tpdu.Concat{Reference: ref, Total: uint8(len(parts)), Part: uint8(i + 1)}
		inHeader, ok := p.Header.Concat()
		switch several := len(parts) > 1; {
		case ok != (several && how != tpdu.BySAR), ok && inHeader != want:
			t.Fatalf("part %d of %d by %s: header says %+v, %t", i+1, len(parts), how, inHeader, ok)
		case (p.SAR != nil) != (several && how == tpdu.BySAR), p.SAR != nil && *p.SAR != want:
			t.Fatalf("part %d of %d by %s: sar says %+v", i+1, len(parts), how, p.SAR)
		case p.Long != (how == tpdu.ByPayload && p.Size() > tpdu.MaxOctets):
			t.Fatalf("part %d of %d by %s: long %t", i+1, len(parts), how, p.Long)
		}
		if _, err := p.UserData(); err != nil {
			t.Fatalf("part %d: %v", i+1, err)
		}
		if p.SAR != nil && len(p.Payload) > tpdu.Room(max(p.Header.Size(), 1)+6, p.Alphabet()) {
			t.Fatalf("part %d leaves no room for a header", i+1)
		}
	}
}

// In every manner and alphabet, what arrives in whatever order is what was sent.
func TestDivideThenJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, w := drawText(t)
		s, err := tpdu.Compose(text, w)
		if err != nil {
			t.Fatal(err)
		}
		how := tpdu.Manner(rapid.IntRange(0, 3).Draw(t, "manner"))
		parts, err := s.Divide(how, 0x1234)
		if err != nil {
			t.Fatal(err)
		}
		checkDivided(t, parts, how)
		for _, p := range parts {
			if _, err := p.Text(); err != nil {
				t.Fatalf("a part cannot be read alone: %v", err)
			}
		}
		whole := arrive(t, rapid.Permutation(parts).Draw(t, "order"))
		if got, err := whole.Text(); got != text || err != nil {
			t.Fatalf("joined to %q, %v; want %q", got, err, text)
		}
	})
}

func drawText(t *rapid.T) (string, tpdu.Writing) {
	choice := rapid.SampledFrom([]struct {
		w          tpdu.Writing
		characters string
	}{
		{tpdu.Writing{}, "a@€[é\n"},
		{tpdu.Writing{Shift: tpdu.Shift{Single: tpdu.Turkish}}, "aş€ğ["},
		{tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Portuguese, Single: tpdu.Portuguese}}, "aãΦç{"},
		{tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Hindi, Single: tpdu.Hindi}}, "aआA०"},
		{tpdu.Writing{Alphabet: tpdu.UCS2}, "a请😀"},
		{tpdu.Writing{Alphabet: tpdu.Latin1}, "aÿ"},
	}).Draw(t, "writing")
	return rapid.StringOfN(rapid.RuneFrom([]rune(choice.characters)), 0, 900, -1).Draw(t, "text"), choice.w
}

// arrive hands parts to a Reassembler as a receiver reads them off SMPP.
func arrive(t rapid.TB, parts []tpdu.Part) tpdu.Segment {
	t.Helper()
	r := newReassembler(t, tpdu.Limits{})
	for i, p := range parts {
		ud, err := p.UserData()
		if err != nil {
			t.Fatal(err)
		}
		s, err := tpdu.ParseMessage(p.Protocol, p.Coding, p.Indication(), ud)
		if err != nil {
			t.Fatal(err)
		}
		var whole tpdu.Segment
		var ok bool
		if p.SAR != nil {
			whole, ok, err = r.AddPart(time.Time{}, tpdu.Link{}, *p.SAR, s)
		} else {
			whole, ok, err = r.Add(time.Time{}, tpdu.Link{}, s)
		}
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

// A message_payload becomes segments on its way to a phone: the header in each, the
// mark of a packet in the first, and no place that it had before.
func TestSplitOfAMessage(t *testing.T) {
	ports := tpdu.Ports{Destination: 16000, Source: 16001}.Element()
	long := tpdu.Segment{
		Protocol: tpdu.ProtocolSIM, Coding: tpdu.CodingSIM, Payload: bytes.Repeat([]byte{7}, 300),
		Header: tpdu.Header{tpdu.Concat{Total: 2, Part: 1}.Element(), ports, {ID: tpdu.ElementCommand}},
	}
	segments, err := long.Split(tpdu.Reference{Number: 9})
	if err != nil {
		t.Fatal(err)
	}
	checkParts(t, segments, tpdu.Reference{Number: 9})
	for i, s := range segments {
		if _, ok := s.Header.Ports(); !ok || s.Header.Has(tpdu.ElementCommand) != (i == 0) || s.Protocol != tpdu.ProtocolSIM || s.Coding != tpdu.CodingSIM {
			t.Errorf("part %d: %+v", i+1, s)
		}
	}
	if whole := joinAll(t, segments); !bytes.Equal(whole.Payload, long.Payload) {
		t.Errorf("joined to %d octets", len(whole.Payload))
	}
}

// TS 23.038 §6.2.1.1 note 1: an escape behind an escape is its character.
func TestSplitAmongEscapes(t *testing.T) {
	for _, tt := range []struct {
		payload string
		first   int
	}{
		{strings.Repeat("a", 152) + "\x1b\x1b" + "aaaaaaaa", 152},
		{strings.Repeat("a", 151) + "\x1b\x1b" + "aaaaaaaa", 153},
		{strings.Repeat("a", 150) + "\x1b\x1b\x1b\x65" + "aaaaaaaa", 152},
		{strings.Repeat("\x1b", 200), 152},
	} {
		segments, err := tpdu.Segment{Payload: []byte(tt.payload)}.Split(tpdu.Reference{})
		if err != nil || len(segments[0].Payload) != tt.first {
			t.Errorf("%q: %d septets, %v; want %d", tt.payload, len(segments[0].Payload), err, tt.first)
		}
	}
}

func TestDivideRefuses(t *testing.T) {
	s := tpdu.Segment{Coding: tpdu.CodingOctets, Payload: make([]byte, tpdu.MaxPayload)}
	if parts, err := s.Divide(tpdu.ByPayload, 1); err != nil || len(parts) != 1 {
		t.Errorf("a full message_payload: %v", err)
	}
	s.Payload = make([]byte, tpdu.MaxPayload+1)
	if _, err := s.Divide(tpdu.ByPayload, 1); !errors.Is(err, tpdu.ErrTooLong) {
		t.Errorf("more than a message_payload: %v", err)
	}
	for _, how := range []tpdu.Manner{tpdu.ByHeader8, tpdu.ByHeader16, tpdu.BySAR} {
		if _, err := s.Divide(how, 1); !errors.Is(err, tpdu.ErrTooManyParts) {
			t.Errorf("%s: %v", how, err)
		}
	}
	if _, err := s.Divide(9, 1); err == nil {
		t.Error("a manner that there is not")
	}
	if _, err := tpdu.Compose("a\xff", tpdu.Writing{}); !errors.Is(err, tpdu.ErrCharacter) {
		t.Errorf("not UTF-8: %v", err)
	}
}

func TestManners(t *testing.T) {
	for _, how := range []tpdu.Manner{tpdu.ByHeader8, tpdu.ByHeader16, tpdu.BySAR, tpdu.ByPayload} {
		if got, err := tpdu.ParseManner(how.String()); got != how || err != nil {
			t.Errorf("%s read as %s, %v", how, got, err)
		}
	}
	if _, err := tpdu.ParseManner("pigeon"); err == nil {
		t.Error("pigeon taken")
	}
}

// TS 23.040 §9.2.3.24.3.
func TestPorts8(t *testing.T) {
	e, ok := tpdu.Ports{Destination: 240, Source: 255}.Element8()
	if !ok || e.ID != tpdu.ElementPorts8 || !bytes.Equal(e.Data, []byte{240, 255}) {
		t.Errorf("%+v, %t", e, ok)
	}
	if got, ok := (tpdu.Header{e}).Ports(); !ok || got != (tpdu.Ports{Destination: 240, Source: 255}) {
		t.Errorf("%+v, %t", got, ok)
	}
	if _, ok := (tpdu.Ports{Destination: 256}).Element8(); ok {
		t.Error("256 in 8 bits")
	}
}

// A place in a header and one beside it are of different messages, though their
// numbers are the same.
func TestReassemblerTellsMannersApart(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{})
	divide := func(text string, how tpdu.Manner) []tpdu.Part {
		s, err := tpdu.Compose(text, tpdu.Writing{})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Divide(how, 7)
		if err != nil {
			t.Fatal(err)
		}
		return parts
	}
	header, sar := divide(strings.Repeat("h", 200), tpdu.ByHeader16), divide(strings.Repeat("s", 200), tpdu.BySAR)
	for i := range 2 {
		whole, ok, err := r.Add(at(0), tpdu.Link{}, header[i].Segment)
		beside, besideOK, besideErr := r.AddPart(at(0), tpdu.Link{}, *sar[i].SAR, sar[i].Segment)
		if err != nil || besideErr != nil || ok != (i == 1) || besideOK != (i == 1) {
			t.Fatalf("part %d: %t %v, %t %v", i+1, ok, err, besideOK, besideErr)
		}
		if i == 1 && (string(whole.Payload) != strings.Repeat("h", 200) || string(beside.Payload) != strings.Repeat("s", 200)) {
			t.Errorf("joined to %q and %q", whole.Payload, beside.Payload)
		}
	}
	if c := r.Counts(); c.Restarted != 0 || c.Whole != 2 {
		t.Errorf("counts %+v", c)
	}
}

// TS 23.038 §6.2.1.2.3: tables hold for the part that announces them.
func TestReassemblerOfSeveralTables(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{})
	part := func(n uint8, text string, s tpdu.Shift) tpdu.Segment {
		payload, err := tpdu.EncodeGSM7(text, s)
		if err != nil {
			t.Fatal(err)
		}
		h := append(tpdu.Header{tpdu.Concat{Total: 2, Part: n}.Element()}, s.Header()...)
		return tpdu.Segment{Header: append(h, tpdu.Ports{Destination: 1}.Element()), Payload: payload}
	}
	add(t, r, at(0), tpdu.Link{}, part(2, "आप", tpdu.Shift{Locking: tpdu.Hindi}))
	whole, ok, err := r.Add(at(0), tpdu.Link{}, part(1, "ış ", tpdu.Shift{Single: tpdu.Turkish}))
	if text, textErr := whole.Text(); !ok || err != nil || text != "ış आप" || textErr != nil {
		t.Errorf("%q, %t, %v, %v", text, ok, err, textErr)
	}
	if _, kept := whole.Header.Ports(); !kept || whole.Alphabet() != tpdu.UCS2 {
		t.Errorf("%+v", whole)
	}
}
