package tpdu_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/airtill/airtill/gateway/tpdu"
)

// vectors are secured packets in user data, from other implementations and checked
// with tshark.
type vectors struct {
	Single []struct{ ID, Kind, Packet, UD string }
	Concat []struct {
		ID, Packet string
		Parts      []string
	} `json:"concatenated"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/secured.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil || len(v.Single) == 0 || len(v.Concat) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	return v
}

func TestSecuredVectors(t *testing.T) {
	for _, v := range readVectors(t).Single {
		packet, ud := octets(t, v.Packet), octets(t, v.UD)
		s, err := tpdu.ParseSegment(tpdu.ProtocolSIM, tpdu.CodingSIM, true, ud)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		got, ok := tpdu.ReadSecured(s)
		if !ok || got.Response != (v.Kind == "response") || !got.SIM || got.Ports != nil || !bytes.Equal(got.Packet, packet) {
			t.Errorf("%s: %+v, %t", v.ID, got, ok)
		}
		if got.Response {
			continue
		}
		parts, err := tpdu.ToSIM(packet, tpdu.Reference{})
		if err != nil || len(parts) != 1 {
			t.Fatalf("%s: %d parts, %v", v.ID, len(parts), err)
		}
		if made, err := parts[0].UserData(); err != nil || !bytes.Equal(made, ud) {
			t.Errorf("%s: made %x, %v; want %x", v.ID, made, err, ud)
		}
	}
}

func TestConcatenatedVectors(t *testing.T) {
	for _, v := range readVectors(t).Concat {
		packet := octets(t, v.Packet)
		var arrived []tpdu.Segment
		for _, p := range v.Parts {
			s, err := tpdu.ParseSegment(tpdu.ProtocolSIM, tpdu.CodingSIM, true, octets(t, p))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := tpdu.ReadSecured(s); ok {
				t.Errorf("%s: a part passes for the whole", v.ID)
			}
			arrived = append(arrived, s)
		}
		c, _ := arrived[0].Header.Concat()
		parts, err := tpdu.ToSIM(packet, c.Reference)
		if err != nil || len(parts) != len(v.Parts) {
			t.Fatalf("%s: %d parts, %v", v.ID, len(parts), err)
		}
		for i, s := range parts {
			if made, err := s.UserData(); err != nil || !bytes.Equal(made, octets(t, v.Parts[i])) {
				t.Errorf("%s: part %d is %x, %v; want %s", v.ID, i+1, made, err, v.Parts[i])
			}
		}
		slices.Reverse(arrived)
		got, ok := tpdu.ReadSecured(joinAll(t, arrived))
		if !ok || !got.SIM || !bytes.Equal(got.Packet, packet) {
			t.Errorf("%s: joined to %+v, %t", v.ID, got, ok)
		}
	}
}

// TS 31.115 §4 and wire.md 1.7: the fields and the header of each way.
func TestSecuredWays(t *testing.T) {
	ports := tpdu.Ports{Destination: 16000, Source: 16001}
	ways := []struct {
		name             string
		carry            func(packet []byte, ref tpdu.Reference) ([]tpdu.Segment, error)
		protocol, coding uint8
		header           string // of the one segment
		first, other     string // of the first part and the second
		single           int    // most octets in one segment
		sim, ported      bool
	}{
		{
			"to the SIM", tpdu.ToSIM, 0x7F, 0xF6,
			"027000", "07 0003 2a0201 7000", "05 0003 2a0202", 137, true, false,
		},
		{
			"from the SIM", tpdu.FromSIM, 0, 0xF5,
			"027000", "07 0003 2a0201 7000", "05 0003 2a0202", 137, false, false,
		},
		{
			"by port", func(packet []byte, ref tpdu.Reference) ([]tpdu.Segment, error) {
				return tpdu.ByPort(ports, packet, ref)
			},
			0, 0xF5,
			"08 0504 3e803e81 7000", "0d 0003 2a0201 0504 3e803e81 7000", "0b 0003 2a0202 0504 3e803e81", 131, false, true,
		},
	}
	for _, w := range ways {
		for _, n := range []int{0, 1, w.single - 1, w.single, w.single + 1, 250} {
			packet := bytes.Repeat([]byte{0x1B}, n)
			parts, err := w.carry(packet, tpdu.Reference{Number: 0x2A})
			if err != nil {
				t.Fatal(err)
			}
			headers := []string{w.header}
			if n > w.single {
				headers = []string{w.first, w.other}
			}
			if len(parts) != len(headers) {
				t.Fatalf("%s, %d octets: %d parts, want %d", w.name, n, len(parts), len(headers))
			}
			for i, s := range parts {
				header, err := s.Header.Append(nil)
				if err != nil || !bytes.Equal(header, octets(t, headers[i])) || s.Protocol != w.protocol || s.Coding != w.coding {
					t.Errorf("%s, %d octets: part %d has %02X %02X %x, %v", w.name, n, i+1, s.Protocol, s.Coding, header, err)
				}
			}
			checkParts(t, parts, tpdu.Reference{Number: 0x2A})
			got, ok := tpdu.ReadSecured(joinAll(t, parts))
			if !ok || got.SIM != w.sim || got.Response || (got.Ports != nil) != w.ported || !bytes.Equal(got.Packet, packet) {
				t.Errorf("%s, %d octets: %+v, %t", w.name, n, got, ok)
			}
			if got.Ports != nil && *got.Ports != ports {
				t.Errorf("%s: ports %+v", w.name, *got.Ports)
			}
		}
	}
}

func TestReadSecuredRefuses(t *testing.T) {
	command, response := tpdu.Element{ID: tpdu.ElementCommand}, tpdu.Element{ID: tpdu.ElementResponse}
	for name, s := range map[string]tpdu.Segment{
		"no header":            {Coding: 4, Payload: []byte{1}},
		"only ports":           {Coding: 4, Header: tpdu.Header{tpdu.Ports{}.Element()}},
		"command and response": {Coding: 4, Header: tpdu.Header{command, response}},
		"text":                 {Coding: 0, Header: tpdu.Header{command}},
		"one part of two":      {Coding: 4, Header: tpdu.Header{tpdu.Concat{Total: 2, Part: 1}.Element(), command}},
	} {
		if got, ok := tpdu.ReadSecured(s); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, ok := tpdu.ReadSecured(tpdu.Segment{Coding: 4, Header: tpdu.Header{command}}); !ok {
		t.Error("data_coding 04 serves as well as F5: refused")
	}
}
