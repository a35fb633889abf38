package smpp

// Address is a number or name with its type of number and numbering plan, §5.2.5 to §5.2.9.
type Address struct {
	TON, NPI uint8
	Digits   string // at most 20 characters
}

// Type of number, §5.2.5.
const (
	TONUnknown       uint8 = 0
	TONInternational uint8 = 1
	TONNational      uint8 = 2
	TONNetwork       uint8 = 3
	TONSubscriber    uint8 = 4
	TONAlphanumeric  uint8 = 5
	TONAbbreviated   uint8 = 6
)

// Numbering plan indicator, §5.2.6.
const (
	NPIUnknown uint8 = 0
	NPIISDN    uint8 = 1 // E.163 and E.164
)

// Bind holds the fields that the three bind requests share, §4.1.1, §4.1.3, §4.1.5.
type Bind struct {
	SystemID         string // at most 15 characters
	Password         Password
	SystemType       string // at most 12 characters
	InterfaceVersion uint8  // Version, or lower for older peers
	AddrTON, AddrNPI uint8
	AddressRange     string // at most 40 characters, a regular expression, §4.1.1 and appendix A
	TLVs             TLVs   // 3.4 has none here; what comes is kept, §3.3
}

// BindReceiver asks for a session that receives, §4.1.3.
type BindReceiver Bind

// BindTransmitter asks for a session that sends, §4.1.1.
type BindTransmitter Bind

// BindTransceiver asks for a session that does both, §4.1.5; new in 3.4.
type BindTransceiver Bind

// BindResp holds the fields that the three bind responses share. With a
// non-zero status it is not sent.
type BindResp struct {
	SystemID string // the SMSC's
	TLVs     TLVs   // sc_interface_version
}

// BindReceiverResp answers a BindReceiver, §4.1.4.
type BindReceiverResp BindResp

// BindTransmitterResp answers a BindTransmitter, §4.1.2.
type BindTransmitterResp BindResp

// BindTransceiverResp answers a BindTransceiver, §4.1.6.
type BindTransceiverResp BindResp

// SubmitSM carries a short message to the SMSC, §4.4.1.
type SubmitSM struct {
	ServiceType          string // at most 5 characters
	Source               Address
	Destination          Address
	ESMClass             uint8
	ProtocolID           uint8
	PriorityFlag         uint8
	ScheduleDeliveryTime string // empty or 16 characters, see ParseTime
	ValidityPeriod       string // empty or 16 characters, see ParseTime
	RegisteredDelivery   uint8
	ReplaceIfPresent     uint8
	DataCoding           uint8
	SMDefaultMsgID       uint8
	ShortMessage         []byte // at most MaxShortMessage octets, user data header included
	TLVs                 TLVs
}

// UserData is what the message carries: short_message, or message_payload
// where that is used instead, §3.2.3.
func (m *SubmitSM) UserData() []byte {
	if p, ok := m.TLVs.Get(TagMessagePayload); ok && len(m.ShortMessage) == 0 {
		return p
	}
	return m.ShortMessage
}

// SubmitSMResp answers a SubmitSM, §4.4.2. With a non-zero status it has no body.
type SubmitSMResp struct {
	MessageID string // at most 64 characters, opaque
	TLVs      TLVs
}

// DeliverSM carries a short message or a receipt from the SMSC, §4.6.1. Its
// fields are those of a SubmitSM, and either converts into the other.
type DeliverSM SubmitSM

// UserData is what the message carries, as for a SubmitSM.
func (m *DeliverSM) UserData() []byte { return (*SubmitSM)(m).UserData() }

// IsReceipt says whether the message is an SMSC delivery receipt, §5.2.12.
func (m *DeliverSM) IsReceipt() bool { return m.ESMClass&ESMTypeMask == ESMReceipt }

// DeliverSMResp answers a DeliverSM, §4.6.2. Its message_id is unused and sent
// as one NUL octet.
type DeliverSMResp struct {
	MessageID string
	TLVs      TLVs
}

// EnquireLink asks whether the peer is still there, §4.11.1.
type EnquireLink struct{}

// EnquireLinkResp answers an EnquireLink, §4.11.2.
type EnquireLinkResp struct{}

// Outbind asks an ESME that listens to bind as a receiver, §4.1.7. It has no response.
type Outbind struct {
	SystemID string // the SMSC's, at most 15 characters
	Password Password
	TLVs     TLVs
}

// Unbind ends a session, §4.2.1.
type Unbind struct{}

// UnbindResp answers an Unbind, §4.2.2.
type UnbindResp struct{}

// GenericNack refuses a PDU that has no response of its own, §4.3.1.
type GenericNack struct{}

// Unknown is a PDU of a command this package does not know, kept so that it can
// be refused. Its body is not looked at.
type Unknown struct {
	ID     CommandID
	Octets []byte
}

// CommandID implements Body.
func (*BindReceiver) CommandID() CommandID        { return IDBindReceiver }
func (*BindReceiverResp) CommandID() CommandID    { return IDBindReceiverResp }    // CommandID implements Body.
func (*BindTransmitter) CommandID() CommandID     { return IDBindTransmitter }     // CommandID implements Body.
func (*BindTransmitterResp) CommandID() CommandID { return IDBindTransmitterResp } // CommandID implements Body.
func (*BindTransceiver) CommandID() CommandID     { return IDBindTransceiver }     // CommandID implements Body.
func (*BindTransceiverResp) CommandID() CommandID { return IDBindTransceiverResp } // CommandID implements Body.
func (*SubmitSM) CommandID() CommandID            { return IDSubmitSM }            // CommandID implements Body.
func (*SubmitSMResp) CommandID() CommandID        { return IDSubmitSMResp }        // CommandID implements Body.
func (*DeliverSM) CommandID() CommandID           { return IDDeliverSM }           // CommandID implements Body.
func (*DeliverSMResp) CommandID() CommandID       { return IDDeliverSMResp }       // CommandID implements Body.
func (*EnquireLink) CommandID() CommandID         { return IDEnquireLink }         // CommandID implements Body.
func (*EnquireLinkResp) CommandID() CommandID     { return IDEnquireLinkResp }     // CommandID implements Body.
func (*Unbind) CommandID() CommandID              { return IDUnbind }              // CommandID implements Body.
func (*UnbindResp) CommandID() CommandID          { return IDUnbindResp }          // CommandID implements Body.
func (*GenericNack) CommandID() CommandID         { return IDGenericNack }         // CommandID implements Body.
func (u *Unknown) CommandID() CommandID           { return u.ID }                  // CommandID implements Body.
