package smpp_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/smpp"
)

// octets reads hexadecimal with spaces for the reader's eye.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frame makes a PDU of a command and a raw body.
func frame(id smpp.CommandID, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(smpp.HeaderLen+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, 7)
	return append(b, body...)
}

func encode(t testing.TB, p smpp.PDU) []byte {
	t.Helper()
	b, err := smpp.Append(nil, p)
	if err != nil {
		t.Fatalf("append %v: %v", p.Body.CommandID(), err)
	}
	return b
}

func wantStatus(t testing.TB, err error, want smpp.Status) {
	t.Helper()
	var se *smpp.StatusError
	switch {
	case want == smpp.ROK && err == nil:
	case !errors.As(err, &se) || se.Status != want:
		t.Errorf("error %v, want %v", err, want)
	}
}

func sample() *smpp.SubmitSM {
	return &smpp.SubmitSM{
		ServiceType: "CMT", Source: smpp.Address{TON: 6, Digits: "10658"},
		Destination: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"},
		ESMClass:    smpp.ESMUDHI, ProtocolID: smpp.PIDSIMDownload, PriorityFlag: 1,
		ScheduleDeliveryTime: "261123120000000+", ValidityPeriod: "000001000000000R",
		RegisteredDelivery: smpp.ReceiptFinal, DataCoding: smpp.CodingClass2B,
		ShortMessage: []byte{2, 0x70, 0, 0xAA},
		TLVs:         smpp.TLVs{smpp.Uint16TLV(smpp.TagUserMessageReference, 9), {Tag: 0x1400, Value: []byte("vendor")}},
	}
}

