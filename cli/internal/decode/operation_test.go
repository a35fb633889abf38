package decode

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// operationPDU is one PDU of an operation beside submit_sm and deliver_sm.
func operationPDU(t testing.TB, id smpp.CommandID) []byte {
	t.Helper()
	phone, code := smpp.Address{TON: 1, NPI: 1, Digits: "254700000001"}, smpp.Address{NPI: 1, Digits: "10690"}
	for _, body := range []smpp.Body{
		&smpp.SubmitMulti{
			Destinations: []smpp.Destination{{Address: phone}, {List: "staff"}},
			Message:      smpp.SubmitSM{Source: code, RegisteredDelivery: smpp.ReceiptFailure, ShortMessage: []byte("closed today")},
		},
		&smpp.SubmitMultiResp{MessageID: "17", Unsuccessful: []smpp.Unsuccessful{{Address: phone, Status: smpp.RINVDSTADR}}},
		&smpp.DataSM{
			ServiceType: "WAP", Source: code, Destination: phone, ESMClass: smpp.ESMTransaction,
			TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("hello")}, smpp.Uint8TLV(smpp.TagSetDPF, 1), {Tag: smpp.TagQoSTimeToLive, Value: []byte{0, 0, 0, 60}}},
		},
		&smpp.DataSMResp{MessageID: "18", TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagDeliveryFailureReason, 3), {Tag: smpp.TagNetworkErrorCode, Value: []byte{3, 0, 34}}}},
		&smpp.QuerySM{MessageID: "17", Source: code},
		&smpp.QuerySMResp{MessageID: "17", State: smpp.StateEnroute},
		&smpp.CancelSM{MessageID: "17", Source: code, Destination: phone},
		&smpp.ReplaceSM{MessageID: "17", Source: code, ValidityPeriod: "000001000000000R", ShortMessage: []byte("open again")},
		&smpp.Outbind{SystemID: "AIRTILL", Password: "hushhush"},
		&smpp.AlertNotification{Source: phone, ESME: code, TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagMSAvailabilityStatus, 0)}},
	} {
		if body.CommandID() == id {
			return encodePDU(t, smpp.PDU{Sequence: 9, Body: body})
		}
	}
	t.Fatalf("no PDU of %v", id)
	return nil
}

// ussdPDU asks for an answer in a USSD session.
func ussdPDU(t testing.TB) []byte {
	t.Helper()
	return encodePDU(t, smpp.PDU{Sequence: 9, Body: &smpp.SubmitSM{
		ServiceType: smpp.USSDServiceType, Destination: smpp.Address{TON: 1, NPI: 1, Digits: "254700000001"}, ShortMessage: []byte("1. Pay"),
		TLVs: smpp.TLVs{
			smpp.USSDOpTLV(smpp.USSRRequest), smpp.SessionInfo{Session: 7, Dialogue: 2}.TLV(),
			{Tag: smpp.TagCallbackNum, Value: []byte("\x01\x01\x01254")}, {Tag: 0x1400, Value: []byte{1}},
		},
	}})
}

// turkishPDU carries a text with the tables of a language.
func turkishPDU(t testing.TB) []byte {
	t.Helper()
	s, err := tpdu.Compose("Teşekkürler", tpdu.Writing{Shift: tpdu.Shift{Single: tpdu.Turkish}})
	if err != nil {
		t.Fatal(err)
	}
	ud, err := s.UserData()
	if err != nil {
		t.Fatal(err)
	}
	return submitPDUOf(t, s.Coding, ud)
}

func wantOperation(want map[string]string, body smpp.Body) {
	switch b := body.(type) {
	case *smpp.SubmitMulti:
		want["service_type"], want["source_addr"] = b.Message.ServiceType, b.Message.Source.Digits
		want["number_of_dests"] = strconv.Itoa(len(b.Destinations))
		want["sm_length"] = strconv.Itoa(len(b.Message.ShortMessage))
		if to := b.Destinations[0]; to.List != "" {
			want["dl_name"] = to.List
		} else {
			want["destination_addr"] = to.Address.Digits
		}
	case *smpp.SubmitMultiResp:
		want["message_id"] = b.MessageID
		if len(b.Unsuccessful) > 0 {
			want["error_status_code"] = b.Unsuccessful[0].Status.String()
		}
	case *smpp.DataSM:
		want["source_addr"], want["destination_addr"] = b.Source.Digits, b.Destination.Digits
	case *smpp.DataSMResp:
		want["message_id"] = b.MessageID
	case *smpp.QuerySM:
		want["message_id"], want["source_addr"] = b.MessageID, b.Source.Digits
	case *smpp.QuerySMResp:
		want["message_id"], want["final_date"] = b.MessageID, b.FinalDate
	case *smpp.CancelSM:
		want["message_id"], want["destination_addr"] = b.MessageID, b.Destination.Digits
	case *smpp.ReplaceSM:
		want["message_id"], want["validity_period"] = b.MessageID, b.ValidityPeriod
	case *smpp.AlertNotification:
		want["source_addr"], want["esme_addr"] = b.Source.Digits, b.ESME.Digits
	}
}

