// Package smpp encodes and decodes SMPP 3.4 protocol data units.
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
// frame may be reused at once.
//
// Left out for now, and answered as unknown commands (ESME_RINVCMDID):
// data_sm, submit_multi, query_sm, cancel_sm, replace_sm, outbind and
// alert_notification. They decode as [Unknown].
package smpp

import "fmt"

// CommandID names a PDU, §5.1.2.1.
type CommandID uint32

// The commands this package knows, §5.1.2.1.
const (
	IDGenericNack         CommandID = 0x80000000
	IDBindReceiver        CommandID = 0x00000001
	IDBindReceiverResp    CommandID = 0x80000001
	IDBindTransmitter     CommandID = 0x00000002
	IDBindTransmitterResp CommandID = 0x80000002
	IDSubmitSM            CommandID = 0x00000004
	IDSubmitSMResp        CommandID = 0x80000004
	IDDeliverSM           CommandID = 0x00000005
	IDDeliverSMResp       CommandID = 0x80000005
	IDUnbind              CommandID = 0x00000006
	IDUnbindResp          CommandID = 0x80000006
	IDBindTransceiver     CommandID = 0x00000009
	IDBindTransceiverResp CommandID = 0x80000009
	IDEnquireLink         CommandID = 0x00000015
	IDEnquireLinkResp     CommandID = 0x80000015
)

// responseBit is set in the command_id of every response, §5.1.2.1.
const responseBit CommandID = 0x80000000

// IsResponse says whether the command answers another one. A generic_nack does.
func (id CommandID) IsResponse() bool { return id&responseBit != 0 }

// String is the name the specification gives the command.
func (id CommandID) String() string {
	switch id {
	case IDGenericNack:
		return "generic_nack"
	case IDBindReceiver:
		return "bind_receiver"
	case IDBindReceiverResp:
		return "bind_receiver_resp"
	case IDBindTransmitter:
		return "bind_transmitter"
	case IDBindTransmitterResp:
		return "bind_transmitter_resp"
	case IDSubmitSM:
		return "submit_sm"
	case IDSubmitSMResp:
		return "submit_sm_resp"
	case IDDeliverSM:
		return "deliver_sm"
	case IDDeliverSMResp:
		return "deliver_sm_resp"
	case IDUnbind:
		return "unbind"
	case IDUnbindResp:
		return "unbind_resp"
	case IDBindTransceiver:
		return "bind_transceiver"
	case IDBindTransceiverResp:
		return "bind_transceiver_resp"
	case IDEnquireLink:
		return "enquire_link"
	case IDEnquireLinkResp:
		return "enquire_link_resp"
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
// a generic_nack for unknown commands, and nil for responses, which are never
// answered.
func Response(request Body) Body {
	switch b := request.(type) {
	case *BindReceiver:
		return &BindReceiverResp{}
	case *BindTransmitter:
		return &BindTransmitterResp{}
	case *BindTransceiver:
		return &BindTransceiverResp{}
	case *SubmitSM:
		return &SubmitSMResp{}
	case *DeliverSM:
		return &DeliverSMResp{}
	case *EnquireLink:
		return &EnquireLinkResp{}
	case *Unbind:
		return &UnbindResp{}
	case *Unknown:
		if !b.ID.IsResponse() {
			return &GenericNack{}
		}
	}
	return nil
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
	case IDEnquireLink:
		return &EnquireLink{}
	case IDEnquireLinkResp:
		return &EnquireLinkResp{}
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
	case IDUnbind:
		return &Unbind{}
	case IDUnbindResp:
		return &UnbindResp{}
	case IDGenericNack:
		return &GenericNack{}
	}
	return &Unknown{ID: id}
}