// The octets of §3.2 and §4, written out by hand.
func TestOctets(t *testing.T) {
	for _, tc := range []struct {
		name string
		pdu  smpp.PDU
		want string
	}{
		{"enquire_link 4.11.1", smpp.PDU{Sequence: 5, Body: &smpp.EnquireLink{}}, "00000010 00000015 00000000 00000005"},
		{"generic_nack 4.3.1", smpp.PDU{Status: smpp.RINVCMDID, Sequence: 9, Body: &smpp.GenericNack{}}, "00000010 80000000 00000003 00000009"},
		{"bind_transmitter 4.1.1, the example of 3.2.2", smpp.PDU{Sequence: 1, Body: &smpp.BindTransmitter{
			SystemID: "SMPP3TEST", Password: "secret08", SystemType: "SUBMIT1", InterfaceVersion: 0, AddrTON: 1, AddrNPI: 1,
		}}, "0000002F 00000002 00000000 00000001 534D50503354455354 00 7365637265743038 00 5355424D495431 00 00 01 01 00"},
		{"bind_transceiver_resp 4.1.6", smpp.PDU{Sequence: 1, Body: &smpp.BindTransceiverResp{
			SystemID: "AIR", TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagSCInterfaceVersion, smpp.SMSCVersion)},
		}}, "00000019 80000009 00000000 00000001 41495200 0210 0001 34"},
		{"submit_sm_resp 4.4.2", smpp.PDU{Sequence: 2, Body: &smpp.SubmitSMResp{MessageID: "7B"}}, "00000013 80000004 00000000 00000002 374200"},
		{"submit_sm_resp of an error has no body 4.4.2", smpp.PDU{Status: smpp.RINVDSTADR, Sequence: 2, Body: &smpp.SubmitSMResp{MessageID: "7B"}},
			"00000010 80000004 0000000B 00000002"},
		{"deliver_sm_resp has one NUL 4.6.2", smpp.PDU{Status: smpp.RXTAPPN, Sequence: 3, Body: &smpp.DeliverSMResp{}}, "00000011 80000005 00000064 00000003 00"},
		{"submit_sm 4.4.1", smpp.PDU{Sequence: 4, Body: sample()}, `0000006A 00000004 00000000 00000004 434D5400
			06 00 313036353800 01 01 3836313338303030303030303100 40 7F 01 323631313233313230303030303030 2B00 3030303030313030303030303030305200
			01 00 F6 00 04 027000AA 0204 0002 0009 1400 0006 76656E646F72`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := octets(t, tc.want)
			if diff := cmp.Diff(hex.EncodeToString(want), hex.EncodeToString(encode(t, tc.pdu))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRoundTripEveryCommand(t *testing.T) {
	for _, p := range corpus() {
		b := encode(t, p)
		got, err := smpp.Decode(b)
		if err != nil {
			t.Fatalf("%v: %v", p.Body.CommandID(), err)
		}
		clear(b) // what Decode returned must not share the frame's memory
		if diff := cmp.Diff(p, got, cmp.Comparer(samePassword)); diff != "" {
			t.Errorf("%v: %s", p.Body.CommandID(), diff)
		}
	}
}

func samePassword(a, b smpp.Password) bool { return a == b }

// corpus is one good PDU of every command.
func corpus() []smpp.PDU {
	bind := smpp.Bind{SystemID: "handsets", Password: "pass", SystemType: "phone", InterfaceVersion: smpp.Version, AddrTON: 1, AddrNPI: 1, AddressRange: "^861[0-9]{10}$"}
	resp := smpp.BindResp{SystemID: "AIRTILL", TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagSCInterfaceVersion, smpp.SMSCVersion)}}
	return []smpp.PDU{
		{Sequence: 1, Body: new(smpp.BindReceiver(bind))}, {Sequence: 1, Body: new(smpp.BindReceiverResp(resp))},
		{Sequence: 1, Body: new(smpp.BindTransmitter(bind))}, {Sequence: 1, Body: new(smpp.BindTransmitterResp(resp))},
		{Sequence: 1, Body: new(smpp.BindTransceiver(bind))}, {Sequence: 1, Body: new(smpp.BindTransceiverResp(resp))},
		{Status: smpp.RINVPASWD, Sequence: 1, Body: &smpp.BindTransceiverResp{}},
		{Sequence: 2, Body: sample()}, {Sequence: 2, Body: &smpp.SubmitSMResp{MessageID: "0a1b"}},
		{Status: smpp.RTHROTTLED, Sequence: 2, Body: &smpp.SubmitSMResp{}},
		{Sequence: 3, Body: (*smpp.DeliverSM)(sample())}, {Sequence: 3, Body: &smpp.DeliverSMResp{}},
		{Sequence: smpp.MaxSequence, Body: &smpp.EnquireLink{}}, {Sequence: 4, Body: &smpp.EnquireLinkResp{}},
		{Sequence: 5, Body: &smpp.Unbind{}}, {Sequence: 5, Body: &smpp.UnbindResp{}},
		{Status: smpp.RINVCMDLEN, Body: &smpp.GenericNack{}},
		{Sequence: 6, Body: &smpp.Unknown{ID: 0x00000104, Octets: []byte("data")}},
		{Sequence: 7, Body: sampleMulti()},
		{Sequence: 7, Body: &smpp.SubmitMultiResp{MessageID: "0a1c", Unsuccessful: []smpp.Unsuccessful{{Address: smpp.Address{TON: 1, NPI: 1, Digits: "254"}, Status: smpp.RINVDSTADR}}}},
		{Sequence: 8, Body: sampleData()},
		{Status: smpp.RDELIVERYFAILURE, Sequence: 8, Body: &smpp.DataSMResp{MessageID: "0a1d", TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagDeliveryFailureReason, 3)}}},
		{Sequence: 9, Body: &smpp.QuerySM{MessageID: "0a1b", Source: smpp.Address{Digits: "10658"}}},
		{Sequence: 9, Body: &smpp.QuerySMResp{MessageID: "0a1b", FinalDate: "261123120000000+", State: smpp.StateDelivered, ErrorCode: 0}},
		{Sequence: 10, Body: &smpp.CancelSM{ServiceType: "CMT", MessageID: "0a1b", Source: smpp.Address{Digits: "10658"}, Destination: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"}}},
		{Sequence: 10, Body: &smpp.CancelSMResp{}},
		{Sequence: 11, Body: &smpp.ReplaceSM{
			MessageID: "0a1b", Source: smpp.Address{Digits: "10658"}, ScheduleDeliveryTime: "261123120000000+", ValidityPeriod: "000001000000000R",
			RegisteredDelivery: 1, SMDefaultMsgID: 2, ShortMessage: []byte("another text"),
		}},
		{Sequence: 11, Body: &smpp.ReplaceSMResp{}},
		{Sequence: 12, Body: &smpp.Outbind{SystemID: "AIRTILL", Password: "secret"}},
		{Sequence: 13, Body: &smpp.AlertNotification{
			Source: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"}, ESME: smpp.Address{Digits: "10658"},
			TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagMSAvailabilityStatus, 0)},
		}},
	}
}