func drawOperation(t *rapid.T, text func(string, int) string) smpp.Body {
	address := func(name string, most int) smpp.Address {
		return smpp.Address{TON: rapid.Byte().Draw(t, "ton"), NPI: rapid.Byte().Draw(t, "npi"), Digits: text(name, most)}
	}
	tlvs := drawMessage(t, text).TLVs
	multi := &smpp.SubmitMulti{Message: *drawMessage(t, text)}
	for range rapid.IntRange(1, 4).Draw(t, "destinations") {
		multi.Destinations = append(multi.Destinations, rapid.SampledFrom([]smpp.Destination{{Address: address("to", 20)}, {List: "x" + text("list", 19)}}).Draw(t, "destination"))
	}
	refused := make([]smpp.Unsuccessful, rapid.IntRange(0, 3).Draw(t, "refused"))
	for i := range refused {
		refused[i] = smpp.Unsuccessful{Address: address("to", 20), Status: smpp.Status(rapid.Uint32Range(0, 0x68).Draw(t, "why"))}
	}
	return rapid.SampledFrom([]smpp.Body{
		multi, &smpp.SubmitMultiResp{MessageID: text("message", 64), Unsuccessful: refused},
		&smpp.DataSM{Source: address("source", 64), Destination: address("destination", 64), ESMClass: rapid.Byte().Draw(t, "esm"), TLVs: tlvs},
		&smpp.DataSMResp{MessageID: text("message", 64), TLVs: tlvs},
		&smpp.QuerySM{MessageID: text("message", 64), Source: address("source", 20)},
		&smpp.QuerySMResp{MessageID: text("message", 64), FinalDate: "261125100000000+", State: rapid.Byte().Draw(t, "state")},
		&smpp.CancelSM{MessageID: text("message", 64), Source: address("source", 20), Destination: address("destination", 20)},
		&smpp.ReplaceSM{MessageID: text("message", 64), Source: address("source", 20), ShortMessage: []byte(text("text", 90))},
		&smpp.AlertNotification{Source: address("source", 64), ESME: address("esme", 64), TLVs: tlvs},
	}).Draw(t, "operation")
}

// What is wrong with a list is blamed where it stands.
func TestBrokenLists(t *testing.T) {
	good := operationPDU(t, smpp.IDSubmitMulti)
	const numberOfDests = 16 + 1 + 2 + 6
	change := func(at int, to byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = to
		return b
	}
	for name, tt := range map[string]struct {
		octets []byte
		offset int
		why    string
	}{
		"no destination":      {change(numberOfDests, 0), numberOfDests, "number_of_dests: 0, 1 to 254"},
		"neither kind":        {change(numberOfDests+1, 3), numberOfDests + 1, "dest_flag: 1 for an address or 2 for a distribution list"},
		"cut in a list name":  {good[:numberOfDests+1+16+3], numberOfDests + 1 + 16 + 1, "dl_name: the PDU ends before its NUL"},
		"cut in a reason":     {operationPDU(t, smpp.IDSubmitMultiResp)[:16+4+15+2], 16 + 4 + 15, "error_status_code: 4 octets wanted, 2 left"},
		"cut before any list": {good[:numberOfDests], numberOfDests, "number_of_dests: 1 octets wanted, 0 left"},
	} {
		t.Run(name, func(t *testing.T) {
			e := Explain(tt.octets, PDU, nil)
			checkTree(t, e)
			if e.Fault == nil || e.Fault.Offset != tt.offset || e.Fault.Why != tt.why {
				t.Errorf("%+v, want octet %d: %s", e.Fault, tt.offset, tt.why)
			}
		})
	}
}
