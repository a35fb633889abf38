package smsc

import (
	"fmt"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// wantsReceipt says whether registered_delivery asks for a receipt of a final
// state, SMPP 3.4 §5.2.17. Value 3 is reserved there; 5.0 says success only.
func wantsReceipt(asked uint8, state gateway.MessageState) bool {
	switch asked & smpp.ReceiptMask {
	case smpp.ReceiptFinal:
		return true
	case smpp.ReceiptFailure:
		return state != gateway.Delivered
	case smpp.ReceiptSuccess:
		return state == gateway.Delivered
	default:
		return false
	}
}

// gsmNetwork is the network type of network_error_code, SMPP 3.4 §5.3.2.31.
const gsmNetwork = 3

// receiptOf makes the receipt of a message that has reached a final state, for
// who sent it, SMPP 3.4 §2.11 and appendix B.
func receiptOf(m *message, state gateway.MessageState, now time.Time, validity time.Duration) *message {
	delivered := 0
	if state == gateway.Delivered {
		delivered = 1
	}
	text := smpp.Receipt{
		ID: string(m.id), Sub: 1, Dlvrd: delivered, SubmitDate: m.accepted, DoneDate: now,
		Stat: state.String(), Err: fmt.Sprintf("%03d", min(m.last, 999)), Text: excerpt(m.sm),
	}
	sm := &smpp.SubmitSM{
		ServiceType: m.sm.ServiceType, Source: m.sm.Destination, Destination: m.sm.Source,
		ESMClass: smpp.ESMReceipt, ShortMessage: []byte(text.String()),
	}
	if !m.oldPeer {
		sm.TLVs = receiptTLVs(m, state)
	}
	return &message{
		sm: sm, id: m.id, from: m.from, origin: m.origin, receipt: true,
		accepted: now, expires: now.Add(validity),
	}
}

func receiptTLVs(m *message, state gateway.MessageState) smpp.TLVs {
	ts := smpp.TLVs{
		smpp.TextTLV(smpp.TagReceiptedMessageID, string(m.id)),
		smpp.Uint8TLV(smpp.TagMessageState, uint8(state)),
	}
	if m.last != smpp.ROK {
		ts = append(ts, smpp.TLV{Tag: smpp.TagNetworkErrorCode, Value: []byte{gsmNetwork, byte(m.last >> 8), byte(m.last)}})
	}
	if ref, ok := m.sm.TLVs.Uint16(smpp.TagUserMessageReference); ok {
		ts = append(ts, smpp.Uint16TLV(smpp.TagUserMessageReference, ref))
	}
	return ts
}

// excerpt is the first 20 characters of a text that the receipt's alphabet can
// hold; binary and UCS2 messages have none.
func excerpt(sm *smpp.SubmitSM) string {
	switch sm.DataCoding {
	case smpp.CodingDefault, smpp.CodingASCII:
	default:
		return ""
	}
	if sm.ESMClass&smpp.ESMUDHI != 0 {
		return ""
	}
	text := sm.UserData()
	return string(text[:min(len(text), 20)])
}
