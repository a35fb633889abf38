package smpp

import "encoding/binary"

// Tag names an optional parameter, §5.3.2.
type Tag uint16

// The optional parameters of §5.3.2.
const (
	TagDestAddrSubunit       Tag = 0x0005
	TagDestNetworkType       Tag = 0x0006
	TagDestBearerType        Tag = 0x0007
	TagDestTelematicsID      Tag = 0x0008
	TagSourceAddrSubunit     Tag = 0x000D
	TagSourceNetworkType     Tag = 0x000E
	TagSourceBearerType      Tag = 0x000F
	TagSourceTelematicsID    Tag = 0x0010
	TagQoSTimeToLive         Tag = 0x0017
	TagPayloadType           Tag = 0x0019
	TagAdditionalStatusInfo  Tag = 0x001D
	TagReceiptedMessageID    Tag = 0x001E
	TagMSMsgWaitFacilities   Tag = 0x0030
	TagPrivacyIndicator      Tag = 0x0201
	TagSourceSubaddress      Tag = 0x0202
	TagDestSubaddress        Tag = 0x0203
	TagUserMessageReference  Tag = 0x0204
	TagUserResponseCode      Tag = 0x0205
	TagSourcePort            Tag = 0x020A
	TagDestinationPort       Tag = 0x020B
	TagSARMsgRefNum          Tag = 0x020C
	TagLanguageIndicator     Tag = 0x020D
	TagSARTotalSegments      Tag = 0x020E
	TagSARSegmentSeqnum      Tag = 0x020F
	TagSCInterfaceVersion    Tag = 0x0210
	TagCallbackNumPresInd    Tag = 0x0302
	TagCallbackNumAtag       Tag = 0x0303
	TagNumberOfMessages      Tag = 0x0304
	TagCallbackNum           Tag = 0x0381
	TagDPFResult             Tag = 0x0420
	TagSetDPF                Tag = 0x0421
	TagMSAvailabilityStatus  Tag = 0x0422
	TagNetworkErrorCode      Tag = 0x0423
	TagMessagePayload        Tag = 0x0424
	TagDeliveryFailureReason Tag = 0x0425
	TagMoreMessagesToSend    Tag = 0x0426
	TagMessageState          Tag = 0x0427
	TagUSSDServiceOp         Tag = 0x0501
	TagDisplayTime           Tag = 0x1201
	TagSMSSignal             Tag = 0x1203
	TagMSValidity            Tag = 0x1204
	TagAlertOnMessage        Tag = 0x130C
	TagITSReplyType          Tag = 0x1380
	TagITSSessionInfo        Tag = 0x1383
)

// TLV is one optional parameter: tag, length, value, §3.2.4.
type TLV struct {
	Tag   Tag
	Value []byte // at most 65,535 octets
}

// TLVs are a PDU's optional parameters in the order they came. Unknown tags are
// kept; where a tag comes twice, the first one counts.
type TLVs []TLV

// Get returns a parameter's value and whether it is there.
func (t TLVs) Get(tag Tag) ([]byte, bool) {
	for i := range t {
		if t[i].Tag == tag {
			return t[i].Value, true
		}
	}
	return nil, false
}

// Uint8 returns the value of a one-octet parameter, false if it is not there or not of that length.
func (t TLVs) Uint8(tag Tag) (uint8, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 1 {
		return v[0], true
	}
	return 0, false
}

// Uint16 returns the value of a two-octet parameter, false if it is not there or not of that length.
func (t TLVs) Uint16(tag Tag) (uint16, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 2 {
		return binary.BigEndian.Uint16(v), true
	}
	return 0, false
}

// Text returns a parameter's value up to its first NUL, which may be missing.
func (t TLVs) Text(tag Tag) (string, bool) {
	v, ok := t.Get(tag)
	for i, c := range v {
		if c == 0 {
			return string(v[:i]), true
		}
	}
	return string(v), ok
}

// Uint8TLV makes a one-octet parameter.
func Uint8TLV(tag Tag, v uint8) TLV { return TLV{tag, []byte{v}} }

// Uint16TLV makes a two-octet parameter.
func Uint16TLV(tag Tag, v uint16) TLV { return TLV{tag, binary.BigEndian.AppendUint16(nil, v)} }

// TextTLV makes a C-octet parameter: the text and a NUL.
func TextTLV(tag Tag, s string) TLV { return TLV{tag, append([]byte(s), 0)} }

// Segmentation is a part's place in a message of several, as the three sar_
// parameters have it, §5.3.2.22 to §5.3.2.24.
type Segmentation struct {
	Reference uint16
	Total     uint8 // parts
	Segment   uint8 // of this part, 1 to Total
}

// TLVs makes the three parameters.
func (s Segmentation) TLVs() TLVs {
	return TLVs{Uint16TLV(TagSARMsgRefNum, s.Reference), Uint8TLV(TagSARTotalSegments, s.Total), Uint8TLV(TagSARSegmentSeqnum, s.Segment)}
}

// Segmentation returns a message's sar_ parameters, false if there are none.
func (t TLVs) Segmentation() (s Segmentation, ok bool) {
	var ref, total, segment bool
	s.Reference, ref = t.Uint16(TagSARMsgRefNum)
	s.Total, total = t.Uint8(TagSARTotalSegments)
	s.Segment, segment = t.Uint8(TagSARSegmentSeqnum)
	return s, ref && total && segment
}

// decodeTLVs reads the rest of a body. A stream that does not end where the PDU
// does is broken (ESME_RINVOPTPARSTREAM). A known parameter of a length it cannot
// have is refused with ESME_RINVPARLEN, one of a value it cannot have with
// ESME_RINVOPTPARAMVAL, and one that needs another with ESME_RMISSINGOPTPARAM.
func decodeTLVs(b []byte) (TLVs, *StatusError) {
	n := 0
	for rest := b; len(rest) > 0; n++ {
		if len(rest) < 4 {
			return nil, &StatusError{RINVOPTPARSTREAM, "optional parameters"}
		}
		l := int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+l {
			return nil, &StatusError{RINVOPTPARSTREAM, Tag(binary.BigEndian.Uint16(rest)).String()}
		}
		rest = rest[4+l:]
	}
	if n == 0 {
		return nil, nil
	}
	ts := make(TLVs, 0, n)
	for len(b) > 0 {
		l := int(binary.BigEndian.Uint16(b[2:]))
		ts = append(ts, TLV{Tag(binary.BigEndian.Uint16(b)), b[4 : 4+l : 4+l]})
		b = b[4+l:]
	}
	if err := ts.check(); err != nil {
		return nil, err
	}
	return ts, nil
}

// append adds the parameters to an encoder's output.
func (t TLVs) append(e *encoder) {
	if len(t) == 0 {
		return
	}
	if err := t.check(); err != nil {
		e.fail(err.Status, err.Field)
		return
	}
	for i := range t {
		e.b = binary.BigEndian.AppendUint16(e.b, uint16(t[i].Tag))
		e.b = binary.BigEndian.AppendUint16(e.b, uint16(len(t[i].Value)))
		e.b = append(e.b, t[i].Value...)
	}
}