// Every C-octet string has its limit and its own status, §5.1.3 and §5.2.
func TestFieldLimits(t *testing.T) {
	text := func(n int) string { return strings.Repeat("1", n) }
	for _, tc := range []struct {
		field string
		most  int
		want  smpp.Status
		body  func(s string) smpp.Body
	}{
		{"system_id 5.2.1", 15, smpp.RINVSYSID, func(s string) smpp.Body { return &smpp.BindReceiver{SystemID: s} }},
		{"password 5.2.2", 8, smpp.RINVPASWD, func(s string) smpp.Body { return &smpp.BindTransmitter{Password: smpp.Password(s)} }},
		{"system_type 5.2.3", 12, smpp.RINVSYSTYP, func(s string) smpp.Body { return &smpp.BindTransceiver{SystemType: s} }},
		{"address_range 5.2.7", 40, smpp.RINVPARLEN, func(s string) smpp.Body { return &smpp.BindTransceiver{AddressRange: s} }},
		{"service_type 5.2.11", 5, smpp.RINVSERTYP, func(s string) smpp.Body { return &smpp.SubmitSM{ServiceType: s} }},
		{"source_addr 5.2.8", 20, smpp.RINVSRCADR, func(s string) smpp.Body { return &smpp.SubmitSM{Source: smpp.Address{Digits: s}} }},
		{"destination_addr 5.2.9", 20, smpp.RINVDSTADR, func(s string) smpp.Body { return &smpp.DeliverSM{Destination: smpp.Address{Digits: s}} }},
		{"schedule_delivery_time 5.2.15", 16, smpp.RINVSCHED, func(s string) smpp.Body { return &smpp.SubmitSM{ScheduleDeliveryTime: s} }},
		{"validity_period 5.2.16", 16, smpp.RINVEXPIRY, func(s string) smpp.Body { return &smpp.SubmitSM{ValidityPeriod: s} }},
		{"message_id 5.2.23", 64, smpp.RINVMSGID, func(s string) smpp.Body { return &smpp.SubmitSMResp{MessageID: s} }},
		{"dl_name 5.2.27", 20, smpp.RINVDLNAME, func(s string) smpp.Body { return &smpp.SubmitMulti{Destinations: []smpp.Destination{{List: s}}} }},
		{"destination_addr of submit_multi 5.2.9", 20, smpp.RINVDSTADR, func(s string) smpp.Body {
			return &smpp.SubmitMulti{Destinations: []smpp.Destination{{Address: smpp.Address{Digits: s}}}}
		}},
		{"destination_addr of submit_multi_resp 4.5.2.1", 20, smpp.RINVDSTADR, func(s string) smpp.Body {
			return &smpp.SubmitMultiResp{Unsuccessful: []smpp.Unsuccessful{{Address: smpp.Address{Digits: s}}}}
		}},
		{"message_id of submit_multi_resp 5.2.23", 64, smpp.RINVMSGID, func(s string) smpp.Body { return &smpp.SubmitMultiResp{MessageID: s} }},
		{"source_addr of data_sm 4.7.1", 64, smpp.RINVSRCADR, func(s string) smpp.Body { return &smpp.DataSM{Source: smpp.Address{Digits: s}} }},
		{"destination_addr of data_sm 4.7.1", 64, smpp.RINVDSTADR, func(s string) smpp.Body { return &smpp.DataSM{Destination: smpp.Address{Digits: s}} }},
		{"message_id of data_sm_resp 5.2.23", 64, smpp.RINVMSGID, func(s string) smpp.Body { return &smpp.DataSMResp{MessageID: s} }},
		{"message_id of query_sm 5.2.23", 64, smpp.RINVMSGID, func(s string) smpp.Body { return &smpp.QuerySM{MessageID: s} }},
		{"source_addr of query_sm 5.2.8", 20, smpp.RINVSRCADR, func(s string) smpp.Body { return &smpp.QuerySM{Source: smpp.Address{Digits: s}} }},
		{"final_date 4.8.2", 16, smpp.RINVPARLEN, func(s string) smpp.Body { return &smpp.QuerySMResp{FinalDate: s} }},
		{"service_type of cancel_sm 5.2.11", 5, smpp.RINVSERTYP, func(s string) smpp.Body { return &smpp.CancelSM{ServiceType: s} }},
		{"message_id of cancel_sm 5.2.23", 64, smpp.RINVMSGID, func(s string) smpp.Body { return &smpp.CancelSM{MessageID: s} }},
		{"destination_addr of cancel_sm 5.2.9", 20, smpp.RINVDSTADR, func(s string) smpp.Body { return &smpp.CancelSM{Destination: smpp.Address{Digits: s}} }},
		{"schedule_delivery_time of replace_sm 5.2.15", 16, smpp.RINVSCHED, func(s string) smpp.Body { return &smpp.ReplaceSM{ScheduleDeliveryTime: s} }},
		{"validity_period of replace_sm 5.2.16", 16, smpp.RINVEXPIRY, func(s string) smpp.Body { return &smpp.ReplaceSM{ValidityPeriod: s} }},
		{"short_message of replace_sm 5.2.22", 254, smpp.RINVMSGLEN, func(s string) smpp.Body { return &smpp.ReplaceSM{ShortMessage: []byte(s)} }},
		{"system_id of outbind 5.2.1", 15, smpp.RINVSYSID, func(s string) smpp.Body { return &smpp.Outbind{SystemID: s} }},
		{"password of outbind 5.2.2", 8, smpp.RINVPASWD, func(s string) smpp.Body { return &smpp.Outbind{Password: smpp.Password(s)} }},
		{"esme_addr 5.2.10", 64, smpp.RINVPARLEN, func(s string) smpp.Body { return &smpp.AlertNotification{ESME: smpp.Address{Digits: s}} }},
		{"source_addr of alert_notification 4.12.1", 64, smpp.RINVSRCADR, func(s string) smpp.Body { return &smpp.AlertNotification{Source: smpp.Address{Digits: s}} }},
		{"short_message 5.2.22", 254, smpp.RINVMSGLEN, func(s string) smpp.Body { return &smpp.SubmitSM{ShortMessage: []byte(s)} }},
		{"receipted_message_id 5.3.2.12", 65, smpp.RINVPARLEN, func(s string) smpp.Body {
			return &smpp.DeliverSM{TLVs: smpp.TLVs{{Tag: smpp.TagReceiptedMessageID, Value: []byte(s)}}}
		}},
	} {
		t.Run(tc.field, func(t *testing.T) {
			full := encode(t, smpp.PDU{Body: tc.body(text(tc.most))})
			_, err := smpp.Decode(full)
			wantStatus(t, err, smpp.ROK)
			_, err = smpp.Append(nil, smpp.PDU{Body: tc.body(text(tc.most + 1))})
			wantStatus(t, err, tc.want)
			_, err = smpp.Decode(lengthen(full, text(tc.most)))
			wantStatus(t, err, tc.want)
		})
	}
}

