package smpp_test

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
)

// §5.3.2: the length and the values of every parameter.
func TestParameterRules(t *testing.T) {
	for _, tc := range []struct {
		tag   smpp.Tag
		name  string
		good  []string // values in hexadecimal
		short []string // of a bad length, ESME_RINVPARLEN
		bad   []string // of a bad value, ESME_RINVOPTPARAMVAL
	}{
		{0x0005, "dest_addr_subunit", []string{"00", "04"}, []string{"", "0000"}, []string{"05", "FF"}},
		{0x000D, "source_addr_subunit", []string{"01"}, []string{""}, []string{"05"}},
		{0x0006, "dest_network_type", []string{"00", "08"}, []string{"", "0000"}, []string{"09"}},
		{0x000E, "source_network_type", []string{"01"}, []string{""}, []string{"09"}},
		{0x0007, "dest_bearer_type", []string{"04", "08"}, []string{"", "0000"}, []string{"09"}},
		{0x000F, "source_bearer_type", []string{"04"}, []string{""}, []string{"09"}},
		{0x0008, "dest_telematics_id", []string{"00FF"}, []string{"00", "000000"}, nil},
		{0x0010, "source_telematics_id", []string{"FF"}, []string{"", "0000"}, nil},
		{0x0017, "qos_time_to_live", []string{"00000E10"}, []string{"0E10", ""}, nil},
		{0x0019, "payload_type", []string{"00", "01"}, []string{"", "0000"}, []string{"02"}},
		{0x001D, "additional_status_info_text", []string{"00", strings.Repeat("41", 255) + "00"}, []string{"", strings.Repeat("41", 257)}, nil},
		{0x001E, "receipted_message_id", []string{"374200", "3742"}, []string{"", strings.Repeat("41", 66)}, nil},
		{0x0030, "ms_msg_wait_facilities", []string{"00", "83"}, []string{""}, []string{"04", "40"}},
		{0x0201, "privacy_indicator", []string{"00", "03"}, []string{"", "0000"}, []string{"04"}},
		{0x0202, "source_subaddress", []string{"8001", "8801", "A0" + strings.Repeat("01", 22)}, []string{"80", "A0" + strings.Repeat("01", 23)}, []string{"0001"}},
		{0x0203, "dest_subaddress", []string{"A001"}, []string{"80"}, []string{"9001"}},
		{0x0204, "user_message_reference", []string{"FFFF"}, []string{"01", "010203"}, nil},
		{0x0205, "user_response_code", []string{"FF"}, []string{"", "0000"}, nil},
		{0x020D, "language_indicator", []string{"00", "05", "09"}, []string{"", "0000"}, nil},
		{0x020A, "source_port", []string{"0B84"}, []string{"0B", "000B84"}, nil},
		{0x020B, "destination_port", []string{"0B84"}, []string{"0B"}, nil},
		{0x0210, "sc_interface_version", []string{"34"}, []string{"", "3400"}, nil},
		{0x0302, "callback_num_pres_ind", []string{"00", "0F"}, []string{""}, []string{"10"}},
		{0x0303, "callback_num_atag", []string{"0041", ""}, []string{strings.Repeat("41", 66)}, nil},
		{0x0304, "number_of_messages", []string{"00", "63"}, []string{"", "0000"}, []string{"64"}},
		{0x0381, "callback_num", []string{"01010131", "00" + strings.Repeat("01", 18)}, []string{"010101", "01" + strings.Repeat("01", 19)}, []string{"02010131"}},
		{0x0420, "dpf_result", []string{"00", "01"}, []string{""}, []string{"02"}},
		{0x0421, "set_dpf", []string{"00", "01"}, []string{""}, []string{"02"}},
		{0x0422, "ms_availability_status", []string{"00", "02"}, []string{""}, []string{"03"}},
		{0x0423, "network_error_code", []string{"030022", "000000"}, []string{"0300", "03000022"}, nil},
		{0x0424, "message_payload", []string{"", strings.Repeat("41", 65535)}, nil, nil},
		{0x0425, "delivery_failure_reason", []string{"00", "03"}, []string{""}, []string{"04"}},
		{0x0426, "more_messages_to_send", []string{"00", "01"}, []string{""}, []string{"02"}},
		{0x0427, "message_state", []string{"01", "08"}, []string{"", "0001"}, []string{"00", "09"}},
		{0x0501, "ussd_service_op", []string{"00", "03", "10", "13", "17", "20", "81", "FF"}, []string{"", "0000"}, []string{"04", "0F", "14", "1F"}},
		{0x1201, "display_time", []string{"00", "02"}, []string{""}, []string{"03"}},
		{0x1203, "sms_signal", []string{"FFFF"}, []string{"FF"}, nil},
		{0x1204, "ms_validity", []string{"00", "03"}, []string{""}, []string{"04"}},
		{0x130C, "alert_on_message_delivery", []string{""}, []string{"00"}, nil},
		{0x1380, "its_reply_type", []string{"00", "08"}, []string{""}, []string{"09"}},
		{0x1383, "its_session_info", []string{"0001", "FFFF"}, []string{"00", "000000"}, nil},
		{0x1400, "tlv 0x1400", []string{"", "00", strings.Repeat("41", 300)}, nil, nil}, // the vendor's own
		{0x3FFF, "tlv 0x3fff", []string{"01020304"}, nil, nil},
		{0x4000, "tlv 0x4000", []string{"01020304"}, nil, nil}, // reserved: ignored
	} {
		if got := tc.tag.String(); got != tc.name {
			t.Errorf("%#04x is called %q, want %q", uint16(tc.tag), got, tc.name)
		}
		if known := !strings.HasPrefix(tc.name, "tlv"); tc.tag.Known() != known {
			t.Errorf("%s: known %v", tc.name, !known)
		}
		for want, values := range map[smpp.Status][]string{smpp.ROK: tc.good, smpp.RINVPARLEN: tc.short, smpp.RINVOPTPARAMVAL: tc.bad} {
			for _, v := range values {
				checkParameter(t, smpp.TLV{Tag: tc.tag, Value: octets(t, v)}, want)
			}
		}
	}
}

