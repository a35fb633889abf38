package decode

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/smpp"
)

func submitPDU(t testing.TB, userData []byte) []byte {
	t.Helper()
	return submitPDUOf(t, smpp.CodingClass1B, userData)
}

func submitPDUOf(t testing.TB, coding uint8, userData []byte) []byte {
	t.Helper()
	return encodePDU(t, smpp.PDU{Sequence: 7, Body: &smpp.SubmitSM{
		Source: smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: "8613800000001"}, Destination: smpp.Address{NPI: smpp.NPIISDN, Digits: "10658"},
		ESMClass: smpp.ESMUDHI, DataCoding: coding, ShortMessage: userData,
	}})
}

func receiptPDU(t testing.TB) []byte {
	t.Helper()
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	r := smpp.Receipt{ID: "17", Sub: 1, Dlvrd: 1, SubmitDate: at, DoneDate: at, Stat: "DELIVRD", Text: "Your ticket"}
	return encodePDU(t, smpp.PDU{Sequence: 8, Body: &smpp.DeliverSM{
		Source: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"}, Destination: smpp.Address{NPI: 1, Digits: "10690"},
		ESMClass: smpp.ESMReceipt, ShortMessage: []byte(r.String()),
		TLVs: smpp.TLVs{smpp.TextTLV(smpp.TagReceiptedMessageID, "17"), smpp.Uint8TLV(smpp.TagMessageState, smpp.StateDelivered)},
	}})
}

func encodePDU(t testing.TB, p smpp.PDU) []byte {
	t.Helper()
	b, err := smpp.Append(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever the codec decodes is explained without a fault and with the same values.
func TestPDUsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		frame, err := smpp.Append(nil, drawPDU(rt))
		if err != nil {
			rt.Skip(err)
		}
		if rapid.Bool().Draw(rt, "damage") {
			frame[rapid.IntRange(4, len(frame)-1).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		}
		agreePDU(t, frame)
	})
}

// agreePDU compares the explanation of a frame with what the codec makes of it.
func agreePDU(t testing.TB, frame []byte) {
	t.Helper()
	e := Explain(frame, PDU, nil)
	checkTree(t, e)
	p, err := smpp.Decode(frame)
	if err != nil {
		if refused, ok := errors.AsType[*smpp.StatusError](err); ok && e.Fault == nil {
			t.Fatalf("%x: no fault, the codec says %v", frame, refused)
		}
		return
	}
	want := map[string]string{"command_status": p.Status.String(), "command_id": p.Body.CommandID().String()}
	switch b := p.Body.(type) {
	case *smpp.SubmitSM:
		wantMessage(want, b)
	case *smpp.DeliverSM:
		wantMessage(want, (*smpp.SubmitSM)(b))
	case *smpp.BindTransceiver:
		want["system_id"], want["system_type"], want["address_range"] = b.SystemID, b.SystemType, b.AddressRange
	case *smpp.SubmitSMResp:
		want["message_id"] = b.MessageID
	default:
		wantOperation(want, b)
	}
	for name, value := range want {
		if got, ok := Find(e.Fields, name); ok && got.Value != shown(value) {
			t.Fatalf("%x: %s is %q, the codec says %q", frame, name, got.Value, value)
		} else if !ok && value != "" {
			t.Fatalf("%x: no %s, the codec says %q", frame, name, value)
		}
	}
	if e.Fault != nil && !ofUserData(e) {
		t.Fatalf("%x: %v, and the codec decodes it", frame, e.Fault)
	}
}

func wantMessage(want map[string]string, m *smpp.SubmitSM) {
	want["service_type"], want["source_addr"], want["destination_addr"] = m.ServiceType, m.Source.Digits, m.Destination.Digits
	want["schedule_delivery_time"], want["validity_period"] = m.ScheduleDeliveryTime, m.ValidityPeriod
	want["priority_flag"], _ = plainOctet(m.PriorityFlag)
	want["data_coding"], _ = codingOctet(m.DataCoding)
	want["sm_length"], _ = plainOctet(uint8(len(m.ShortMessage)))
}

// ofUserData tells whether the fault is within what a PDU carries, of which its codec
// says nothing.
func ofUserData(e Explanation) bool {
	for _, pdu := range e.Fields {
		for _, f := range pdu.Fields {
			if (f.Name == "short_message" || f.Name == "message_payload") && f.Offset <= e.Fault.Offset && e.Fault.Offset <= f.Offset+f.Length {
				return true
			}
		}
	}
	return false
}

