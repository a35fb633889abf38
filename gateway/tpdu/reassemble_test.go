package tpdu_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/tpdu"
)

const minute = time.Minute

func at(age time.Duration) time.Time { return time.Unix(0, 0).Add(age) }

func newReassembler(t rapid.TB, l tpdu.Limits) *tpdu.Reassembler {
	t.Helper()
	r, err := tpdu.NewReassembler(l)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parts(t rapid.TB, text string, ref tpdu.Reference) []tpdu.Segment {
	t.Helper()
	segments, err := tpdu.SplitText(text, ref)
	if err != nil {
		t.Fatal(err)
	}
	return segments
}

// add adds a segment and answers the text of the message that it made whole, or "".
func add(t rapid.TB, r *tpdu.Reassembler, now time.Time, link tpdu.Link, s tpdu.Segment) string {
	t.Helper()
	whole, ok, err := r.Add(now, link, s)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return ""
	}
	text, err := whole.Text()
	if err != nil {
		t.Fatal(err)
	}
	if _, isPart := whole.Header.Concat(); isPart {
		t.Fatalf("whole message has the header %v", whole.Header)
	}
	return text
}

func TestReassemblerKeys(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{})
	type sender struct {
		link tpdu.Link
		ref  tpdu.Reference
	}
	link := tpdu.Link{Source: "10658", Destination: "8613800000001"}
	senders := []sender{
		{link, tpdu.Reference{Number: 1}},
		{link, tpdu.Reference{Number: 2}},
		{link, tpdu.Reference{Number: 1, Wide: true}},
		{tpdu.Link{Source: "10690", Destination: link.Destination}, tpdu.Reference{Number: 1}},
		{tpdu.Link{Source: link.Source, Destination: "8613800000002"}, tpdu.Reference{Number: 1}},
	}
	text := func(i int) string { return strings.Repeat(string(rune('a'+i)), 200) }
	for i, s := range senders {
		if got := add(t, r, at(0), s.link, parts(t, text(i), s.ref)[1]); got != "" {
			t.Fatalf("sender %d: whole after one part: %q", i, got)
		}
	}
	for i, s := range senders {
		if got := add(t, r, at(0), s.link, parts(t, text(i), s.ref)[0]); got != text(i) {
			t.Errorf("sender %d: got %q", i, got)
		}
	}
	if n, octets := r.Waiting(); n != 0 || octets != 0 {
		t.Errorf("%d messages, %d octets still wait", n, octets)
	}
	// The same reference with another total is another message.
	three := parts(t, strings.Repeat("x", 400), senders[0].ref)
	add(t, r, at(0), link, parts(t, strings.Repeat("y", 200), senders[0].ref)[0])
	for i, s := range three {
		if got := add(t, r, at(0), link, s); (got != "") != (i == 2) {
			t.Errorf("part %d of 3: %q", i+1, got)
		}
	}
}

func TestReassemblerDuplicates(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{Age: minute})
	var link tpdu.Link
	text := strings.Repeat("a", 153) + strings.Repeat("b", 47)
	message := parts(t, text, tpdu.Reference{Number: 9})
	for i, want := range []string{"", "", text, "", "", ""} {
		s := message[min(i, 5)/2%2] // first, first, second, second, first, first
		if got := add(t, r, at(0), link, s); got != want {
			t.Errorf("step %d: %q", i, got)
		}
	}
	if c := r.Counts(); c.Whole != 1 || c.Duplicates != 4 {
		t.Errorf("counts %+v", c)
	}
	if n, _ := r.Waiting(); n != 0 {
		t.Errorf("late duplicates began %d messages", n)
	}
	// Past its age the message may come again.
	add(t, r, at(minute), link, message[0])
	if got := add(t, r, at(minute), link, message[1]); got != text {
		t.Errorf("the same message a minute later: %q", got)
	}
}