// lengthen puts one octet more into the field that holds text, length octets included.
func lengthen(full []byte, text string) []byte {
	at := strings.LastIndex(string(full), text)
	long := append(append([]byte(nil), full[:at]...), '1')
	long = append(long, full[at:]...)
	if text := len(text); text >= 254 || text == 65 {
		long[at-1]++
	}
	binary.BigEndian.PutUint32(long, uint32(len(long)))
	return long
}

// A time field is 1 or 17 octets, nothing between, §5.2.15.
func TestTimeFieldIsEmptyOrWhole(t *testing.T) {
	body := &smpp.SubmitSM{ScheduleDeliveryTime: "26112312"}
	_, err := smpp.Append(nil, smpp.PDU{Body: body})
	wantStatus(t, err, smpp.RINVSCHED)
	whole := encode(t, smpp.PDU{Body: &smpp.SubmitSM{ScheduleDeliveryTime: "261123120000000+"}})
	whole[len(whole)-12] = 0 // the time ends early, and what is left over shifts everything after it
	_, err = smpp.Decode(whole)
	wantStatus(t, err, smpp.RINVSCHED)
}

// Cut anywhere, a PDU's body is refused and never read past; its sequence number stays known.
func TestTruncatedBodies(t *testing.T) {
	for _, p := range corpus() {
		whole := encode(t, p)
		for n := smpp.HeaderLen; n < len(whole); n++ {
			cut := append([]byte(nil), whole[:n]...)
			binary.BigEndian.PutUint32(cut, uint32(n))
			got, err := smpp.Decode(cut)
			if got.Sequence != p.Sequence || got.Body.CommandID() != p.Body.CommandID() {
				t.Fatalf("%v cut to %d: header read as %v %d", p.Body.CommandID(), n, got.Body.CommandID(), got.Sequence)
			}
			if err == nil && !mayEndEarly(p.Body, n) && len(got.TLVs()) == len(p.TLVs()) {
				t.Errorf("%v cut to %d: no error", p.Body.CommandID(), n)
			}
		}
	}
}

