package decode

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/airtill/airtill/gateway/smpp"
)

// parameters are the optional ones that a PDU ends with (SMPP 3.4 §5.3).
func (c *cursor) parameters(how coded) {
	for len(c.rest()) > 0 && !c.dead {
		rest := c.rest()
		if len(rest) < 4 {
			c.die("optional parameters: tag and length want 4 octets, %d left", len(rest))
			return
		}
		tag, length := smpp.Tag(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint16(rest[2:]))
		c.group(parameterName(tag)+" §5.3.2", 4+length, func(c *cursor) {
			c.leaf("parameter_tag", 2, func([]byte) (string, string) { return fmt.Sprintf("0x%04x", uint16(tag)), "" })
			c.leaf("length", 2, number)
			c.parameterValue(tag, min(length, len(c.rest())), how)
		})
	}
}

func (c *cursor) parameterValue(tag smpp.Tag, n int, how coded) {
	switch {
	case n == 0:
	case tag == smpp.TagMessagePayload:
		c.group("value", n, func(c *cursor) { c.userData(how) })
	default:
		c.leaf("value", n, readingOf(tag))
	}
	if len(c.fields) > 2 {
		c.value, c.meaning = c.fields[2].Value, c.fields[2].Meaning
	}
}

// parameterValues are the names of the values of one octet (SMPP 3.4 §5.3.2).
var parameterValues = map[smpp.Tag]map[uint8]string{
	smpp.TagDestAddrSubunit: subunits, smpp.TagSourceAddrSubunit: subunits,
	smpp.TagDestNetworkType: networks, smpp.TagSourceNetworkType: networks,
	smpp.TagDestBearerType: bearers, smpp.TagSourceBearerType: bearers,
	smpp.TagPayloadType:           {0: "WDP", 1: "WCMP"},
	smpp.TagPrivacyIndicator:      {0: "not restricted", 1: "restricted", 2: "confidential", 3: "secret"},
	smpp.TagLanguageIndicator:     {0: "unspecified", 1: "English", 2: "French", 3: "Spanish", 4: "German", 5: "Portuguese"},
	smpp.TagDisplayTime:           {0: "temporary", 1: "default", 2: "invoke"},
	smpp.TagMSValidity:            {0: "store indefinitely", 1: "until power down", 2: "until the registration area is left", 3: "display only"},
	smpp.TagDPFResult:             {0: "delivery pending flag not set", 1: "delivery pending flag set"},
	smpp.TagSetDPF:                {0: "no delivery pending flag wanted", 1: "delivery pending flag wanted on failure"},
	smpp.TagMSAvailabilityStatus:  {0: "available", 1: "denied", 2: "unavailable"},
	smpp.TagDeliveryFailureReason: {0: "destination unavailable", 1: "destination address invalid", 2: "permanent network error", 3: "temporary network error"},
	smpp.TagMoreMessagesToSend:    {0: "no more messages", 1: "more messages follow"},
	smpp.TagITSReplyType:          {0: "digit", 1: "number", 2: "telephone number", 3: "password", 4: "character line", 5: "menu", 6: "date", 7: "time", 8: "continue"},
}

var (
	subunits = map[uint8]string{0: "unknown", 1: "display", 2: "mobile equipment", 3: "smart card", 4: "external unit"}
	networks = map[uint8]string{0: "unknown", 1: "GSM", 2: "TDMA (ANSI-136)", 3: "CDMA (IS-95)", 4: "PDC", 5: "PHS", 6: "iDEN", 7: "AMPS", 8: "paging"}
	bearers  = map[uint8]string{0: "unknown", 1: "SMS", 2: "circuit switched data", 3: "packet data", 4: "USSD", 5: "CDPD", 6: "DataTAC", 7: "FLEX", 8: "cell broadcast"}
)

// readingOf is how the value of an optional parameter reads.
func readingOf(tag smpp.Tag) reading {
	if names, known := parameterValues[tag]; known {
		return func(b []byte) (string, string) { return named(names)(b[len(b)-1]) }
	}
	switch tag {
	case smpp.TagReceiptedMessageID, smpp.TagAdditionalStatusInfo:
		return cText
	case smpp.TagMessageState:
		return func(b []byte) (string, string) { return stateOctet(b[len(b)-1]) }
	case smpp.TagSCInterfaceVersion:
		return func(b []byte) (string, string) { return versionOctet(b[len(b)-1]) }
	case smpp.TagNetworkErrorCode:
		return networkError
	case smpp.TagUSSDServiceOp:
		return ussdOperation
	case smpp.TagITSSessionInfo:
		return sessionInfo
	case smpp.TagCallbackNum:
		return callbackNumber
	case smpp.TagQoSTimeToLive:
		return func(b []byte) (string, string) { return strconv.FormatUint(uintOf(b), 10), "seconds" }
	}
	return func(b []byte) (string, string) {
		if len(b) > 4 {
			return fmt.Sprintf("%X", b), ""
		}
		return number(b)
	}
}

func stateOctet(o uint8) (string, string) { return strconv.Itoa(int(o)), smpp.StateWord(o) }

func ussdOperation(b []byte) (string, string) {
	op := smpp.USSDOp(b[len(b)-1])
	return strconv.Itoa(int(op)), op.String()
}

// networkError is the network's kind and its own code (SMPP 3.4 §5.3.2.31).
func networkError(b []byte) (string, string) {
	kinds := map[uint8]string{1: "ANSI-136", 2: "IS-95", 3: "GSM"}
	meaning := "network type " + strconv.Itoa(int(b[0]))
	if kind, known := kinds[b[0]]; known {
		meaning = kind
	}
	if len(b) == 3 {
		meaning += " error " + strconv.Itoa(int(binary.BigEndian.Uint16(b[1:])))
	}
	return fmt.Sprintf("%X", b), meaning
}

func sessionInfo(b []byte) (string, string) {
	if len(b) != 2 {
		return fmt.Sprintf("%X", b), ""
	}
	info, end := smpp.SessionInfoOf(binary.BigEndian.Uint16(b)), ""
	if info.End {
		end = "the session ends"
	}
	return fmt.Sprintf("%X", b), sentence(fmt.Sprintf("session %d", info.Session), fmt.Sprintf("dialogue %d", info.Dialogue), end)
}

// callbackNumber is digit mode, type, plan and digits (SMPP 3.4 §5.3.2.36).
func callbackNumber(b []byte) (string, string) {
	if len(b) < 4 || b[0] != 1 {
		return fmt.Sprintf("%X", b), "digits of DTMF"
	}
	return shown(string(b[3:])), sentence(typesOfNumber[b[1]], numberingPlans[b[2]])
}
