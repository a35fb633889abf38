package smpp

import "fmt"

// parameter is what §5.3.2 says of an optional parameter: its name, how many
// octets its value has, and which values those may be; nil is any.
type parameter struct {
	name        string
	least, most int
	takes       func(v []byte) bool
}

// parameters are those of §5.3.2. Values that it reserves are refused, with three
// exceptions that are in wide use: languages over 5, network types over 3, and
// ussd_service_op 23.
var parameters = map[Tag]parameter{
	TagDestAddrSubunit:       {"dest_addr_subunit", 1, 1, upTo(4)},           // §5.3.2.1
	TagSourceAddrSubunit:     {"source_addr_subunit", 1, 1, upTo(4)},         // §5.3.2.2
	TagDestNetworkType:       {"dest_network_type", 1, 1, upTo(8)},           // §5.3.2.3
	TagSourceNetworkType:     {"source_network_type", 1, 1, upTo(8)},         // §5.3.2.4
	TagDestBearerType:        {"dest_bearer_type", 1, 1, upTo(8)},            // §5.3.2.5
	TagSourceBearerType:      {"source_bearer_type", 1, 1, upTo(8)},          // §5.3.2.6
	TagDestTelematicsID:      {"dest_telematics_id", 2, 2, nil},              // §5.3.2.7
	TagSourceTelematicsID:    {"source_telematics_id", 1, 1, nil},            // §5.3.2.8
	TagQoSTimeToLive:         {"qos_time_to_live", 4, 4, nil},                // §5.3.2.9
	TagPayloadType:           {"payload_type", 1, 1, upTo(1)},                // §5.3.2.10
	TagAdditionalStatusInfo:  {"additional_status_info_text", 1, 256, nil},   // §5.3.2.11
	TagReceiptedMessageID:    {"receipted_message_id", 1, 65, nil},           // §5.3.2.12
	TagMSMsgWaitFacilities:   {"ms_msg_wait_facilities", 1, 1, within(0x83)}, // §5.3.2.13
	TagPrivacyIndicator:      {"privacy_indicator", 1, 1, upTo(3)},           // §5.3.2.14
	TagSourceSubaddress:      {"source_subaddress", 2, 23, isSubaddress},     // §5.3.2.15
	TagDestSubaddress:        {"dest_subaddress", 2, 23, isSubaddress},       // §5.3.2.16
	TagUserMessageReference:  {"user_message_reference", 2, 2, nil},          // §5.3.2.17
	TagUserResponseCode:      {"user_response_code", 1, 1, nil},              // §5.3.2.18
	TagLanguageIndicator:     {"language_indicator", 1, 1, nil},              // §5.3.2.19
	TagSourcePort:            {"source_port", 2, 2, nil},                     // §5.3.2.20
	TagDestinationPort:       {"destination_port", 2, 2, nil},                // §5.3.2.21
	TagSARMsgRefNum:          {"sar_msg_ref_num", 2, 2, nil},                 // §5.3.2.22
	TagSARTotalSegments:      {"sar_total_segments", 1, 1, between(1, 255)},  // §5.3.2.23
	TagSARSegmentSeqnum:      {"sar_segment_seqnum", 1, 1, between(1, 255)},  // §5.3.2.24
	TagSCInterfaceVersion:    {"sc_interface_version", 1, 1, nil},            // §5.3.2.25
	TagDisplayTime:           {"display_time", 1, 1, upTo(2)},                // §5.3.2.26
	TagMSValidity:            {"ms_validity", 1, 1, upTo(3)},                 // §5.3.2.27
	TagDPFResult:             {"dpf_result", 1, 1, upTo(1)},                  // §5.3.2.28
	TagSetDPF:                {"set_dpf", 1, 1, upTo(1)},                     // §5.3.2.29
	TagMSAvailabilityStatus:  {"ms_availability_status", 1, 1, upTo(2)},      // §5.3.2.30
	TagNetworkErrorCode:      {"network_error_code", 3, 3, nil},              // §5.3.2.31
	TagMessagePayload:        {"message_payload", 0, 65535, nil},             // §5.3.2.32
	TagDeliveryFailureReason: {"delivery_failure_reason", 1, 1, upTo(3)},     // §5.3.2.33
	TagMoreMessagesToSend:    {"more_messages_to_send", 1, 1, upTo(1)},       // §5.3.2.34
	TagMessageState:          {"message_state", 1, 1, between(1, 8)},         // §5.3.2.35, §5.2.28
	TagCallbackNum:           {"callback_num", 4, 19, upTo(1)},               // §5.3.2.36, digit mode first
	TagCallbackNumPresInd:    {"callback_num_pres_ind", 1, 1, upTo(15)},      // §5.3.2.37
	TagCallbackNumAtag:       {"callback_num_atag", 0, 65, nil},              // §5.3.2.38
	TagNumberOfMessages:      {"number_of_messages", 1, 1, upTo(99)},         // §5.3.2.39
	TagSMSSignal:             {"sms_signal", 2, 2, nil},                      // §5.3.2.40
	TagAlertOnMessage:        {"alert_on_message_delivery", 0, 0, nil},       // §5.3.2.41
	TagITSReplyType:          {"its_reply_type", 1, 1, upTo(8)},              // §5.3.2.42
	TagITSSessionInfo:        {"its_session_info", 2, 2, nil},                // §5.3.2.43
	TagUSSDServiceOp:         {"ussd_service_op", 1, 1, isUSSDOp},            // §5.3.2.44
}