// mayEndEarly: responses without a body are taken, and unknown bodies are anything.
func mayEndEarly(b smpp.Body, n int) bool {
	_, unknown := b.(*smpp.Unknown)
	return unknown || b.CommandID().IsResponse() && n == smpp.HeaderLen
}

// TLVs come in any order, unknown ones are kept, and a broken stream has its own status, §3.2.4, §5.1.3.
func TestTLVStream(t *testing.T) {
	fixed := encode(t, smpp.PDU{Body: &smpp.SubmitSM{}})[smpp.HeaderLen:]
	for _, tc := range []struct {
		name, tlvs string
		want       smpp.Status
		count      int
	}{
		{"none", "", smpp.ROK, 0},
		{"any order", "0424 0001 41 0204 0002 0001", smpp.ROK, 2},
		{"unknown kept", "3FFF 0000", smpp.ROK, 1},
		{"twice", "0204 0002 0001 0204 0002 0002", smpp.ROK, 2},
		{"a tag and no length", "0424 00", smpp.RINVOPTPARSTREAM, 0},
		{"one octet", "04", smpp.RINVOPTPARSTREAM, 0},
		{"length past the end", "0424 0002 41", smpp.RINVOPTPARSTREAM, 0},
		{"length 65535", "0424 FFFF 41", smpp.RINVOPTPARSTREAM, 0},
		{"user_message_reference of one octet", "0204 0001 01", smpp.RINVPARLEN, 0},
		{"network_error_code of four", "0423 0004 03000000", smpp.RINVPARLEN, 0},
		{"sar_total_segments of none", "020E 0000", smpp.RINVPARLEN, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := smpp.Decode(frame(smpp.IDSubmitSM, append(append([]byte(nil), fixed...), octets(t, tc.tlvs)...)))
			wantStatus(t, err, tc.want)
			if got := len(p.TLVs()); got != tc.count {
				t.Errorf("%d TLVs, want %d", got, tc.count)
			}
		})
	}
}

func TestTLVAccessors(t *testing.T) {
	ts := smpp.TLVs{
		smpp.Uint8TLV(smpp.TagMessageState, 2), smpp.Uint16TLV(smpp.TagSARMsgRefNum, 0x1234),
		smpp.TextTLV(smpp.TagReceiptedMessageID, "7B"), smpp.Uint16TLV(smpp.TagSARMsgRefNum, 1),
	}
	state, ok := ts.Uint8(smpp.TagMessageState)
	if !ok || state != 2 {
		t.Errorf("message_state %d %v", state, ok)
	}
	if ref, ok := ts.Uint16(smpp.TagSARMsgRefNum); !ok || ref != 0x1234 {
		t.Errorf("sar_msg_ref_num %x %v: the first one counts", ref, ok)
	}
	if id, ok := ts.Text(smpp.TagReceiptedMessageID); !ok || id != "7B" {
		t.Errorf("receipted_message_id %q %v", id, ok)
	}
	if _, ok := ts.Uint8(smpp.TagSARMsgRefNum); ok {
		t.Error("a two-octet value read as one")
	}
	if _, ok := ts.Text(smpp.TagMessagePayload); ok {
		t.Error("found what is not there")
	}
}

// §3.2.3: short_message and message_payload are two places for one thing.
func TestUserData(t *testing.T) {
	payload := smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("long")}}
	if got := (&smpp.SubmitSM{TLVs: payload}).UserData(); string(got) != "long" {
		t.Errorf("message_payload: %q", got)
	}
	if got := (&smpp.DeliverSM{ShortMessage: []byte("short")}).UserData(); string(got) != "short" {
		t.Errorf("short_message: %q", got)
	}
}

