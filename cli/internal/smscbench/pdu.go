package smscbench

import (
	"bytes"
	"fmt"

	"github.com/airtill/airtill/gateway/smpp"
)

// numbers is how many different numbers one bind submits to.
const numbers = 1000

// encode makes the PDUs that a bind submits; their sequence numbers are put in later.
func encode(c *Config, bind int) ([][]byte, error) {
	sm := &smpp.SubmitSM{
		Source:       smpp.Address{TON: smpp.TONAbbreviated, Digits: c.Source},
		Destination:  smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN},
		ShortMessage: []byte(c.Text),
	}
	if c.Receipts {
		sm.RegisteredDelivery = smpp.ReceiptFinal
	}
	count := numbers
	if c.Binds > 16 {
		count = max(10, 16*numbers/c.Binds) // many binds have enough between them
	}
	all := make([][]byte, count)
	for i := range all {
		sm.Destination.Digits = fmt.Sprintf("%s%07d", c.Prefix, (bind*count+i)%10_000_000)
		octets, err := smpp.Append(nil, smpp.PDU{Body: sm})
		if err != nil {
			return nil, fmt.Errorf("smscbench: the message: %w", err)
		}
		all[i] = octets
	}
	return all, nil
}

// text is a C-octet string without its NUL.
func text(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// receiptID is the message_id in the text of a receipt, SMPP 3.4 appendix B; nil if the
// body of the deliver_sm has none.
func receiptID(body []byte) []byte {
	b, ok := skip(body, 1) // service_type
	for range 2 {          // two addresses: type, plan, digits
		if ok && len(b) > 2 {
			b, ok = skip(b[2:], 1)
		}
	}
	if !ok || len(b) < 3 {
		return nil
	}
	b, ok = skip(b[3:], 2) // esm_class, protocol_id, priority; two times
	const fixed = 5        // registered_delivery, replace_if_present, data_coding, sm_default_msg_id, sm_length
	if !ok || len(b) < fixed || len(b) < fixed+int(b[fixed-1]) {
		return nil
	}
	sm := b[fixed : fixed+int(b[fixed-1])]
	_, id, ok := bytes.Cut(sm, []byte("id:"))
	if !ok {
		return nil
	}
	id, _, _ = bytes.Cut(id, []byte(" "))
	return id
}

// skip passes over C-octet strings.
func skip(b []byte, n int) (rest []byte, ok bool) {
	for range n {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return nil, false
		}
		b = b[i+1:]
	}
	return b, true
}
