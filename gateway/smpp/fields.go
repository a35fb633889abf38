package smpp

import "fmt"

// Password is a bind's password, §5.2.2: at most 8 characters. It prints as a mask.
type Password string

const passwordMask = "[password]"

// String implements fmt.Stringer with a mask.
func (Password) String() string { return passwordMask }

// GoString implements fmt.GoStringer with a mask.
func (Password) GoString() string { return passwordMask }

// Format implements fmt.Formatter with a mask, whatever the verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(passwordMask)) }

// MarshalText implements encoding.TextMarshaler with a mask.
func (Password) MarshalText() ([]byte, error) { return []byte(passwordMask), nil }

// esm_class, §5.2.12: messaging mode in bits 1-0, type in 5-2, GSM features in 7-6.
const (
	ESMModeMask       uint8 = 0x03
	ESMDefault        uint8 = 0x00 // the SMSC's own mode: store and forward
	ESMDatagram       uint8 = 0x01
	ESMTransaction    uint8 = 0x02 // forward
	ESMStoreForward   uint8 = 0x03
	ESMTypeMask       uint8 = 0x3C
	ESMReceipt        uint8 = 0x04 // SMSC delivery receipt
	ESMDeliveryAck    uint8 = 0x08 // from the handset
	ESMUserAck        uint8 = 0x10 // from the person
	ESMConversationAb uint8 = 0x18 // conversation abort (Korean CDMA)
	ESMIntermediate   uint8 = 0x20 // intermediate delivery notification
	ESMUDHI           uint8 = 0x40 // short_message begins with a user data header
	ESMReplyPath      uint8 = 0x80
)

// registered_delivery, §5.2.17.
const (
	ReceiptMask         uint8 = 0x03
	ReceiptNone         uint8 = 0x00
	ReceiptFinal        uint8 = 0x01 // on success and on failure
	ReceiptFailure      uint8 = 0x02 // on failure only
	ReceiptSuccess      uint8 = 0x03 // reserved in 3.4; 5.0 says on success only
	AckMask             uint8 = 0x0C // acknowledgements from the handset
	IntermediateReceipt uint8 = 0x10
)

// data_coding, §5.2.19.
const (
	CodingDefault uint8 = 0x00 // the SMSC's default alphabet: here GSM 03.38, unpacked
	CodingASCII   uint8 = 0x01
	CodingOctets  uint8 = 0x02 // 8-bit binary
	CodingLatin1  uint8 = 0x03
	CodingBinary  uint8 = 0x04 // 8-bit binary
	CodingUCS2    uint8 = 0x08 // big-endian
	CodingClass0  uint8 = 0xF0 // GSM message class control, class in bits 1-0
	CodingClass1B uint8 = 0xF5 // 8-bit, class 1: the phone's application
	CodingClass2B uint8 = 0xF6 // 8-bit, class 2: the SIM
)

// protocol_id, §5.2.13 and TS 23.040 §9.2.3.9.
const (
	PIDDefault     uint8 = 0x00
	PIDSIMDownload uint8 = 0x7F // (U)SIM data download
)

// Message states, §5.2.28, as in message_state.
const (
	StateEnroute       uint8 = 1
	StateDelivered     uint8 = 2
	StateExpired       uint8 = 3
	StateDeleted       uint8 = 4
	StateUndeliverable uint8 = 5
	StateAccepted      uint8 = 6
	StateUnknown       uint8 = 7
	StateRejected      uint8 = 8
)

// StateWord is the stat of a receipt for a message state, appendix B.
func StateWord(state uint8) string {
	switch state {
	case StateEnroute:
		return "ENROUTE"
	case StateDelivered:
		return "DELIVRD"
	case StateExpired:
		return "EXPIRED"
	case StateDeleted:
		return "DELETED"
	case StateUndeliverable:
		return "UNDELIV"
	case StateAccepted:
		return "ACCEPTD"
	case StateRejected:
		return "REJECTD"
	}
	return "UNKNOWN"
}
