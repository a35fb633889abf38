package smsc

import (
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
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

// asksForReceipt says whether registered_delivery asks for any receipt or notification.
func asksForReceipt(asked uint8) bool {
	return asked&(smpp.ReceiptMask|smpp.IntermediateReceipt) != 0
}

// owe has a receipt go to who sent its message.
func (a *account) owe(r *message) {
	r.to.owed.Add(1)
	a.caused = append(a.caused, effect{put: r})
}

// note tells the sender of a message, once, that it is put off, if it asked for
// intermediate notifications, SMPP 3.4 §5.2.17.
func (a *account) note(m *message, now time.Time) {
	if m.noted || m.kind != plain || m.asked&smpp.IntermediateReceipt == 0 {
		return
	}
	m.noted = true
	n := receiptOf(m, gateway.Enroute, now, a.server.config.Validity)
	n.kind, n.sm.ESMClass = notification, smpp.ESMIntermediate
	a.keepReceipt(n)
	a.owe(n)
}

// gsmNetwork is the network type of network_error_code, SMPP 3.4 §5.3.2.31.
const gsmNetwork = 3

// receiptOf makes the receipt of a message that has reached a state, for who sent
// it, SMPP 3.4 §2.11 and appendix B.
func receiptOf(m *message, state gateway.MessageState, now time.Time, validity time.Duration) *message {
	id := string(m.naming.receipt(m.named))
	text := smpp.Receipt{
		ID: id, Sub: 1, SubmitDate: m.accepted, DoneDate: now,
		Stat: state.String(), Err: digits3(m.code()), Text: excerpt(m.sm, m.from.Alphabet),
	}
	if state == gateway.Delivered {
		text.Dlvrd = 1
	}
	octets := text.Append(make([]byte, 0, receiptRoom))
	sm := &smpp.SubmitSM{
		ServiceType: m.sm.ServiceType, Source: m.sm.Destination, Destination: m.sm.Source,
		ESMClass: smpp.ESMReceipt, ShortMessage: octets[:len(octets):len(octets)],
	}
	if !m.naming.old {
		sm.TLVs = receiptTLVs(m, state, id, octets)
	}
	return &message{
		sm: sm, serial: m.serial, named: m.named, naming: m.naming, kind: receipt, to: m.from, origin: m.origin,
		accepted: now, deliver: m.receiptFrom(), expires: now.Add(validity),
	}
}

// aside is how much later than its message was accepted a receipt goes on another
// session: an ESME that has not yet read the submit_sm_resp there does not know what
// the receipt is of (Kannel drops it).
const aside = 100 * time.Millisecond

// receiptFrom is the instant before which no receipt of the message goes; zero if it
// follows the submit_sm_resp on the same session.
func (m *message) receiptFrom() time.Time {
	if m.origin == nil || m.origin.bound.Load().mode&receiver != 0 {
		return time.Time{}
	}
	return m.accepted.Add(aside)
}

// code is the error of a message's last attempt: what the receiver answered, else what
// the network says (3GPP TS 29.002).
func (m *message) code() uint16 {
	switch {
	case m.state == gateway.Delivered:
		return 0
	case m.last != smpp.ROK:
		return uint16(min(m.last, 0xFFFF)) //nolint:gosec // bounded
	default:
		return m.cause.Code()
	}
}

// receiptRoom is octets enough for most receipts, the values of their optional
// parameters included: one piece of memory for all of it.
const receiptRoom = 160

// digits3 writes a code as err has it, of three digits.
func digits3(code uint16) string {
	if code == 0 {
		return "000"
	}
	code = min(code, 999)
	return string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
}

// receiptTLVs makes the optional parameters of a receipt, their values behind its text.
func receiptTLVs(m *message, state gateway.MessageState, id string, octets []byte) smpp.TLVs {
	ts := make(smpp.TLVs, 0, 2)
	add := func(tag smpp.Tag, from int) {
		ts = append(ts, smpp.TLV{Tag: tag, Value: octets[from:len(octets):len(octets)]})
	}
	from := len(octets)
	octets = append(append(octets, id...), 0)
	add(smpp.TagReceiptedMessageID, from)
	octets = append(octets, uint8(state))
	add(smpp.TagMessageState, len(octets)-1)
	if code := m.code(); code != 0 || m.cause != radio.Through {
		octets = append(octets, gsmNetwork, byte(code>>8), byte(code))
		add(smpp.TagNetworkErrorCode, len(octets)-3)
	}
	if ref, ok := m.sm.TLVs.Uint16(smpp.TagUserMessageReference); ok {
		ts = append(ts, smpp.Uint16TLV(smpp.TagUserMessageReference, ref))
	}
	return ts
}

// excerptLen is how many octets of a message its receipt repeats, appendix B.
const excerptLen = 20

// excerpt is the first 20 characters of a text in the alphabet of who gets the
// receipt; binary and UCS2 messages have none, and neither has what that alphabet
// cannot hold.
func excerpt(sm *smpp.SubmitSM, a tpdu.Alphabet) string {
	if sm.ESMClass&smpp.ESMUDHI != 0 {
		return ""
	}
	text := sm.UserData()
	switch sm.DataCoding {
	case smpp.CodingDefault:
		return string(cut(text, a))
	case smpp.CodingASCII, smpp.CodingLatin1:
		return translate(text[:min(len(text), excerptLen)], tpdu.Latin1, a)
	default:
		return ""
	}
}

// cut shortens a text without splitting an escape pair.
func cut(text []byte, a tpdu.Alphabet) []byte {
	if len(text) <= excerptLen {
		return text
	}
	text = text[:excerptLen]
	const escape = 0x1B
	if a == tpdu.GSM7 && text[excerptLen-1] == escape {
		text = text[:excerptLen-1]
	}
	return text
}

// translate writes a text of one alphabet in another, empty if it cannot be.
func translate(text []byte, from, to tpdu.Alphabet) string {
	if from == to {
		return string(text)
	}
	words, err := tpdu.Decode(text, from)
	if err != nil {
		return ""
	}
	out, err := tpdu.Encode(words, to)
	if err != nil {
		return ""
	}
	return string(cut(out, to))
}
