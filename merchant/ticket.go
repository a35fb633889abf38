package merchant

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
)

// ticket is the randomness that a ticket's number or a voucher's code is made of.
type ticket []byte

func (s *Shop) ticket() (ticket, error) {
	const octets = 10 // 80 bits: a code cannot be guessed
	return s.draw(octets)
}

// number is a ticket's 13 digits, the first 3 an airline's code (IATA resolution
// 722), or a code of 16 letters and digits.
func (t ticket) number(kind Kind) string {
	const tickets = 10_000_000_000
	serial := binary.BigEndian.Uint64(t) % tickets
	switch kind {
	case Flight:
		return fmt.Sprintf("999-%010d", serial)
	case Train:
		return fmt.Sprintf("E%010d", serial)
	case Voucher, Article:
		code := base32.StdEncoding.EncodeToString(t)
		return code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:]
	}
	return ""
}

// text is what is delivered to the buyer's phone (S17).
func (o Order) ticketText() string {
	text := "Code " + o.Ticket + " for " + o.Goods.String()
	if o.Goods.Kind != Voucher {
		text = "E-ticket " + o.Ticket + ": " + o.Goods.String()
	}
	if o.Goods.Traveller != "" {
		text += ", " + o.Goods.Traveller
	}
	return text + ". Order " + string(o.ID)
}