// The vendors' own parameters, §5.3.1.
const (
	vendorTagLow  Tag = 0x1400
	vendorTagHigh Tag = 0x3FFF
)

// IsVendor says whether the tag is in the range that is the SMSC vendor's, §5.3.1.
func (t Tag) IsVendor() bool { return t >= vendorTagLow && t <= vendorTagHigh }

// Known says whether §5.3.2 has the parameter.
func (t Tag) Known() bool {
	_, known := parameters[t]
	return known
}

// String is the parameter's name in the specification, or its tag in hexadecimal.
func (t Tag) String() string {
	if p, known := parameters[t]; known {
		return p.name
	}
	return fmt.Sprintf("tlv 0x%04x", uint16(t))
}

func upTo(most uint8) func([]byte) bool { return func(v []byte) bool { return v[0] <= most } }

func between(least, most uint8) func([]byte) bool {
	return func(v []byte) bool { return least <= v[0] && v[0] <= most }
}

// within takes octets that have no bit set outside a mask.
func within(mask uint8) func([]byte) bool { return func(v []byte) bool { return v[0]&^mask == 0 } }

// isSubaddress wants NSAP, even or odd, or user specified for the first octet, §5.3.2.15.
func isSubaddress(v []byte) bool { return v[0] == 0x80 || v[0] == 0x88 || v[0] == 0xA0 }

func isUSSDOp(v []byte) bool { return USSDOp(v[0]).Valid() }

// check refuses the first parameter that cannot be, encoding and decoding alike.
func (t TLVs) check() *StatusError {
	segmented := false
	for i := range t {
		tag, v := t[i].Tag, t[i].Value
		p, known := parameters[tag]
		switch {
		case !known && len(v) <= 65535:
			continue
		case !known || len(v) < p.least || len(v) > p.most:
			return &StatusError{RINVPARLEN, tag.String()}
		case p.takes != nil && !p.takes(v):
			return &StatusError{RINVOPTPARAMVAL, tag.String()}
		}
		segmented = segmented || tag == TagSARMsgRefNum || tag == TagSARTotalSegments || tag == TagSARSegmentSeqnum
	}
	if segmented {
		return t.checkSegments()
	}
	return nil
}

// checkSegments wants all three of sar_msg_ref_num, sar_total_segments and
// sar_segment_seqnum where one of them is, and a segment among the total,
// §5.3.2.22 to §5.3.2.24.
func (t TLVs) checkSegments() *StatusError {
	for _, tag := range [...]Tag{TagSARMsgRefNum, TagSARTotalSegments, TagSARSegmentSeqnum} {
		if _, there := t.Get(tag); !there {
			return &StatusError{RMISSINGOPTPARAM, tag.String()}
		}
	}
	total, _ := t.Uint8(TagSARTotalSegments)
	if segment, _ := t.Uint8(TagSARSegmentSeqnum); segment > total {
		return &StatusError{RINVOPTPARAMVAL, TagSARSegmentSeqnum.String()}
	}
	return nil
}
