// Package smpp encodes and decodes SMPP 3.4 protocol data units: every operation,
// optional parameter and command_status of it.
//
// The standard is the Short Message Peer to Peer Protocol Specification v3.4,
// issue 1.2 of 12 October 1999; clauses cited here are clauses of it. The
// package is pure: it holds no sockets, clocks or randomness, and imports the
// standard library only. What arrives is bounded before it is allocated, and
// every refused field names the command_status to answer with.
//
// A [PDU] is a status, a sequence number and a [Body]; the body's type says
// the command. [Reader] cuts a stream into frames, [Decode] turns one frame
// into a PDU, [Append] does the reverse. Decode copies what it keeps, so a
// frame may be reused at once. Append refuses what Decode would refuse.
package smpp

import "fmt"

// CommandID names a PDU, §5.1.2.1.
type CommandID uint32

// The commands of §5.1.2.1.
const (
	IDGenericNack         CommandID = 0x80000000
	IDBindReceiver        CommandID = 0x00000001
	IDBindReceiverResp    CommandID = 0x80000001
	IDBindTransmitter     CommandID = 0x00000002
	IDBindTransmitterResp CommandID = 0x80000002
	IDQuerySM             CommandID = 0x00000003
	IDQuerySMResp         CommandID = 0x80000003
	IDSubmitSM            CommandID = 0x00000004
	IDSubmitSMResp        CommandID = 0x80000004
	IDDeliverSM           CommandID = 0x00000005
	IDDeliverSMResp       CommandID = 0x80000005
	IDUnbind              CommandID = 0x00000006
	IDUnbindResp          CommandID = 0x80000006
	IDReplaceSM           CommandID = 0x00000007
	IDReplaceSMResp       CommandID = 0x80000007
	IDCancelSM            CommandID = 0x00000008
	IDCancelSMResp        CommandID = 0x80000008
	IDBindTransceiver     CommandID = 0x00000009
	IDBindTransceiverResp CommandID = 0x80000009
	IDOutbind             CommandID = 0x0000000B
	IDEnquireLink         CommandID = 0x00000015
	IDEnquireLinkResp     CommandID = 0x80000015
	IDSubmitMulti         CommandID = 0x00000021
	IDSubmitMultiResp     CommandID = 0x80000021
	IDAlertNotification   CommandID = 0x00000102
	IDDataSM              CommandID = 0x00000103
	IDDataSMResp          CommandID = 0x80000103
)

// responseBit is set in the command_id of every response, §5.1.2.1.
const responseBit CommandID = 0x80000000

// IsResponse says whether the command answers another one. A generic_nack does.
func (id CommandID) IsResponse() bool { return id&responseBit != 0 }

// commandNames are the names the specification gives the commands, §5.1.2.1.
var commandNames = map[CommandID]string{
	IDGenericNack:  "generic_nack",
	IDBindReceiver: "bind_receiver", IDBindReceiverResp: "bind_receiver_resp",
	IDBindTransmitter: "bind_transmitter", IDBindTransmitterResp: "bind_transmitter_resp",
	IDQuerySM: "query_sm", IDQuerySMResp: "query_sm_resp",
	IDSubmitSM: "submit_sm", IDSubmitSMResp: "submit_sm_resp",
	IDDeliverSM: "deliver_sm", IDDeliverSMResp: "deliver_sm_resp",
	IDUnbind: "unbind", IDUnbindResp: "unbind_resp",
	IDReplaceSM: "replace_sm", IDReplaceSMResp: "replace_sm_resp",
	IDCancelSM: "cancel_sm", IDCancelSMResp: "cancel_sm_resp",
	IDBindTransceiver: "bind_transceiver", IDBindTransceiverResp: "bind_transceiver_resp",
	IDOutbind:     "outbind",
	IDEnquireLink: "enquire_link", IDEnquireLinkResp: "enquire_link_resp",
	IDSubmitMulti: "submit_multi", IDSubmitMultiResp: "submit_multi_resp",
	IDAlertNotification: "alert_notification",
	IDDataSM:            "data_sm", IDDataSMResp: "data_sm_resp",
}

// String is the name the specification gives the command.
func (id CommandID) String() string {
	if name, known := commandNames[id]; known {
		return name
	}
	return fmt.Sprintf("command_id 0x%08x", uint32(id))
}

