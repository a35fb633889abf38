package smsc

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// submitData takes or refuses a message that came by data_sm, SMPP 3.4 §4.7.
func (s *session) submitData(p smpp.PDU, d *smpp.DataSM) {
	b := s.bound.Load()
	sm, status := fromData(d)
	if status != smpp.ROK {
		s.respond(p, status)
		return
	}
	m, serial, status := s.receive(b, sm)
	if status != smpp.ROK {
		s.respond(p, status)
		return
	}
	s.acknowledge(p, m, &smpp.DataSMResp{MessageID: string(b.naming().answer(serial))}, smpp.RDELIVERYFAILURE)
}

// mostDigits is what an address has room for in a deliver_sm, SMPP 3.4 §4.6.1.
const mostDigits = 20

// fromData is a data_sm as the submit_sm that says the same. Its validity is
// qos_time_to_live, in seconds (SMPP 3.4 §5.3.2.9).
func fromData(d *smpp.DataSM) (*smpp.SubmitSM, smpp.Status) {
	switch {
	case len(d.Source.Digits) > mostDigits:
		return nil, smpp.RINVSRCADR
	case len(d.Destination.Digits) > mostDigits:
		return nil, smpp.RINVDSTADR
	}
	sm := &smpp.SubmitSM{
		ServiceType: d.ServiceType, Source: d.Source, Destination: d.Destination, ESMClass: d.ESMClass,
		RegisteredDelivery: d.RegisteredDelivery, DataCoding: d.DataCoding, TLVs: d.TLVs,
	}
	if live, ok := d.TLVs.Get(smpp.TagQoSTimeToLive); ok && len(live) == 4 {
		seconds := binary.BigEndian.Uint32(live)
		if seconds == 0 {
			return nil, smpp.RINVOPTPARAMVAL
		}
		sm.ValidityPeriod = smpp.After(time.Duration(seconds) * time.Second).String()
	}
	return sm, smpp.ROK
}

// dataSM is a message as data_sm carries it: its text in message_payload.
func dataSM(sm *smpp.SubmitSM) *smpp.DataSM {
	d := &smpp.DataSM{
		ServiceType: sm.ServiceType, Source: sm.Source, Destination: sm.Destination, ESMClass: sm.ESMClass,
		RegisteredDelivery: sm.RegisteredDelivery, DataCoding: sm.DataCoding, TLVs: sm.TLVs,
	}
	if len(sm.ShortMessage) > 0 {
		d.TLVs = append(slices.Clone(sm.TLVs), smpp.TLV{Tag: smpp.TagMessagePayload, Value: sm.ShortMessage})
	}
	return d
}

// Values of delivery_failure_reason, SMPP 3.4 §5.3.2.33.
const (
	unreachable    uint8 = 0
	permanentError uint8 = 2
	temporaryError uint8 = 3
)

// failure is what data_sm_resp says of a message that was not delivered, SMPP 3.4 §4.7.2.
func failure(m *message) smpp.TLVs {
	if m == nil {
		return nil
	}
	reason := permanentError
	switch {
	case m.cause == radio.Absent:
		reason = unreachable
	case m.last == smpp.ROK || temporary(m.last):
		reason = temporaryError
	}
	code := m.code()
	ts := smpp.TLVs{
		smpp.Uint8TLV(smpp.TagDeliveryFailureReason, reason),
		{Tag: smpp.TagNetworkErrorCode, Value: []byte{gsmNetwork, byte(code >> 8), byte(code)}},
	}
	if m.alert { // §5.3.2.28: an alert will say that it is back
		ts = append(ts, smpp.Uint8TLV(smpp.TagDPFResult, 1))
	}
	return ts
}
