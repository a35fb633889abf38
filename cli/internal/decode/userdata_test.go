package decode

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/scp80"
)

// agreeUserData compares user data with a header with what the codec reads.
func agreeUserData(t rapid.TB, ud []byte) {
	e := Explain(ud, UserData, nil)
	h, _, err := tpdu.ParseHeader(ud)
	if err != nil {
		if e.Fault == nil {
			t.Fatalf("%x: no fault, the codec says %v", ud, err)
		}
		return
	}
	group, ok := Find(e.Fields, "user data header")
	if !ok || len(group.Fields) != 1+len(h) {
		t.Fatalf("%x: %d elements, the codec reads %d", ud, len(group.Fields)-1, len(h))
	}
	for i, element := range h {
		parts := group.Fields[1+i].Fields
		var data string
		for _, f := range parts[2:] {
			data += f.Octets
		}
		if parts[0].Octets != hexOf(byte(element.ID)) || data != hexOf(element.Data...) {
			t.Fatalf("%x: element %d is %+v, the codec reads %+v", ud, i, parts, element)
		}
	}
}

func hexOf(b ...byte) string {
	const digits = "0123456789abcdef"
	var s []byte
	for _, o := range b {
		s = append(s, digits[o>>4], digits[o&0xF])
	}
	return string(s)
}

// Text and data in every carriage of a short message read as the codec reads them.
func TestSegmentsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(0, 70, -1).Draw(rt, "text")
		segments, err := tpdu.SplitText(text, tpdu.Reference{Number: rapid.Uint16().Draw(rt, "ref"), Wide: rapid.Bool().Draw(rt, "wide")})
		if err != nil {
			rt.Skip(err)
		}
		for _, s := range segments {
			want, _ := s.Text()
			e := Explain(submitTPDU(rt, s), 0, nil)
			if e.Kind != TPDU || e.Fault != nil {
				rt.Fatalf("%s, %v", e.Kind, e.Fault)
			}
			if f, ok := Find(e.Fields, "text"); f.Value != shown(want) || !ok && want != "" {
				rt.Fatalf("%+v, want %q", f, want)
			}
			checkTree(t, e)
		}
	})
}

// submitTPDU is the SMS-SUBMIT of a segment to 10658.
func submitTPDU(t rapid.TB, s tpdu.Segment) []byte {
	length, ud, err := s.AirInterface()
	if err != nil {
		t.Fatal(err)
	}
	first := byte(0x01)
	if s.Indication() {
		first |= 0x40
	}
	return append([]byte{first, 9, 5, 0x81, 0x01, 0x56, 0xF8, s.Protocol, s.Coding, length}, ud...)
}

func TestBrokenUserData(t *testing.T) {
	tests := []struct {
		name   string
		octets string
		offset int
		why    string
	}{
		{"header past the end", "08 70 00", 0, "user data header: 9 octets wanted, 3 left"},
		{"element past the header", "03 05 04 12 00", 1, "application port addressing, 16 bit: 6 octets wanted, 3 left"},
		{"element of a wrong length", "03 70 01 00", 3, "IEIDL: 1, an element 70 has 0 octets"},
		{"half an element", "03 70 00 05", 3, "information element: 2 octets wanted, 1 left"},
		{"no packet behind its mark", "02 70 00", 3, "secured packet: 0 octets, at least 6"},
		{"none", "", 0, "user data header: announced, and no octets follow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := Explain(unhex(t, tt.octets), UserData, nil)
			checkTree(t, e)
			if e.Fault == nil || e.Fault.Offset != tt.offset || e.Fault.Why != tt.why {
				t.Errorf("%v, want octet %d: %s", e.Fault, tt.offset, tt.why)
			}
		})
	}
}

