package smpp_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/smpp"
)

// The octets of §4.1.7, §4.5, §4.7 to §4.10 and §4.12, written out by hand.
func TestOperationOctets(t *testing.T) {
	to := smpp.Address{TON: 1, NPI: 1, Digits: "254700000001"}
	for _, tc := range []struct {
		name string
		pdu  smpp.PDU
		want string
	}{
		{"outbind 4.1.7", smpp.PDU{Sequence: 1, Body: &smpp.Outbind{SystemID: "AIR", Password: "pw"}}, "00000017 0000000B 00000000 00000001 41495200 707700"},
		{"submit_multi 4.5.1", smpp.PDU{Sequence: 2, Body: &smpp.SubmitMulti{
			Destinations: []smpp.Destination{{Address: to}, {List: "ab"}},
			Message:      smpp.SubmitSM{Source: smpp.Address{Digits: "7"}, RegisteredDelivery: 1, ShortMessage: []byte("hi")},
		}}, `00000036 00000021 00000000 00000002 00 00 00 3700 02 01 01 01 32353437303030303030303100 02 616200
			00 00 00 00 00 01 00 00 00 02 6869`},
		{"submit_multi_resp 4.5.2", smpp.PDU{Sequence: 2, Body: &smpp.SubmitMultiResp{
			MessageID: "7B", Unsuccessful: []smpp.Unsuccessful{{Address: smpp.Address{TON: 1, NPI: 1, Digits: "9"}, Status: smpp.RINVDSTADR}},
		}}, "0000001C 80000021 00000000 00000002 374200 01 01 01 3900 0000000B"},
		{"data_sm 4.7.1", smpp.PDU{Sequence: 3, Body: &smpp.DataSM{
			Source: smpp.Address{Digits: "7"}, Destination: to, DataCoding: 4, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte{0xAA}}},
		}}, "0000002C 00000103 00000000 00000003 00 00 00 3700 01 01 32353437303030303030303100 00 00 04 0424 0001 AA"},
		{"data_sm_resp of an error has its body 4.7.2", smpp.PDU{Status: smpp.RDELIVERYFAILURE, Sequence: 3, Body: &smpp.DataSMResp{
			TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagDeliveryFailureReason, 3)},
		}}, "00000016 80000103 000000FE 00000003 00 0425 0001 03"},
		{"query_sm 4.8.1", smpp.PDU{Sequence: 4, Body: &smpp.QuerySM{MessageID: "7B", Source: smpp.Address{NPI: 1, Digits: "7"}}}, "00000017 00000003 00000000 00000004 374200 00 01 3700"},
		{"query_sm_resp 4.8.2", smpp.PDU{Sequence: 4, Body: &smpp.QuerySMResp{MessageID: "7B", State: smpp.StateEnroute}}, "00000016 80000003 00000000 00000004 374200 00 01 00"},
		{"query_sm_resp, final 4.8.2", smpp.PDU{Sequence: 4, Body: &smpp.QuerySMResp{MessageID: "7B", FinalDate: "261123120000000+", State: smpp.StateUndeliverable, ErrorCode: 27}},
			"00000026 80000003 00000000 00000004 374200 3236313132333132303030303030302B00 05 1B"},
		{"cancel_sm 4.9.1", smpp.PDU{Sequence: 5, Body: &smpp.CancelSM{ServiceType: "CMT", Source: smpp.Address{Digits: "7"}, Destination: to}},
			"00000028 00000008 00000000 00000005 434D5400 00 00 00 3700 01 01 32353437303030303030303100"},
		{"cancel_sm_resp 4.9.2", smpp.PDU{Status: smpp.RCANCELFAIL, Sequence: 5, Body: &smpp.CancelSMResp{}}, "00000010 80000008 00000011 00000005"},
		{"replace_sm 4.10.1", smpp.PDU{Sequence: 6, Body: &smpp.ReplaceSM{MessageID: "7B", Source: smpp.Address{Digits: "7"}, ShortMessage: []byte("hi")}},
			"0000001E 00000007 00000000 00000006 374200 00 00 3700 00 00 00 00 02 6869"},
		{"replace_sm_resp 4.10.2", smpp.PDU{Sequence: 6, Body: &smpp.ReplaceSMResp{}}, "00000010 80000007 00000000 00000006"},
		{"alert_notification 4.12.1", smpp.PDU{Sequence: 7, Body: &smpp.AlertNotification{
			Source: to, ESME: smpp.Address{Digits: "7"}, TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagMSAvailabilityStatus, 0)},
		}}, "00000028 00000102 00000000 00000007 01 01 32353437303030303030303100 00 00 3700 0422 0001 00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(hex.EncodeToString(octets(t, tc.want)), hex.EncodeToString(encode(t, tc.pdu))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// §5.2.24 to §5.2.27: how many destinations, and of which kind.
