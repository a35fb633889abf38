package peers

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
)

// pdu makes an SMPP 3.4 PDU by hand, so that this test stands on the standard
// alone.
func pdu(command, sequence uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, sequence)
	return append(b, body...)
}

// exchange has a tap listen while each of the writes goes over TCP to a peer
// that reads them.
func exchange(t *testing.T, writes ...[]byte) Trace {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	tap := Listen(t, ln.Addr().(*net.TCPAddr).Port)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, p := range writes {
		if _, err := client.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	client.Close()
	if _, err := io.Copy(io.Discard, server); err != nil {
		t.Fatal(err)
	}
	return tap.Stop()
}

func TestTapReadsPDUs(t *testing.T) {
	submit := "\x00" + "\x01\x018613800000001\x00" + "\x00\x0110658\x00" +
		"\x40\x00\x00\x00\x00\x00\x00\x04\x00" + "\x05" + "\x02\x70\x00\xca\xfe"
	second := pdu(0x04, 2, submit)
	tr := exchange(t,
		append(pdu(0x15, 1, ""), second[:20]...), // one and a part of the next in a segment
		append(second[20:], pdu(0x15, 3, "")...),
	)
	if len(tr.Malformed) != 0 || tr.Unread != 0 {
		t.Errorf("malformed: %q, unread: %d", tr.Malformed, tr.Unread)
	}
	var got []uint32
	for _, p := range tr.PDUs {
		got = append(got, p.Command, p.Sequence)
	}
	if want := []uint32{0x15, 1, 0x04, 2, 0x15, 3}; !slices.Equal(got, want) {
		t.Fatalf("command and sequence: got %v, want %v", got, want)
	}
	sm := tr.PDUs[1]
	if sm.Source != "8613800000001" || sm.Destination != "10658" || string(sm.UserData) != "\x02\x70\x00\xca\xfe" {
		t.Errorf("submit_sm read as %+v", sm)
	}
	if c := tr.Commands(); c[0x15] != 2 || c[0x04] != 1 {
		t.Errorf("counted %v", c)
	}
}

// A judge that finds nothing wrong with a broken PDU would be no judge.
func TestTapSeesMalformed(t *testing.T) {
	tr := exchange(t, pdu(0x15, 1, ""), pdu(0x04, 2, "\x00\x01\x01\x00"))
	if len(tr.Malformed) != 1 {
		t.Errorf("malformed: %q, want one", tr.Malformed)
	}
}

// The dissector passes over a PDU whose first segment ends inside the header:
// the octets that are missing tell.
func TestTapCountsWhatItDidNotRead(t *testing.T) {
	split := pdu(0x15, 2, "")
	tr := exchange(t, pdu(0x15, 1, ""), split[:7], split[7:])
	if 16*len(tr.PDUs)+tr.Unread != 32 {
		t.Errorf("read %d PDUs, unread %d octets, sent 32", len(tr.PDUs), tr.Unread)
	}
}
