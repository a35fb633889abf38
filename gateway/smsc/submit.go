package smsc

import (
	"slices"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// check refuses fields that no message may have, each with its own status.
func check(sm *smpp.SubmitSM) smpp.Status {
	_, payload := sm.TLVs.Get(smpp.TagMessagePayload)
	switch {
	case sm.SMDefaultMsgID != 0: // §5.2.20: there are no canned messages
		return smpp.RINVDFTMSGID
	case payload && len(sm.ShortMessage) > 0: // §3.2.3: one or the other
		return smpp.ROPTPARNOTALLWD
	case sm.PriorityFlag > 3: // §5.2.14
		return smpp.RINVPRTFLG
	case sm.ReplaceIfPresent > 1: // §5.2.18
		return smpp.RINVREPFLAG
	case sm.ESMClass&smpp.ESMUDHI != 0 && !headerFits(sm.UserData()): // §5.2.12
		return smpp.RINVESMCLASS
	}
	return checkSegments(sm.TLVs)
}

// headerFits says whether user data begins with a header of the length it claims,
// TS 23.040 §9.2.3.24.
func headerFits(data []byte) bool { return len(data) > 0 && int(data[0]) < len(data) }

// checkSegments wants all three sar_ parameters or none, §5.3.2.22 to §5.3.2.24.
func checkSegments(ts smpp.TLVs) smpp.Status {
	_, ref := ts.Uint16(smpp.TagSARMsgRefNum)
	total, hasTotal := ts.Uint8(smpp.TagSARTotalSegments)
	segment, hasSegment := ts.Uint8(smpp.TagSARSegmentSeqnum)
	switch {
	case !ref && !hasTotal && !hasSegment:
		return smpp.ROK
	case !ref || !hasTotal || !hasSegment:
		return smpp.RMISSINGOPTPARAM
	case segment == 0 || segment > total:
		return smpp.RINVOPTPARAMVAL
	}
	return smpp.ROK
}

// schedule reads when a message may be delivered and until when, §7.1.1. A
// validity over the server's is cut to it.
func (m *message) schedule(validity time.Duration) smpp.Status {
	m.expires = m.accepted.Add(validity)
	if m.sm.ScheduleDeliveryTime != "" {
		t, err := smpp.ParseTime(m.sm.ScheduleDeliveryTime)
		if err != nil {
			return smpp.RINVSCHED
		}
		if m.deliver = t.At(m.accepted); m.deliver.After(m.expires) {
			return smpp.RINVSCHED
		}
	}
	if m.sm.ValidityPeriod != "" {
		t, err := smpp.ParseTime(m.sm.ValidityPeriod)
		if err != nil {
			return smpp.RINVEXPIRY
		}
		until := t.At(m.accepted)
		if !until.After(m.accepted) || !until.After(m.deliver) {
			return smpp.RINVEXPIRY
		}
		m.expires = earlier(m.expires, until)
	}
	return smpp.ROK
}

// asDelivered makes a deliver_sm's fields of a submit_sm's: what was said to the
// SMSC alone is taken out, §4.6.1.
func (m *message) asDelivered() {
	sm := m.sm
	sm.ESMClass &^= smpp.ESMModeMask
	sm.ScheduleDeliveryTime, sm.ValidityPeriod = "", ""
	sm.RegisteredDelivery, sm.ReplaceIfPresent = 0, 0
	if len(sm.TLVs) > 0 {
		sm.TLVs = slices.DeleteFunc(sm.TLVs, func(t smpp.TLV) bool { return forSMSC(t.Tag) })
	}
}

// forSMSC says whether an optional parameter of submit_sm is none of deliver_sm, §4.4.1, §4.6.1.
func forSMSC(t smpp.Tag) bool {
	switch t {
	case smpp.TagMoreMessagesToSend, smpp.TagMSMsgWaitFacilities, smpp.TagDisplayTime, smpp.TagSMSSignal,
		smpp.TagMSValidity, smpp.TagAlertOnMessage, smpp.TagNumberOfMessages, smpp.TagITSReplyType,
		smpp.TagSetDPF, smpp.TagQoSTimeToLive, smpp.TagReceiptedMessageID, smpp.TagMessageState, smpp.TagNetworkErrorCode:
		return true
	default:
		return false
	}
}
