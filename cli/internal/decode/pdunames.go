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
	smpp.IDQuerySM: " §4.8.1", smpp.IDQuerySMResp: " §4.8.2",
	smpp.IDReplaceSM: " §4.10.1", smpp.IDReplaceSMResp: " §4.10.2",
	smpp.IDCancelSM: " §4.9.1", smpp.IDCancelSMResp: " §4.9.2",
	smpp.IDOutbind:     " §4.1.7",
	smpp.IDSubmitMulti: " §4.5.1", smpp.IDSubmitMultiResp: " §4.5.2",
	smpp.IDAlertNotification: " §4.12.1",
	smpp.IDDataSM:            " §4.7.1", smpp.IDDataSMResp: " §4.7.2",
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

func parameterName(tag smpp.Tag) string {
	switch {
	case tag.Known():
		return tag.String()
	case tag.IsVendor():
		return "vendor's optional parameter"
	}
	return "optional parameter"
}
