package smpp

// Destination is one of the places a submit_multi goes to, §4.5.1.1: an address,
// or the name of a distribution list that the SMSC keeps.
type Destination struct {
	Address Address
	List    string // dl_name, at most 20 characters; Address is not looked at then
}

// The dest_flag of a Destination, §5.2.25.
const (
	destinationSME  uint8 = 1
	destinationList uint8 = 2
)

// SubmitMulti carries one short message to several destinations, §4.5.1.
type SubmitMulti struct {
	Destinations []Destination // 1 to MaxDestinations
	Message      SubmitSM      // its Destination is not sent
}

// For is the message as a submit_sm to one destination. What it carries is shared.
func (m *SubmitMulti) For(to Address) *SubmitSM {
	one := m.Message
	one.Destination = to
	return &one
}

// SubmitMultiResp answers a SubmitMulti, §4.5.2.
type SubmitMultiResp struct {
	MessageID    string         // at most 64 characters, opaque
	Unsuccessful []Unsuccessful // at most MaxDestinations
	TLVs         TLVs
}

// Unsuccessful is a destination that a submit_multi did not reach, and why, §4.5.2.1.
type Unsuccessful struct {
	Address Address
	Status  Status
}

// DataSM carries a message between interactive applications, either way, §4.7.1.
// The message is in message_payload.
type DataSM struct {
	ServiceType        string  // at most 5 characters
	Source             Address // at most 64 characters here
	Destination        Address // at most 64 characters here
	ESMClass           uint8
	RegisteredDelivery uint8
	DataCoding         uint8
	TLVs               TLVs
}

// UserData is what the message carries, nil for none.
func (m *DataSM) UserData() []byte {
	p, _ := m.TLVs.Get(TagMessagePayload)
	return p
}

// IsReceipt says whether the message is an SMSC delivery receipt, §5.2.12.
func (m *DataSM) IsReceipt() bool { return m.ESMClass&ESMTypeMask == ESMReceipt }

// DataSMResp answers a DataSM, §4.7.2. A failure may say more in
// delivery_failure_reason, network_error_code and additional_status_info_text.
type DataSMResp struct {
	MessageID string // at most 64 characters, opaque
	TLVs      TLVs
}

// QuerySM asks for the state of a message, §4.8.1. The source is the message's.
type QuerySM struct {
	MessageID string
	Source    Address
	TLVs      TLVs // as in a Bind
}

// QuerySMResp answers a QuerySM, §4.8.2.
type QuerySMResp struct {
	MessageID string
	FinalDate string // empty until the state is final, else an absolute time, see ParseTime
	State     uint8  // StateEnroute and on
	ErrorCode uint8  // the network's, 0 for none
	TLVs      TLVs
}

// CancelSM takes back a message that is not delivered yet, §4.9.1: the one with
// MessageID, or with an empty one all of this service type, source and destination.
type CancelSM struct {
	ServiceType string
	MessageID   string
	Source      Address
	Destination Address // may be empty with a MessageID
	TLVs        TLVs    // as in a Bind
}

// CancelSMResp answers a CancelSM, §4.9.2.
type CancelSMResp struct{}

// ReplaceSM puts another text in the place of one that is not delivered yet, §4.10.1.
type ReplaceSM struct {
	MessageID            string
	Source               Address // the message's
	ScheduleDeliveryTime string  // empty leaves it as it was, as does an empty ValidityPeriod
	ValidityPeriod       string
	RegisteredDelivery   uint8
	SMDefaultMsgID       uint8
	ShortMessage         []byte // at most MaxShortMessage octets
	TLVs                 TLVs   // as in a Bind
}

// ReplaceSMResp answers a ReplaceSM, §4.10.2.
type ReplaceSMResp struct{}

// AlertNotification says that a subscriber for whom delivery is pending can be
// reached again, §4.12.1. It has no response.
type AlertNotification struct {
	Source Address // the subscriber, at most 64 characters here
	ESME   Address // who asked for the alert, at most 64 characters
	TLVs   TLVs    // ms_availability_status
}

func (*SubmitMulti) CommandID() CommandID       { return IDSubmitMulti }       // CommandID implements Body.
func (*SubmitMultiResp) CommandID() CommandID   { return IDSubmitMultiResp }   // CommandID implements Body.
func (*DataSM) CommandID() CommandID            { return IDDataSM }            // CommandID implements Body.
func (*DataSMResp) CommandID() CommandID        { return IDDataSMResp }        // CommandID implements Body.
func (*QuerySM) CommandID() CommandID           { return IDQuerySM }           // CommandID implements Body.
func (*QuerySMResp) CommandID() CommandID       { return IDQuerySMResp }       // CommandID implements Body.
func (*CancelSM) CommandID() CommandID          { return IDCancelSM }          // CommandID implements Body.
func (*CancelSMResp) CommandID() CommandID      { return IDCancelSMResp }      // CommandID implements Body.
func (*ReplaceSM) CommandID() CommandID         { return IDReplaceSM }         // CommandID implements Body.
func (*ReplaceSMResp) CommandID() CommandID     { return IDReplaceSMResp }     // CommandID implements Body.
func (*AlertNotification) CommandID() CommandID { return IDAlertNotification } // CommandID implements Body.
func (*Outbind) CommandID() CommandID           { return IDOutbind }           // CommandID implements Body.
