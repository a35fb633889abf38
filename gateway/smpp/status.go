package smpp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Status is a command_status, §5.1.3. Zero is success.
type Status uint32

// The command_status values of §5.1.3, named as the specification does without
// the leading ESME_.
const (
	ROK              Status = 0x00000000 // no error
	RINVMSGLEN       Status = 0x00000001 // message length is invalid
	RINVCMDLEN       Status = 0x00000002 // command length is invalid
	RINVCMDID        Status = 0x00000003 // invalid command ID
	RINVBNDSTS       Status = 0x00000004 // incorrect bind status for given command
	RALYBND          Status = 0x00000005 // ESME already in bound state
	RINVPRTFLG       Status = 0x00000006 // invalid priority flag
	RINVREGDLVFLG    Status = 0x00000007 // invalid registered delivery flag
	RSYSERR          Status = 0x00000008 // system error
	RINVSRCADR       Status = 0x0000000A // invalid source address
	RINVDSTADR       Status = 0x0000000B // invalid destination address
	RINVMSGID        Status = 0x0000000C // message ID is invalid
	RBINDFAIL        Status = 0x0000000D // bind failed
	RINVPASWD        Status = 0x0000000E // invalid password
	RINVSYSID        Status = 0x0000000F // invalid system ID
	RCANCELFAIL      Status = 0x00000011 // cancel_sm failed
	RREPLACEFAIL     Status = 0x00000013 // replace_sm failed
	RMSGQFUL         Status = 0x00000014 // message queue full
	RINVSERTYP       Status = 0x00000015 // invalid service type
	RINVNUMDESTS     Status = 0x00000033 // invalid number of destinations
	RINVDLNAME       Status = 0x00000034 // invalid distribution list name
	RINVDESTFLAG     Status = 0x00000040 // destination flag is invalid
	RINVSUBREP       Status = 0x00000042 // invalid submit with replace request
	RINVESMCLASS     Status = 0x00000043 // invalid esm_class field data
	RCNTSUBDL        Status = 0x00000044 // cannot submit to distribution list
	RSUBMITFAIL      Status = 0x00000045 // submit_sm or submit_multi failed
	RINVSRCTON       Status = 0x00000048 // invalid source address TON
	RINVSRCNPI       Status = 0x00000049 // invalid source address NPI
	RINVDSTTON       Status = 0x00000050 // invalid destination address TON
	RINVDSTNPI       Status = 0x00000051 // invalid destination address NPI
	RINVSYSTYP       Status = 0x00000053 // invalid system_type field
	RINVREPFLAG      Status = 0x00000054 // invalid replace_if_present flag
	RINVNUMMSGS      Status = 0x00000055 // invalid number of messages
	RTHROTTLED       Status = 0x00000058 // throttling error: allowed message limits exceeded
	RINVSCHED        Status = 0x00000061 // invalid scheduled delivery time
	RINVEXPIRY       Status = 0x00000062 // invalid message validity period
	RINVDFTMSGID     Status = 0x00000063 // predefined message invalid or not found
	RXTAPPN          Status = 0x00000064 // ESME receiver temporary app error
	RXPAPPN          Status = 0x00000065 // ESME receiver permanent app error
	RXRAPPN          Status = 0x00000066 // ESME receiver reject message error
	RQUERYFAIL       Status = 0x00000067 // query_sm request failed
	RINVOPTPARSTREAM Status = 0x000000C0 // error in the optional part of the PDU body
	ROPTPARNOTALLWD  Status = 0x000000C1 // optional parameter not allowed
	RINVPARLEN       Status = 0x000000C2 // invalid parameter length
	RMISSINGOPTPARAM Status = 0x000000C3 // expected optional parameter missing
	RINVOPTPARAMVAL  Status = 0x000000C4 // invalid optional parameter value
	RDELIVERYFAILURE Status = 0x000000FE // delivery failure (data_sm_resp)
	RUNKNOWNERR      Status = 0x000000FF // unknown error
)

