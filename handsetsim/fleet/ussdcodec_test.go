package fleet

import (
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/handsetsim"
)

// What a handset reads of USSD is what the gateway reads that wrote it (gateway/ussd), and
// nothing that comes down breaks it.
func FuzzReadUSSD(f *testing.F) {
	f.Add(uint8(2), uint16(5<<8), uint8(0), []byte("Pay?"))
	f.Add(uint8(17), uint16(5<<8|1), uint8(0x0F), []byte{})
	f.Add(uint8(3), uint16(0), uint8(8), []byte{0x4F, 0x60})
	f.Add(uint8(16), uint16(1), uint8(0x48), []byte{0xD8, 0x3D})
	f.Fuzz(func(t *testing.T, op uint8, info uint16, coding uint8, octets []byte) {
		if len(octets) > 254 {
			return
		}
		sm := &smpp.SubmitSM{
			ServiceType: ussd.ServiceType, Source: smpp.Address{Digits: "*120#"}, Destination: smpp.Address{Digits: "8613800000001"},
			DataCoding: coding, ShortMessage: octets,
			TLVs: smpp.TLVs{smpp.USSDOpTLV(smpp.USSDOp(op)), smpp.Uint16TLV(smpp.TagITSSessionInfo, info)},
		}
		want, refused := ussd.Spec.Decode(false, sm)
		got, err := readUSSD((*smpp.DeliverSM)(sm))
		if refused != nil {
			return // the gateway would not have let it through
		}
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if got.Text != want.Text || uint16(got.Session) != want.ID || got.End != (want.Kind == ussd.End) || string(got.Code) != want.Code {
			t.Fatalf("read as %+v, it is %+v", got, want)
		}
	})
}

// What a handset writes is what the gateway reads.
func TestWriteUSSD(t *testing.T) {
	for _, tt := range []struct {
		m    handsetsim.USSD
		want ussd.Message
	}{
		{handsetsim.USSD{Op: smpp.PSSRIndication, Session: 7, Code: "*120*1#", Text: "*120*1#"}, ussd.Message{Kind: ussd.Dial, Code: "*120*1#", ID: 7}},
		{handsetsim.USSD{Op: smpp.PSSRIndication, Session: 7, Text: "*120*1234567890123456#"},
			ussd.Message{Kind: ussd.Dial, Code: "*120#", Text: "*120*1234567890123456#", ID: 7}},
		{handsetsim.USSD{Op: smpp.PSSRIndication, Session: 7, Text: "#12345678901234567890123#"},
			ussd.Message{Kind: ussd.Dial, Code: "#123456789012345678#", Text: "#12345678901234567890123#", ID: 7}},
		{handsetsim.USSD{Op: smpp.USSRConfirm, Session: 255, Code: "*120#", Text: "{1}"}, ussd.Message{Kind: ussd.Answer, Code: "*120#", Text: "{1}", ID: 255}},
		{handsetsim.USSD{Op: smpp.USSRConfirm, Session: 1, Code: "*120#", Text: "好"}, ussd.Message{Kind: ussd.Answer, Code: "*120#", Text: "好", ID: 1}},
		{handsetsim.USSD{Op: smpp.USSNConfirm, Session: 1, Code: "10658"}, ussd.Message{Kind: ussd.Ack, Code: "10658", ID: 1}},
		{handsetsim.USSD{Op: smpp.USSDAbort, Session: 1, Code: "10658", End: true}, ussd.Message{Kind: ussd.Abort, Code: "10658", ID: 1}},
	} {
		sm, err := writeUSSD("8613800000001", tt.m)
		if err != nil {
			t.Fatal(err)
		}
		tt.want.Phone = "8613800000001"
		if got, err := ussd.Spec.Decode(true, sm); err != nil || got != tt.want {
			t.Errorf("%+v is read as %+v, %v", tt.m, got, err)
		}
		if len(sm.Destination.Digits) > maxDestination {
			t.Errorf("%q is too long an address", sm.Destination.Digits)
		}
	}
}

// Who writes in UCS-2 does so where GSM 7 bit would do, and is read all the same.
func TestWriteUSSD_UCS2(t *testing.T) {
	for ucs2, coding := range map[bool]uint8{true: smpp.CodingUCS2, false: smpp.CodingDefault} {
		sm, err := writeUSSD("8613800000001", handsetsim.USSD{Op: smpp.USSRConfirm, Session: 1, Code: "*120#", Text: "1", UCS2: ucs2})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ussd.Spec.Decode(true, sm)
		if err != nil || got.Text != "1" || sm.DataCoding != coding {
			t.Errorf("UCS-2 %v: data_coding %d, read as %+v, %v", ucs2, sm.DataCoding, got, err)
		}
	}
}