func TestDestinations(t *testing.T) {
	many := make([]smpp.Destination, smpp.MaxDestinations+1)
	for n, want := range map[int]smpp.Status{0: smpp.RINVNUMDESTS, 1: smpp.ROK, 254: smpp.ROK, 255: smpp.RINVNUMDESTS} {
		_, err := smpp.Append(nil, smpp.PDU{Body: &smpp.SubmitMulti{Destinations: many[:n]}})
		wantStatus(t, err, want)
	}
	for body, want := range map[string]smpp.Status{
		"00 00 00 00 00": smpp.RINVNUMDESTS, "00 00 00 00 FF": smpp.RINVNUMDESTS,
		"00 00 00 00 01 00 00 00 00": smpp.RINVDESTFLAG, "00 00 00 00 01 03 00 00 00": smpp.RINVDESTFLAG,
		"00 00 00 00 01 02 00":                                     smpp.RINVDLNAME,
		"00 00 00 00 02 01 00 00 00":                               smpp.RINVCMDLEN,
		"00 00 00 00 01 01 00 00 00 00 00 00 00 00 00 00 00 00 00": smpp.ROK,
		"00 00 00 00 01 01 00 00 00 00 00 00 00 00 00 00 00 00 FF": smpp.RINVMSGLEN,
	} {
		_, err := smpp.Decode(frame(smpp.IDSubmitMulti, octets(t, body)))
		wantStatus(t, err, want)
		if want != smpp.ROK && err == nil {
			t.Errorf("%s: taken", body)
		}
	}
}

// The responses that say more than a status are read without a body, too.
func TestResponsesWithoutBody(t *testing.T) {
	for _, id := range []smpp.CommandID{smpp.IDSubmitMultiResp, smpp.IDDataSMResp, smpp.IDQuerySMResp, smpp.IDCancelSMResp, smpp.IDReplaceSMResp} {
		if _, err := smpp.Decode(frame(id, nil)); err != nil {
			t.Errorf("%v: %v", id, err)
		}
	}
}

// §3.3: parameters that are not a command's are no fault; they are kept.
func TestUnexpectedParametersAreKept(t *testing.T) {
	for _, p := range []smpp.PDU{
		{Body: &smpp.QuerySM{}}, {Body: &smpp.CancelSM{}}, {Body: &smpp.ReplaceSM{}}, {Body: &smpp.Outbind{}},
		{Body: &smpp.BindTransceiver{}}, {Body: &smpp.BindReceiver{}}, {Body: &smpp.AlertNotification{}}, {Body: &smpp.DataSM{}},
	} {
		body := append(encode(t, p)[smpp.HeaderLen:], octets(t, "1400 0002 0102 0204 0002 0009")...)
		whole := frame(p.Body.CommandID(), body)
		got, err := smpp.Decode(whole)
		if err != nil {
			t.Errorf("%v: %v", p.Body.CommandID(), err)
			continue
		}
		if again, err := smpp.Append(nil, got); err != nil || hex.EncodeToString(again) != hex.EncodeToString(whole) {
			t.Errorf("%v: %x became %x, %v", p.Body.CommandID(), whole, again, err)
		}
	}
}

// A submit_multi is a submit_sm for each of its destinations.
func TestSubmitMultiFor(t *testing.T) {
	m := sampleMulti()
	want := sample()
	if diff := cmp.Diff(want, m.For(want.Destination)); diff != "" {
		t.Error(diff)
	}
	if m.Message.Destination != (smpp.Address{}) {
		t.Error("the message itself was changed")
	}
}

func TestDataSM(t *testing.T) {
	if got := sampleData().UserData(); hex.EncodeToString(got) != "010203" {
		t.Errorf("%x", got)
	}
	if (&smpp.DataSM{}).UserData() != nil || !(&smpp.DataSM{ESMClass: smpp.ESMReceipt}).IsReceipt() || sampleData().IsReceipt() {
		t.Error("what a data_sm is")
	}
}

func sampleMulti() *smpp.SubmitMulti {
	m := *sample()
	m.Destination = smpp.Address{}
	return &smpp.SubmitMulti{Message: m, Destinations: []smpp.Destination{
		{Address: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"}}, {List: "friends"}, {Address: smpp.Address{Digits: "254"}},
	}}
}

func sampleData() *smpp.DataSM {
	return &smpp.DataSM{
		ServiceType: "WAP", Source: smpp.Address{TON: 5, Digits: "a.example.of.a.long.address.that.only.data_sm.may.have"},
		Destination: smpp.Address{TON: 1, NPI: 1, Digits: "8613800000001"}, ESMClass: smpp.ESMDatagram, RegisteredDelivery: smpp.ReceiptFailure,
		DataCoding: smpp.CodingOctets, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte{1, 2, 3}}, smpp.Uint8TLV(smpp.TagSetDPF, 1)},
	}
}