// checkParameter wants the same status from decoding and encoding.
func checkParameter(t *testing.T, p smpp.TLV, want smpp.Status) {
	t.Helper()
	stream := append([]byte{byte(p.Tag >> 8), byte(p.Tag), byte(len(p.Value) >> 8), byte(len(p.Value))}, p.Value...)
	_, decoded := smpp.DecodeTLVs(stream)
	_, encoded := smpp.AppendTLVs(nil, smpp.TLVs{p})
	for _, err := range []error{decoded, encoded} {
		if want != smpp.ROK && err == nil {
			t.Errorf("%v %x: taken, want %v", p.Tag, p.Value, want)
		}
		wantStatus(t, err, want)
	}
}

// §5.3.2.22 to §5.3.2.24: all three or none, and a segment of the total.
func TestSegmentParameters(t *testing.T) {
	ref, total, segment := smpp.Uint16TLV(smpp.TagSARMsgRefNum, 7), smpp.Uint8TLV(smpp.TagSARTotalSegments, 2), smpp.Uint8TLV(smpp.TagSARSegmentSeqnum, 2)
	for name, tc := range map[string]struct {
		tlvs smpp.TLVs
		want smpp.Status
	}{
		"all":            {smpp.TLVs{segment, ref, total}, smpp.ROK},
		"no reference":   {smpp.TLVs{total, segment}, smpp.RMISSINGOPTPARAM},
		"no total":       {smpp.TLVs{ref, segment}, smpp.RMISSINGOPTPARAM},
		"no segment":     {smpp.TLVs{ref, total}, smpp.RMISSINGOPTPARAM},
		"total 0":        {smpp.TLVs{ref, smpp.Uint8TLV(smpp.TagSARTotalSegments, 0), segment}, smpp.RINVOPTPARAMVAL},
		"segment 0":      {smpp.TLVs{ref, total, smpp.Uint8TLV(smpp.TagSARSegmentSeqnum, 0)}, smpp.RINVOPTPARAMVAL},
		"segment 3 of 2": {smpp.TLVs{ref, total, smpp.Uint8TLV(smpp.TagSARSegmentSeqnum, 3)}, smpp.RINVOPTPARAMVAL},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := smpp.Append(nil, smpp.PDU{Body: &smpp.DataSM{TLVs: tc.tlvs}})
			wantStatus(t, err, tc.want)
			if tc.want != smpp.ROK && err == nil {
				t.Error("taken")
			}
		})
	}
}