// statusText gives each status its name and what it says, §5.1.3.
var statusText = map[Status][2]string{
	ROK: {"ESME_ROK", "no error"}, RINVMSGLEN: {"ESME_RINVMSGLEN", "invalid message length"},
	RINVCMDLEN: {"ESME_RINVCMDLEN", "invalid command length"}, RINVCMDID: {"ESME_RINVCMDID", "invalid command id"},
	RINVBNDSTS: {"ESME_RINVBNDSTS", "wrong bind state for the command"}, RALYBND: {"ESME_RALYBND", "already bound"},
	RINVPRTFLG: {"ESME_RINVPRTFLG", "invalid priority flag"}, RINVREGDLVFLG: {"ESME_RINVREGDLVFLG", "invalid registered_delivery"},
	RSYSERR: {"ESME_RSYSERR", "system error"}, RINVSRCADR: {"ESME_RINVSRCADR", "invalid source address"},
	RINVDSTADR: {"ESME_RINVDSTADR", "invalid destination address"}, RINVMSGID: {"ESME_RINVMSGID", "invalid message id"},
	RBINDFAIL: {"ESME_RBINDFAIL", "bind failed"}, RINVPASWD: {"ESME_RINVPASWD", "invalid password"},
	RINVSYSID: {"ESME_RINVSYSID", "invalid system id"}, RCANCELFAIL: {"ESME_RCANCELFAIL", "cancel failed"},
	RREPLACEFAIL: {"ESME_RREPLACEFAIL", "replace failed"}, RMSGQFUL: {"ESME_RMSGQFUL", "message queue full"},
	RINVSERTYP: {"ESME_RINVSERTYP", "invalid service type"}, RINVNUMDESTS: {"ESME_RINVNUMDESTS", "invalid number of destinations"},
	RINVDLNAME: {"ESME_RINVDLNAME", "invalid distribution list"}, RINVDESTFLAG: {"ESME_RINVDESTFLAG", "invalid destination flag"},
	RINVSUBREP: {"ESME_RINVSUBREP", "invalid submit with replace"}, RINVESMCLASS: {"ESME_RINVESMCLASS", "invalid esm_class"},
	RCNTSUBDL: {"ESME_RCNTSUBDL", "cannot submit to distribution list"}, RSUBMITFAIL: {"ESME_RSUBMITFAIL", "submit failed"},
	RINVSRCTON: {"ESME_RINVSRCTON", "invalid source TON"}, RINVSRCNPI: {"ESME_RINVSRCNPI", "invalid source NPI"},
	RINVDSTTON: {"ESME_RINVDSTTON", "invalid destination TON"}, RINVDSTNPI: {"ESME_RINVDSTNPI", "invalid destination NPI"},
	RINVSYSTYP: {"ESME_RINVSYSTYP", "invalid system type"}, RINVREPFLAG: {"ESME_RINVREPFLAG", "invalid replace_if_present"},
	RINVNUMMSGS: {"ESME_RINVNUMMSGS", "invalid number of messages"}, RTHROTTLED: {"ESME_RTHROTTLED", "throttled"},
	RINVSCHED: {"ESME_RINVSCHED", "invalid scheduled delivery time"}, RINVEXPIRY: {"ESME_RINVEXPIRY", "invalid validity period"},
	RINVDFTMSGID: {"ESME_RINVDFTMSGID", "unknown predefined message"}, RXTAPPN: {"ESME_RX_T_APPN", "receiver: temporary error"},
	RXPAPPN: {"ESME_RX_P_APPN", "receiver: permanent error"}, RXRAPPN: {"ESME_RX_R_APPN", "receiver: message rejected"},
	RQUERYFAIL: {"ESME_RQUERYFAIL", "query failed"}, RINVOPTPARSTREAM: {"ESME_RINVOPTPARSTREAM", "broken optional parameters"},
	ROPTPARNOTALLWD: {"ESME_ROPTPARNOTALLWD", "optional parameter not allowed"}, RINVPARLEN: {"ESME_RINVPARLEN", "invalid parameter length"},
	RMISSINGOPTPARAM: {"ESME_RMISSINGOPTPARAM", "optional parameter missing"}, RINVOPTPARAMVAL: {"ESME_RINVOPTPARAMVAL", "invalid optional parameter value"},
	RDELIVERYFAILURE: {"ESME_RDELIVERYFAILURE", "delivery failure"}, RUNKNOWNERR: {"ESME_RUNKNOWNERR", "unknown error"},
}

// String is the status's name in the specification.
func (s Status) String() string {
	if t, ok := statusText[s]; ok {
		return t[0]
	}
	return fmt.Sprintf("command_status 0x%08x", uint32(s))
}

// ErrStatus says that a text names no command_status.
var ErrStatus = errors.New("smpp: no command_status")

// Statuses are the values of §5.1.3, in order.
func Statuses() []Status { return slices.Sorted(maps.Keys(statusText)) }

// ParseStatus reads a status by its name in any case, with ESME_ or without it, or
// by its number: "ESME_RSYSERR", "rsyserr", "0x08", "8". Numbers may be those that
// §5.1.3 leaves to vendors (0x400 to 0x4FF), or any other.
func ParseStatus(s string) (Status, error) {
	name := strings.ToUpper(strings.TrimSpace(s))
	digits, hexadecimal := strings.CutPrefix(name, "0X")
	base := 10
	if hexadecimal {
		base = 16
	}
	if n, err := strconv.ParseUint(digits, base, 32); err == nil {
		return Status(n), nil
	}
	name = "ESME_" + strings.TrimPrefix(name, "ESME_")
	for status, text := range statusText {
		if text[0] == name {
			return status, nil
		}
	}
	return 0, fmt.Errorf("%w: %q; give a name of §5.1.3 such as ESME_RSYSERR, or a number such as 0x08", ErrStatus, s)
}

// Err is nil for ROK, else a *StatusError.
func (s Status) Err() error {
	if s == ROK {
		return nil
	}
	return &StatusError{Status: s}
}

// StatusError is a command_status as an error: one that a peer answered with,
// or the one to answer a peer with.
type StatusError struct {
	Status Status
	Field  string // the field at fault as the specification calls it, if one is
}

// Error says the status in words, by name and number.
func (e *StatusError) Error() string {
	text := e.Status.String()
	if t, ok := statusText[e.Status]; ok {
		text = t[1] + " (" + t[0] + fmt.Sprintf(" 0x%02x)", uint32(e.Status))
	}
	if e.Field == "" {
		return "smpp: " + text
	}
	return "smpp: " + e.Field + ": " + text
}

// Is makes errors.Is match any StatusError of the same status.
func (e *StatusError) Is(target error) bool {
	t, ok := target.(*StatusError)
	return ok && t.Status == e.Status && (t.Field == "" || t.Field == e.Field)
}