// Sizes and bounds.
const (
	// HeaderLen is the length of a PDU's header, §3.2; command_length counts it.
	HeaderLen = 16
	// MaxPDU bounds command_length where nothing else is configured. It has room
	// for a full message_payload (65,535 octets, §3.2.4) and all other fields.
	MaxPDU = 70 << 10
	// MaxShortMessage is the most that short_message holds, §5.2.21.
	MaxShortMessage = 254
	// MaxDestinations is the most that a submit_multi goes to, §5.2.24.
	MaxDestinations = 254
	// MaxSequence is the highest sequence_number; the next one is 1, §5.1.4.
	MaxSequence = 0x7FFFFFFF
	// Version is this protocol's interface_version, §5.2.4.
	Version = 0x34
	// SMSCVersion is what sc_interface_version says, §5.3.2.25.
	SMSCVersion = 0x34
)

// NextSequence is the sequence_number after n: 1 to MaxSequence, then 1 again, §5.1.4.
func NextSequence(n uint32) uint32 {
	if n >= MaxSequence {
		return 1
	}
	return n + 1
}

// PDU is one protocol data unit, §3.2. Its command_id is the body's, and its
// command_length is computed.
type PDU struct {
	Status   Status // command_status: zero in requests
	Sequence uint32 // sequence_number: a response carries its request's
	Body     Body   // never nil in a PDU that Decode returns
}

// Body is what follows the header; its pointer type says which command it is.
type Body interface {
	CommandID() CommandID
	appendBody(e *encoder, s Status)
	decodeBody(d *decoder, s Status)
}

// Response returns the empty response to a request: its own where it has one,
// and nil for responses, which are never answered. Unknown commands, outbind and
// alert_notification have none of their own, and are only ever answered to refuse
// them: with a generic_nack.
func Response(request Body) Body {
	id := request.CommandID()
	if id.IsResponse() {
		return nil
	}
	if id != 0 {
		if own := newBody(id | responseBit); !isUnknown(own) {
			return own
		}
	}
	return &GenericNack{}
}

func isUnknown(b Body) bool {
	_, unknown := b.(*Unknown)
	return unknown
}

// newBody returns the empty body of a command.
func newBody(id CommandID) Body {
	switch id {
	case IDSubmitSM:
		return &SubmitSM{}
	case IDSubmitSMResp:
		return &SubmitSMResp{}
	case IDDeliverSM:
		return &DeliverSM{}
	case IDDeliverSMResp:
		return &DeliverSMResp{}
	case IDDataSM:
		return &DataSM{}
	case IDDataSMResp:
		return &DataSMResp{}
	case IDSubmitMulti:
		return &SubmitMulti{}
	case IDSubmitMultiResp:
		return &SubmitMultiResp{}
	case IDEnquireLink:
		return &EnquireLink{}
	case IDEnquireLinkResp:
		return &EnquireLinkResp{}
	}
	if b := newManagement(id); b != nil {
		return b
	}
	if b := newSession(id); b != nil {
		return b
	}
	return &Unknown{ID: id}
}

// newManagement returns the empty body of a command about a message that was
// submitted before, nil for others.
func newManagement(id CommandID) Body {
	switch id {
	case IDQuerySM:
		return &QuerySM{}
	case IDQuerySMResp:
		return &QuerySMResp{}
	case IDCancelSM:
		return &CancelSM{}
	case IDCancelSMResp:
		return &CancelSMResp{}
	case IDReplaceSM:
		return &ReplaceSM{}
	case IDReplaceSMResp:
		return &ReplaceSMResp{}
	case IDAlertNotification:
		return &AlertNotification{}
	}
	return nil
}

// newSession returns the empty body of a command that begins or ends a session,
// nil for others.
func newSession(id CommandID) Body {
	switch id {
	case IDBindReceiver:
		return &BindReceiver{}
	case IDBindReceiverResp:
		return &BindReceiverResp{}
	case IDBindTransmitter:
		return &BindTransmitter{}
	case IDBindTransmitterResp:
		return &BindTransmitterResp{}
	case IDBindTransceiver:
		return &BindTransceiver{}
	case IDBindTransceiverResp:
		return &BindTransceiverResp{}
	case IDOutbind:
		return &Outbind{}
	case IDUnbind:
		return &Unbind{}
	case IDUnbindResp:
		return &UnbindResp{}
	case IDGenericNack:
		return &GenericNack{}
	}
	return nil
}