func TestSegmentation(t *testing.T) {
	want := smpp.Segmentation{Reference: 0x1234, Total: 3, Segment: 2}
	if got, ok := want.TLVs().Segmentation(); !ok || got != want {
		t.Errorf("%+v %v", got, ok)
	}
	if _, ok := want.TLVs()[:2].Segmentation(); ok {
		t.Error("two of three")
	}
}

func TestVendorTags(t *testing.T) {
	for tag, want := range map[smpp.Tag]bool{0x13FF: false, 0x1400: true, 0x3FFF: true, 0x4000: false, smpp.TagMessagePayload: false} {
		if tag.IsVendor() != want {
			t.Errorf("%#04x: vendor's %v", uint16(tag), !want)
		}
	}
}

// §5.3.2.43, §5.3.2.44.
func TestUSSDParameters(t *testing.T) {
	info := smpp.SessionInfo{Session: 0xAB, Dialogue: 0x55, End: true}
	ts := smpp.TLVs{smpp.USSDOpTLV(smpp.USSRRequest), info.TLV()}
	if got, ok := ts.SessionInfo(); !ok || got != info || info.Uint16() != 0xABAB {
		t.Errorf("%+v %v, %#04x", got, ok, info.Uint16())
	}
	if op, ok := ts.USSDOp(); !ok || op != smpp.USSRRequest {
		t.Errorf("%v %v", op, ok)
	}
	if _, ok := (smpp.TLVs{}).USSDOp(); ok {
		t.Error("an operation where there is none")
	}
	for op, want := range map[smpp.USSDOp]string{
		0: "PSSD indication", 1: "PSSR indication", 2: "USSR request", 3: "USSN request", 16: "PSSD response", 17: "PSSR response",
		18: "USSR confirm", 19: "USSN confirm", 23: "end (vendor)", 129: "abort (vendor)", 4: "reserved 4", 31: "reserved 31", 32: "vendor's own 32",
	} {
		if got := op.String(); got != want {
			t.Errorf("%d is %q, want %q", op, got, want)
		}
	}
}

// §5.1.3, and names for whoever sets up faults.
func TestParseStatus(t *testing.T) {
	for s, want := range map[string]smpp.Status{
		"ESME_RSYSERR": smpp.RSYSERR, "esme_rsyserr": smpp.RSYSERR, "RSYSERR": smpp.RSYSERR, "0x08": smpp.RSYSERR, "8": smpp.RSYSERR, "08": smpp.RSYSERR,
		"ESME_ROK": smpp.ROK, "0": smpp.ROK, " ESME_RX_T_APPN ": smpp.RXTAPPN, "0x450": 0x450, "0XFF": smpp.RUNKNOWNERR, "4294967295": 0xFFFFFFFF,
	} {
		if got, err := smpp.ParseStatus(s); err != nil || got != want {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "ESME_", "ESME_RNOTHING", "-1", "0x", "4294967296", "0x0G", "ESME_0x08"} {
		if got, err := smpp.ParseStatus(s); err == nil {
			t.Errorf("%q read as %v", s, got)
		}
	}
}

func TestStatuses(t *testing.T) {
	all := smpp.Statuses()
	if len(all) != 48 || all[0] != smpp.ROK || all[len(all)-1] != smpp.RUNKNOWNERR {
		t.Errorf("%d statuses from %v to %v; §5.1.3 has 48", len(all), all[0], all[len(all)-1])
	}
	for _, want := range all {
		if got, err := smpp.ParseStatus(want.String()); err != nil || got != want {
			t.Errorf("%v read as %v, %v", want, got, err)
		}
	}
}