func TestReassemblerReferenceUsedAgain(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{})
	var link tpdu.Link
	ref := tpdu.Reference{Number: 9}
	old, now := parts(t, strings.Repeat("o", 200), ref), parts(t, strings.Repeat("n", 200), ref)
	add(t, r, at(0), link, old[0])
	if got := add(t, r, at(0), link, now[0]); got != "" {
		t.Fatalf("got %q", got)
	}
	if got := add(t, r, at(0), link, now[1]); got != strings.Repeat("n", 200) {
		t.Errorf("the newer message: %q", got)
	}
	next := parts(t, strings.Repeat("请", 100), ref)
	add(t, r, at(0), link, next[0])
	if got := add(t, r, at(0), link, next[1]); got != strings.Repeat("请", 100) {
		t.Errorf("after a complete message: %q", got)
	}
	// A part in another alphabet is never joined with what waits.
	add(t, r, at(0), link, old[0])
	if got := add(t, r, at(0), link, next[1]); got != "" {
		t.Errorf("mixed alphabets: %q", got)
	}
	if c := r.Counts(); c.Restarted != 2 || c.Whole != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestReassemblerAge(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{Age: minute})
	var link tpdu.Link
	text := strings.Repeat("a", 153) + strings.Repeat("b", 47)
	message := parts(t, text, tpdu.Reference{})
	add(t, r, at(0), link, message[0])
	if got := add(t, r, at(minute-1), link, message[1]); got != text {
		t.Errorf("just in time: %q", got)
	}
	late := parts(t, text, tpdu.Reference{Number: 1})
	add(t, r, at(minute), link, late[0])
	if got := add(t, r, at(2*minute), link, late[1]); got != "" {
		t.Errorf("too late: %q", got)
	}
	if c := r.Counts(); c.Expired != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestReassemblerBounds(t *testing.T) {
	const octets = 10_000
	r := newReassembler(t, tpdu.Limits{Parts: 4, Messages: 20, Octets: octets})
	for i := range 1000 {
		link := tpdu.Link{Source: fmt.Sprint(i)}
		message := parts(t, strings.Repeat("a", 153*4), tpdu.Reference{})
		for _, s := range message[:1+i%3] {
			add(t, r, at(0), link, s)
		}
		if n, kept := r.Waiting(); n > 20 || kept > octets {
			t.Fatalf("message %d: %d messages, %d octets wait", i, n, kept)
		}
	}
	// The newest is kept, the oldest goes.
	last := tpdu.Link{Source: "999"}
	rest := parts(t, strings.Repeat("a", 153*4), tpdu.Reference{})[1:]
	var got string
	for _, s := range rest {
		got = add(t, r, at(0), last, s)
	}
	if len(got) != 153*4 {
		t.Errorf("the newest message: %d characters", len(got))
	}
	if c := r.Counts(); c.Evicted == 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestReassemblerRefuses(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{Parts: 3, Octets: 200})
	var link tpdu.Link
	ok := tpdu.Segment{Coding: 4, Payload: make([]byte, 50)}
	for name, tt := range map[string]struct {
		c tpdu.Concat
		s tpdu.Segment
	}{
		"part 0":              {tpdu.Concat{Total: 2}, ok},
		"part past the total": {tpdu.Concat{Total: 2, Part: 3}, ok},
		"too many parts":      {tpdu.Concat{Total: 4, Part: 1}, ok},
		"more than a message": {tpdu.Concat{Total: 2, Part: 1}, tpdu.Segment{Coding: 4, Payload: make([]byte, 141)}},
		"more than the limit": {tpdu.Concat{Total: 2, Part: 1}, tpdu.Segment{Coding: 4, Payload: make([]byte, 101)}},
	} {
		if _, whole, err := r.AddPart(at(0), link, tt.c, tt.s); whole || !errors.Is(err, tpdu.ErrPart) {
			t.Errorf("%s: %t, %v", name, whole, err)
		}
	}
	if n, _ := r.Waiting(); n != 0 {
		t.Errorf("%d messages wait", n)
	}
	for _, l := range []tpdu.Limits{{Parts: -1}, {Parts: 256}, {Messages: -1}, {Octets: -1}, {Age: -1}} {
		if _, err := tpdu.NewReassembler(l); err == nil {
			t.Errorf("limits %+v taken", l)
		}
	}
}

// A message of one part, and an element that says nothing, are whole at once.
func TestReassemblerSingles(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{})
	one := tpdu.Segment{Coding: 4, Header: tpdu.Header{tpdu.Concat{Total: 1, Part: 1}.Element()}, Payload: []byte{1}}
	if whole, ok, err := r.Add(at(0), tpdu.Link{}, one); !ok || err != nil || whole.Indication() {
		t.Errorf("1 of 1: %+v, %t, %v", whole, ok, err)
	}
	void := tpdu.Segment{Coding: 4, Header: tpdu.Header{{ID: tpdu.ElementConcat8, Data: []byte{1, 2, 0}}}, Payload: []byte{1}}
	if _, ok, err := r.Add(at(0), tpdu.Link{}, void); !ok || err != nil {
		t.Errorf("part 0: %t, %v", ok, err)
	}
}

// What the caller does with a segment's octets afterwards does not reach the message.
func TestReassemblerCopies(t *testing.T) {
	r := newReassembler(t, tpdu.Limits{})
	packet := bytes.Repeat([]byte{7}, 200)
	segments, err := tpdu.ByPort(tpdu.Ports{Destination: 1, Source: 2}, bytes.Clone(packet), tpdu.Reference{})
	if err != nil {
		t.Fatal(err)
	}
	var whole tpdu.Segment
	for _, s := range segments {
		ud, err := s.UserData()
		if err != nil {
			t.Fatal(err)
		}
		arrived, err := tpdu.ParseSegment(s.Protocol, s.Coding, true, ud)
		if err != nil {
			t.Fatal(err)
		}
		if whole, _, err = r.Add(at(0), tpdu.Link{}, arrived); err != nil {
			t.Fatal(err)
		}
		clear(ud)
	}
	got, ok := tpdu.ReadSecured(whole)
	if !ok || !bytes.Equal(got.Packet, packet) || *got.Ports != (tpdu.Ports{Destination: 1, Source: 2}) {
		t.Errorf("got %+v, %t", got, ok)
	}
}

// Whatever arrives, in whatever order and however often, every answer is a message
// that was sent, and none is answered twice.
func TestReassemblerUnderLossAndDuplication(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newReassembler(t, tpdu.Limits{})
		sent := make(map[string]bool)
		var air []tpdu.Segment
		for i := range rapid.IntRange(1, 6).Draw(t, "messages") {
			text := strings.Repeat(fmt.Sprintf("%d-", i), rapid.IntRange(81, 300).Draw(t, "length"))
			sent[text] = true
			air = append(air, parts(t, text, tpdu.Reference{Number: uint16(i)})...)
		}
		for range rapid.IntRange(0, 40).Draw(t, "arrivals") {
			s := rapid.SampledFrom(air).Draw(t, "segment")
			got := add(t, r, at(0), tpdu.Link{}, s)
			if got == "" {
				continue
			}
			if !sent[got] {
				t.Fatalf("got %q: not sent, or answered before", got)
			}
			sent[got] = false
		}
	})
}