func TestResponses(t *testing.T) {
	for _, p := range corpus() {
		id := p.Body.CommandID()
		resp := smpp.Response(p.Body)
		switch {
		case id.IsResponse():
			if resp != nil {
				t.Errorf("%v must never be answered", id)
			}
		case id == 0x104, id == smpp.IDOutbind, id == smpp.IDAlertNotification:
			if resp.CommandID() != smpp.IDGenericNack {
				t.Errorf("%v refused with %v", id, resp.CommandID())
			}
		case resp.CommandID() != id|0x80000000:
			t.Errorf("%v answered with %v", id, resp.CommandID())
		}
	}
	if smpp.Response(&smpp.Unknown{ID: 0x80000104}) != nil {
		t.Error("an unknown response must not be answered")
	}
}

func TestSequenceWraps(t *testing.T) {
	for n, want := range map[uint32]uint32{0: 1, 1: 2, smpp.MaxSequence - 1: smpp.MaxSequence, smpp.MaxSequence: 1, 0xFFFFFFFF: 1} {
		if got := smpp.NextSequence(n); got != want {
			t.Errorf("after %d comes %d, want %d", n, got, want)
		}
	}
}

func TestPasswordNeverPrints(t *testing.T) {
	for _, body := range []smpp.Body{&smpp.BindTransceiver{Password: "s3cret"}, &smpp.Outbind{Password: "s3cret"}} {
		passwordNeverPrints(t, body)
	}
	if text, _ := smpp.Password("s3cret").MarshalText(); strings.Contains(string(text), "s3cret") {
		t.Error("text holds the password")
	}
}

func passwordNeverPrints(t *testing.T, body smpp.Body) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if out := fmt.Sprintf(verb, body); strings.Contains(out, "s3cret") || strings.Contains(out, "733363726574") {
			t.Errorf("%s prints %s", verb, out)
		}
	}
}

// A status is an error that errors.Is finds by its number.
func TestStatusErrors(t *testing.T) {
	if smpp.ROK.Err() != nil {
		t.Error("ESME_ROK is no error")
	}
	err := fmt.Errorf("submit: %w", &smpp.StatusError{Status: smpp.RINVDSTADR, Field: "destination_addr"})
	if !errors.Is(err, smpp.RINVDSTADR.Err()) || errors.Is(err, smpp.RINVSRCADR.Err()) {
		t.Errorf("matching %v", err)
	}
	want := "smpp: destination_addr: invalid destination address (ESME_RINVDSTADR 0x0b)"
	if got := (&smpp.StatusError{Status: smpp.RINVDSTADR, Field: "destination_addr"}).Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := smpp.Status(0x450).String(); got != "command_status 0x00000450" {
		t.Error(got)
	}
}

func genText(most int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom(nil, digits), 0, most, most)
}

func genSubmit(t *rapid.T) *smpp.SubmitSM {
	octet := rapid.Uint8()
	address := func(name string) smpp.Address {
		return smpp.Address{TON: octet.Draw(t, name+" ton"), NPI: octet.Draw(t, name+" npi"), Digits: genText(20).Draw(t, name)}
	}
	m := &smpp.SubmitSM{
		ServiceType: genText(5).Draw(t, "service_type"), Source: address("source"), Destination: address("destination"),
		ESMClass: octet.Draw(t, "esm_class"), ProtocolID: octet.Draw(t, "protocol_id"), PriorityFlag: octet.Draw(t, "priority"),
		RegisteredDelivery: octet.Draw(t, "registered"), DataCoding: octet.Draw(t, "data_coding"),
	}
	if n := rapid.IntRange(0, smpp.MaxShortMessage).Draw(t, "sm_length"); n > 0 {
		m.ShortMessage = rapid.SliceOfN(octet, n, n).Draw(t, "short_message")
	}
	for range rapid.IntRange(0, 4).Draw(t, "tlvs") {
		tag := smpp.Tag(rapid.Uint16Range(0x1400, 0x3FFF).Draw(t, "vendor tag"))
		m.TLVs = append(m.TLVs, smpp.TLV{Tag: tag, Value: rapid.SliceOfN(octet, 0, 300).Draw(t, "value")})
	}
	return m
}

func TestDecodeOfEncodeIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := smpp.PDU{Status: smpp.Status(rapid.Uint32().Draw(t, "status")), Sequence: rapid.Uint32().Draw(t, "sequence"), Body: genSubmit(t)}
		b, err := smpp.Append([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := smpp.Decode(b[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
