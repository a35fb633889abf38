package decode

import (
	"fmt"
	"strconv"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// commandClauses are the commands of SMPP 3.4, with where it describes them.
var commandClauses = map[smpp.CommandID]string{
	smpp.IDBindReceiver: " §4.1.3", smpp.IDBindReceiverResp: " §4.1.4",
	smpp.IDBindTransmitter: " §4.1.1", smpp.IDBindTransmitterResp: " §4.1.2",
	smpp.IDBindTransceiver: " §4.1.5", smpp.IDBindTransceiverResp: " §4.1.6",
	smpp.IDSubmitSM: " §4.4.1", smpp.IDSubmitSMResp: " §4.4.2",
	smpp.IDDeliverSM: " §4.6.1", smpp.IDDeliverSMResp: " §4.6.2",
	smpp.IDUnbind: " §4.2.1", smpp.IDUnbindResp: " §4.2.2", smpp.IDGenericNack: " §4.3.1",
	smpp.IDEnquireLink: " §4.11.1", smpp.IDEnquireLinkResp: " §4.11.2",
	0x00000003: " §4.8.1", 0x80000003: " §4.8.2", // query_sm
	0x00000007: " §4.10.1", 0x80000007: " §4.10.2", // replace_sm
	0x00000008: " §4.9.1", 0x80000008: " §4.9.2", // cancel_sm
	0x0000000B: " §4.1.7",                        // outbind
	0x00000021: " §4.5.1", 0x80000021: " §4.5.2", // submit_multi
	0x00000102: " §4.12.1",                       // alert_notification
	0x00000103: " §4.7.1", 0x80000103: " §4.7.2", // data_sm
}

// typesOfNumber are the TON of SMPP 3.4 §5.2.5, as in TS 23.040 §9.1.2.5.
var typesOfNumber = map[uint8]string{
	0: "unknown", 1: "international", 2: "national", 3: "network specific", 4: "subscriber number", 5: "alphanumeric", 6: "abbreviated",
}

// numberingPlans are the NPI of SMPP 3.4 §5.2.6.
var numberingPlans = map[uint8]string{
	0: "unknown", 1: "ISDN (E.163, E.164)", 3: "data (X.121)", 4: "telex (F.69)", 6: "land mobile (E.212)", 8: "national",
	9: "private", 10: "ERMES", 14: "Internet (IP)", 18: "WAP client id",
}

func esmClassOctet(o uint8) (string, string) {
	modes := []string{"the SMSC's own mode", "datagram", "forward (transaction)", "store and forward"}
	types := map[uint8]string{
		0: "", smpp.ESMReceipt: "SMSC delivery receipt", smpp.ESMDeliveryAck: "delivery acknowledgement", smpp.ESMUserAck: "user acknowledgement",
		smpp.ESMConversationAb: "conversation abort", smpp.ESMIntermediate: "intermediate notification",
	}
	kind, known := types[o&smpp.ESMTypeMask]
	if !known {
		kind = "reserved message type"
	}
	header, reply := "", ""
	if o&smpp.ESMUDHI != 0 {
		header = "UDHI: user data begins with a header"
	}
	if o&smpp.ESMReplyPath != 0 {
		reply = "reply path"
	}
	return fmt.Sprintf("0x%02x", o), sentence(modes[o&smpp.ESMModeMask], kind, header, reply)
}

func registeredOctet(o uint8) (string, string) {
	receipts := []string{"no receipt", "receipt on success and failure", "receipt on failure", "receipt on success"}
	ack, notice := "", ""
	if o&smpp.AckMask != 0 {
		ack = "acknowledgement from the handset"
	}
	if o&smpp.IntermediateReceipt != 0 {
		notice = "intermediate notification"
	}
	return fmt.Sprintf("0x%02x", o), sentence(receipts[o&smpp.ReceiptMask], ack, notice)
}

// protocolOctet reads TP-PID (TS 23.040 §9.2.3.9).
func protocolOctet(o uint8) (string, string) {
	text := ""
	switch {
	case o == tpdu.ProtocolSIM:
		text = "(U)SIM data download"
	case o == 0:
		text = "between short message entities"
	case o == 0x40:
		text = "short message type 0"
	case o > 0x40 && o < 0x48:
		text = "replace short message type " + strconv.Itoa(int(o-0x40))
	case o >= 0x20 && o < 0x40:
		text = "telematic interworking"
	}
	return fmt.Sprintf("0x%02x", o), text
}

// codingOctet reads TP-DCS or data_coding (TS 23.038 §4, SMPP 3.4 §5.2.19).
func codingOctet(o uint8) (string, string) {
	classes := []string{"class 0: shown at once", "class 1: for the phone", "class 2: for the SIM", "class 3: for the terminal equipment"}
	class := ""
	if o >= 0xF0 || o >= 0x10 && o < 0x80 && o&0x10 != 0 {
		class = classes[o&3]
	}
	return fmt.Sprintf("0x%02x", o), sentence(tpdu.AlphabetOf(o).String(), class)
}

// parameterNames are the optional parameters of SMPP 3.4 §5.3.2.
var parameterNames = map[smpp.Tag]string{
	smpp.TagDestAddrSubunit: "dest_addr_subunit", smpp.TagDestNetworkType: "dest_network_type", smpp.TagDestBearerType: "dest_bearer_type",
	smpp.TagDestTelematicsID: "dest_telematics_id", smpp.TagSourceAddrSubunit: "source_addr_subunit",
	smpp.TagSourceNetworkType: "source_network_type", smpp.TagSourceBearerType: "source_bearer_type",
	smpp.TagSourceTelematicsID: "source_telematics_id", smpp.TagQoSTimeToLive: "qos_time_to_live", smpp.TagPayloadType: "payload_type",
	smpp.TagAdditionalStatusInfo: "additional_status_info_text", smpp.TagReceiptedMessageID: "receipted_message_id",
	smpp.TagMSMsgWaitFacilities: "ms_msg_wait_facilities", smpp.TagPrivacyIndicator: "privacy_indicator",
	smpp.TagSourceSubaddress: "source_subaddress", smpp.TagDestSubaddress: "dest_subaddress",
	smpp.TagUserMessageReference: "user_message_reference", smpp.TagUserResponseCode: "user_response_code",
	smpp.TagSourcePort: "source_port", smpp.TagDestinationPort: "destination_port", smpp.TagSARMsgRefNum: "sar_msg_ref_num",
	smpp.TagLanguageIndicator: "language_indicator", smpp.TagSARTotalSegments: "sar_total_segments",
	smpp.TagSARSegmentSeqnum: "sar_segment_seqnum", smpp.TagSCInterfaceVersion: "sc_interface_version",
	smpp.TagCallbackNumPresInd: "callback_num_pres_ind", smpp.TagCallbackNumAtag: "callback_num_atag",
	smpp.TagNumberOfMessages: "number_of_messages", smpp.TagCallbackNum: "callback_num", smpp.TagDPFResult: "dpf_result",
	smpp.TagSetDPF: "set_dpf", smpp.TagMSAvailabilityStatus: "ms_availability_status", smpp.TagNetworkErrorCode: "network_error_code",
	smpp.TagMessagePayload: "message_payload", smpp.TagDeliveryFailureReason: "delivery_failure_reason",
	smpp.TagMoreMessagesToSend: "more_messages_to_send", smpp.TagMessageState: "message_state", smpp.TagUSSDServiceOp: "ussd_service_op",
	smpp.TagDisplayTime: "display_time", smpp.TagSMSSignal: "sms_signal", smpp.TagMSValidity: "ms_validity",
	smpp.TagAlertOnMessage: "alert_on_message_delivery", smpp.TagITSReplyType: "its_reply_type", smpp.TagITSSessionInfo: "its_session_info",
}

func parameterName(tag smpp.Tag) string {
	if name, known := parameterNames[tag]; known {
		return name
	}
	return "optional parameter"
}
