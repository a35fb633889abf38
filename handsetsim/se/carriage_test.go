package se

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// way is how packets reach an element of a form and leave it, wire.md 1.7.
type way struct {
	form             applet.Form
	protocol, coding uint8  // of what is for the element
	header           string // of a message of one part, both ways
	first, second    string // of a message of two
	single           int    // most octets of a packet in one message
}

func ways() []way {
	port := way{
		protocol: 0x00, coding: 0xF5, header: "08 0504 3f483f48 7000",
		first: "0d 0003 2a0201 0504 3f483f48 7000", second: "0b 0003 2a0202 0504 3f483f48", single: 131,
	}
	standalone, sdtf := port, port
	standalone.form, sdtf.form = applet.Standalone, applet.SDTF
	return []way{standalone, sdtf, {
		form: applet.SIM, protocol: 0x7F, coding: 0xF6, header: "02 7000",
		first: "07 0003 2a0201 7000", second: "05 0003 2a0202", single: 137,
	}}
}

func unhex(s string) []byte { return must(hex.DecodeString(strings.ReplaceAll(s, " ", ""))) }

// Each form sends with exactly the octets of wire.md 1.7: TP-PID 00, TP-DCS F5, and
// its header; in two parts, with the mark of a command packet in the first only.
func TestCarry(t *testing.T) {
	for _, w := range ways() {
		e := blank(w.form, nil)
		for _, n := range []int{1, w.single - 1, w.single, w.single + 1, 200} {
			packet := bytes.Repeat([]byte{0xA5}, n)
			segments := must(e.Carry(packet, tpdu.Reference{Number: 0x2A}))
			headers := []string{w.header}
			if n > w.single {
				headers = []string{w.first, w.second}
			}
			if len(segments) != len(headers) {
				t.Fatalf("%v, %d octets: %d messages, want %d", w.form, n, len(segments), len(headers))
			}
			var carried []byte
			for i, s := range segments {
				header := unhex(headers[i])
				ud := must(s.UserData())
				if s.Protocol != 0 || s.Coding != 0xF5 || !bytes.HasPrefix(ud, header) || len(ud) > 140 {
					t.Errorf("%v, %d octets, part %d: PID %02X DCS %02X %x", w.form, n, i+1, s.Protocol, s.Coding, ud)
				}
				carried = append(carried, ud[len(header):]...)
			}
			if !bytes.Equal(carried, packet) {
				t.Errorf("%v, %d octets: carries another packet", w.form, n)
			}
		}
	}
}

// Each form is reached with exactly the octets of wire.md 1.7, and by no other way:
// the way of every other form, another port, a response, a text, a class that leads
// elsewhere.
func TestReached(t *testing.T) {
	packet := bytes.Repeat([]byte{0xA5}, 40)
	for _, w := range ways() {
		e := blank(w.form, nil)
		for _, other := range ways() {
			segment := arriving(other, other.header, packet)
			got, ok := e.Reached(segment)
			if want := other.form.InSIM() == w.form.InSIM(); ok != want || ok && !bytes.Equal(got, packet) {
				t.Errorf("%v, sent as for %v: %t", w.form, other.form, ok)
			}
		}
		right := arriving(w, w.header, packet)
		for name, change := range map[string]func(*tpdu.Segment){
			"the other's PID":        func(s *tpdu.Segment) { s.Protocol ^= 0x7F },
			"another PID":            func(s *tpdu.Segment) { s.Protocol = 0x40 },
			"class 0":                func(s *tpdu.Segment) { s.Coding = 0xF4 },
			"the other's class":      func(s *tpdu.Segment) { s.Coding ^= 0xF5 ^ 0xF6 },
			"class 3":                func(s *tpdu.Segment) { s.Coding = 0xF7 },
			"text":                   func(s *tpdu.Segment) { s.Coding = 0x00 },
			"no header":              func(s *tpdu.Segment) { s.Header = nil },
			"a response":             func(s *tpdu.Segment) { s.Header = withResponse(s.Header) },
			"no ports, or some":      func(s *tpdu.Segment) { s.Header = withPorts(s.Header, 16200) },
			"the port of another":    func(s *tpdu.Segment) { s.Header = append(s.Header, tpdu.Ports{Destination: 16201}.Element()) },
			"one part of two":        func(s *tpdu.Segment) { s.Header = append(s.Header, tpdu.Concat{Total: 2, Part: 1}.Element()) },
			"command and a response": func(s *tpdu.Segment) { s.Header = append(s.Header, tpdu.Element{ID: tpdu.ElementResponse}) },
		} {
			s := right
			s.Header = append(tpdu.Header(nil), right.Header...)
			change(&s)
			if got, ok := e.Reached(s); ok || got != nil {
				t.Errorf("%v: reached by %s", w.form, name)
			}
		}
		right.Coding = 0x04 // as a carrier leaves it that drops the class
		if _, ok := e.Reached(right); !ok {
			t.Errorf("%v: not reached with data_coding 04", w.form)
		}
	}
}

// arriving is a packet as the carrier brings it.
func arriving(w way, header string, packet []byte) tpdu.Segment {
	return must(tpdu.ParseSegment(w.protocol, w.coding, true, append(unhex(header), packet...)))
}

func withResponse(h tpdu.Header) (changed tpdu.Header) {
	for _, e := range h {
		if e.ID == tpdu.ElementCommand {
			e.ID = tpdu.ElementResponse
		}
		changed = append(changed, e)
	}
	return changed
}

// withPorts puts ports into a header that has none, and takes them out of one that has.
func withPorts(h tpdu.Header, port uint16) (changed tpdu.Header) {
	if !h.Has(tpdu.ElementPorts16) {
		return append(h, tpdu.Ports{Destination: port, Source: port}.Element())
	}
	for _, e := range h {
		if e.ID != tpdu.ElementPorts16 {
			changed = append(changed, e)
		}
	}
	return changed
}

// What one SMS carries of payload is the same for every form: 98 octets in the modern
// suite, 106 in the legacy one (wire.md 1.8).
func TestPayloadOfOneMessage(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		most := map[scp80.Suite]int{scp80.Modern: 98, scp80.Legacy: 106}[suite]
		for form := applet.Standalone; form <= applet.SDTF; form++ {
			e := personalised(t, newWorld(suite, 1), form, nil)
			for n, want := range map[int]int{most: 1, most + 1: 2} {
				packet := must(e.Wrap(make([]byte, n)))
				if got := len(must(e.Carry(packet, tpdu.Reference{}))); got != want {
					t.Errorf("%v: %d octets take %d messages, want %d", form, n, got, want)
				}
			}
		}
	})
}