// The parts of a packet are joined when all are there, in whatever order (wire.md 1.7).
func TestPartsAreJoined(t *testing.T) {
	for _, v := range vectors(t).Concatenated {
		var inputs []Explanation
		for i := range v.Parts {
			inputs = append(inputs, Explain(v.Parts[len(v.Parts)-1-i], 0, nil))
		}
		if got := Join(inputs[1:], nil); got != nil {
			t.Errorf("%s: joined without its last part: %+v", v.ID, got)
		}
		kic := vectors(t).Concatenated[0]
		wholes := Join(inputs, Keyring{keyOf(scp80.Modern, kic.KIcKey, kic.KIDKey)})
		if len(wholes) != 1 || len(wholes[0].Inputs) != len(v.Parts) || wholes[0].Refused {
			t.Fatalf("%s: %+v", v.ID, wholes)
		}
		checkTree(t, wholes[0].Explanation)
		if f, ok := Find(wholes[0].Fields, "CPL"); !ok || f.Value != "264" {
			t.Errorf("%s: CPL %+v", v.ID, f)
		}
		if f, ok := Find(wholes[0].Fields, "CC"); !ok || f.Meaning != "right under the keys given" {
			t.Errorf("%s: CC %+v", v.ID, f)
		}
	}
}

// Parts between other numbers are not those of this message.
func TestPartsKeepToTheirSender(t *testing.T) {
	segments, err := tpdu.ByPort(tpdu.Ports{Destination: 16200, Source: 16200}, bytes.Repeat([]byte{1}, 200), tpdu.Reference{Number: 1})
	if err != nil || len(segments) != 2 {
		t.Fatal(err)
	}
	first, last := submitTPDU(t, segments[0]), submitTPDU(t, segments[1])
	last[4] = 0x11 // another number
	if got := Join([]Explanation{Explain(first, 0, nil), Explain(last, 0, nil)}, nil); got != nil {
		t.Errorf("joined: %+v", got)
	}
}

func TestReadHex(t *testing.T) {
	pdu := "00000010000000150000000000000001"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"plain", pdu, []string{pdu}},
		{"upper case in groups", "00000010 00000015 00000000 0000000A", []string{"0000001000000015000000000000000a"}},
		{"colons", "02:70:00", []string{"027000"}},
		{"source code", "{0x02, 0x70,\n 0x00}", []string{"027000"}},
		{"escapes", `"\x02\x70\x00"`, []string{"027000"}},
		{"lines of one input", "0000001000000015\n0000000000000001\n", []string{pdu}},
		{"blank line between", "0270\n\n\n00\n", []string{"0270", "00"}},
		{"each line alone", pdu + "\n" + pdu, []string{pdu, pdu}},
		{"xxd", "00000000: 0000 0010 0000 0015 0000 0000 0000 0001  ................\n00000010: 0000 0010 0000 0015 0000 0000 0000 0061  ...............a\n",
			[]string{pdu + pdu[:30] + "61"}},
		{"hexdump -C", "00000000  00 00 00 10 00 00 00 15  00 00 00 00 00 00 00 01  |................|\n00000010  00 00                                             |..|\n00000012\n",
			[]string{pdu + "0000"}},
		{"Wireshark", "0000   00 00 00 10 00 00 00 15 00 00 00 00 00 00 00 01   ................\n0010   61 62                                             ab\n",
			[]string{pdu + "6162"}},
		{"tshark -x, two packets", "0000  00 00 00 10 00 00 00 15 00 00 00 00 00 00 00 01   ................\n\n0000  02 70 00   .p.\n",
			[]string{pdu, "027000"}},
		{"od", "000000 00 00 00 10 00 00 00 15 00 00 00 00 00 00 00 01\n000010 02 70\n000012\n", []string{pdu + "0270"}},
		{"zeros are no dump", "0000 0010 0000 0015 0000 0000 0000 0001", []string{pdu}},
		{"nothing", " \n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := ReadHex(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range text.Units(0) {
				got = append(got, hexOf(u...))
			}
			if !equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestNotHex(t *testing.T) {
	tests := []struct{ text, want string }{
		{"0270\nzz", `line 2: 'z' is no hexadecimal digit`},
		{"027", "line 1: 3 hexadecimal digits, and an octet has two"},
		{"0000  00 00\n0010  00", "line 2: offset 10, 2 octets came before"},
	}
	for _, tt := range tests {
		_, err := ReadHex(tt.text)
		if wrong, ok := errors.AsType[*HexError](err); !ok || wrong.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}