func drawPDU(t *rapid.T) smpp.PDU {
	p := smpp.PDU{Sequence: rapid.Uint32().Draw(t, "sequence")}
	text := func(name string, most int) string {
		return rapid.StringMatching(`[ -~]{0,`+most2(most)+`}`).Draw(t, name)
	}
	switch rapid.IntRange(0, 6).Draw(t, "command") {
	case 0:
		p.Body = &smpp.BindTransceiver{SystemID: text("id", 15), Password: smpp.Password(text("password", 8)), SystemType: text("type", 12), AddressRange: text("range", 40)}
	case 1:
		p.Status = rapid.SampledFrom([]smpp.Status{smpp.ROK, smpp.RTHROTTLED, 0x1234}).Draw(t, "status")
		p.Body = &smpp.SubmitSMResp{MessageID: text("message", 64)}
	case 2:
		p.Body = &smpp.EnquireLink{}
	case 3:
		m := drawMessage(t, text)
		p.Body = (*smpp.DeliverSM)(m)
	case 4:
		p.Body = drawOperation(t, text)
	default:
		p.Body = drawMessage(t, text)
	}
	return p
}

func most2(n int) string { return strings.TrimLeft(string(rune('0'+n/10))+string(rune('0'+n%10)), "0") }

func drawMessage(t *rapid.T, text func(string, int) string) *smpp.SubmitSM {
	address := func(name string) smpp.Address {
		return smpp.Address{TON: rapid.Byte().Draw(t, "ton"), NPI: rapid.Byte().Draw(t, "npi"), Digits: text(name, 20)}
	}
	m := &smpp.SubmitSM{
		ServiceType: text("service", 5), Source: address("source"), Destination: address("destination"),
		ESMClass: rapid.Byte().Draw(t, "esm_class"), ProtocolID: rapid.Byte().Draw(t, "pid"), DataCoding: rapid.Byte().Draw(t, "dcs"),
		ValidityPeriod: rapid.SampledFrom([]string{"", "000000000500000R", "261125100000000+", "16 characters..."}).Draw(t, "validity"),
		ShortMessage:   rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "message"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "parameters") {
		m.TLVs = append(m.TLVs, smpp.TLV{
			Tag:   rapid.SampledFrom([]smpp.Tag{smpp.TagSourcePort, smpp.TagMessagePayload, smpp.TagMessageState, smpp.TagReceiptedMessageID, 0x1400}).Draw(t, "tag"),
			Value: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "value"),
		})
	}
	return m
}

// A broken PDU says at which octet, and what came before is explained.
func TestBrokenPDUs(t *testing.T) {
	good := submitPDU(t, []byte{4, 4, 2, 1, 2, 9})
	tests := []struct {
		name   string
		octets []byte
		offset int
		why    string
		before string // the last field that is explained
	}{
		{"cut in the header", good[:13], 12, "sequence_number: 4 octets wanted, 1 left", "command_status"},
		{"cut in an address", good[:25], 19, "source_addr: the PDU ends before its NUL", "source_addr_npi"},
		{"cut in the message", good[:len(good)-2], len(good) - 6, "short_message: 6 octets wanted, 4 left", "UDHL"},
		{"shorter than a header", unhex(t, "00000008 00000015"), 0, "command_length: 8, a header alone has 16", ""},
		{"octets after a unbind", unhex(t, "00000012 00000006 00000000 00000001 abcd"), 16, "2 octets more than there should be", "sequence_number"},
		{"a second PDU begins", append(unhex(t, "00000010 00000015 00000000 00000001"), 0, 0), 16, "command_length: 4 octets wanted, 2 left", "sequence_number"},
		{"broken optional parameter", append(fixLength(good, 3), 0x04, 0x24, 0x00), len(good), "optional parameters: tag and length want 4 octets, 3 left", "short_message"},
		{"length of a known parameter", append(fixLength(good, 7), 0x02, 0x0A, 0, 3, 1, 2, 3), len(good), "source_port: invalid parameter length (ESME_RINVPARLEN 0xc2)", "source_port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := Explain(tt.octets, PDU, nil)
			checkTree(t, e)
			if e.Fault == nil || e.Fault.Offset != tt.offset || e.Fault.Why != tt.why {
				t.Errorf("%+v, want octet %d: %s", e.Fault, tt.offset, tt.why)
			}
			if _, ok := Find(e.Fields, tt.before); !ok && tt.before != "" {
				t.Errorf("%s is not explained", tt.before)
			}
		})
	}
}

// fixLength is a PDU that says it is n octets longer.
func fixLength(pdu []byte, n int) []byte {
	b := append([]byte(nil), pdu...)
	b[3] += byte(n)
	return b
}

// A password shows nowhere, also where its bind is broken.
func TestPasswordsAreMasked(t *testing.T) {
	bind := encodePDU(t, smpp.PDU{Body: &smpp.BindTransceiver{SystemID: "shop", Password: "hushhush"}})
	long := append(append([]byte(nil), bind[:21+8]...), "hushhush\x00"...)
	for _, octets := range [][]byte{bind, bind[:25], long} {
		e := Explain(octets, PDU, nil)
		checkTree(t, e)
		for _, f := range leaves(e.Fields) {
			if strings.Contains(f.Octets, "68757368") || strings.Contains(f.Value, "hush") {
				t.Errorf("%+v", f)
			}
		}
	}
}
