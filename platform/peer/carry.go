package peer

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform/billing"
)

// Beside the inputs of partitions a message goes as it came from the carrier: the parts
// of a long one, and the turns of a USSD session, meet at the process that has the
// partition of their phone, whichever bind they were brought to. A *smpp.DeliverSM is
// answered with the smpp.Status that the carrier is to have.
const (
	deliverName = "smpp.DeliverSM"
	statusName  = "smpp.Status"
)

func carry(v any) (name string, text []byte, err error) {
	switch v := v.(type) {
	case *smpp.DeliverSM:
		frame, err := smpp.Append(nil, smpp.PDU{Sequence: 1, Body: v})
		if err != nil {
			return "", nil, fmt.Errorf("carry a deliver_sm: %w", err)
		}
		text, err = json.Marshal(frame)
		return deliverName, text, err
	case smpp.Status:
		text, err = json.Marshal(uint32(v))
		return statusName, text, err
	}
	return billing.Carry(v)
}

func carried(name string, text []byte) (any, error) {
	switch name {
	case deliverName:
		return carriedMessage(text)
	case statusName:
		var status uint32
		if err := json.Unmarshal(text, &status); err != nil {
			return nil, fmt.Errorf("read a status: %w", err)
		}
		return smpp.Status(status), nil
	}
	return billing.Carried(name, text)
}

// carriedMessage reads a message. An error does not repeat it.
func carriedMessage(text []byte) (any, error) {
	var frame []byte
	if json.Unmarshal(text, &frame) != nil {
		return nil, errors.New("read a deliver_sm: not readable")
	}
	pdu, err := smpp.Decode(frame)
	if err != nil {
		return nil, fmt.Errorf("read a deliver_sm: %w", err)
	}
	sm, ok := pdu.Body.(*smpp.DeliverSM)
	if !ok {
		return nil, errors.New("read a deliver_sm: it is another command")
	}
	return sm, nil
}
