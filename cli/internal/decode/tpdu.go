package decode

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway/tpdu"
)

// Bits of the first octet (TS 23.040 §9.2.3).
const (
	bitsMTI   = 0x03
	bitMMS    = 0x04 // SMS-DELIVER
	bitRD     = 0x04 // SMS-SUBMIT
	bitsVPF   = 0x18 // SMS-SUBMIT
	bitStatus = 0x20 // SRI and SRR
	bitUDHI   = 0x40
	bitRP     = 0x80

	mtiDeliver = 0
	mtiSubmit  = 1
)

// mostDigits is how long an address can be (TS 23.040 §9.1.2.5).
const mostDigits = 20

// looksTPDU tells whether octets begin as an SMS-DELIVER or SMS-SUBMIT does: the first
// octet, then an address with its mark.
func looksTPDU(octets []byte) bool {
	if len(octets) < 4 || octets[0]&bitsMTI > mtiSubmit {
		return false
	}
	address := octets[1:]
	if octets[0]&bitsMTI == mtiSubmit {
		address = octets[2:]
	}
	return address[0] <= mostDigits && address[1]&0x80 != 0
}

// tpdu walks an SMS-DELIVER or SMS-SUBMIT (TS 23.040 §9.2.2.1, §9.2.2.2).
func (c *cursor) tpdu() {
	c.standard = "TS 23.040"
	if len(c.rest()) == 0 {
		return
	}
	switch mti := c.rest()[0] & bitsMTI; mti {
	case mtiDeliver:
		c.group("SMS-DELIVER §9.2.2.1", len(c.rest()), (*cursor).deliver)
	case mtiSubmit:
		c.group("SMS-SUBMIT §9.2.2.2", len(c.rest()), (*cursor).submit)
	default:
		c.die("TP-MTI: %d; only SMS-DELIVER (0) and SMS-SUBMIT (1) are read", mti)
	}
}

func (c *cursor) deliver() {
	first := c.octet("TP-MTI, MMS, LP, SRI, UDHI, RP §9.2.3", func(o uint8) (string, string) {
		return fmt.Sprintf("0x%02x", o), sentence("SMS-DELIVER", when(o&bitMMS == 0, "TP-MMS: more messages wait"),
			when(o&bitStatus != 0, "TP-SRI: a status report is returned"), udhi(o), when(o&bitRP != 0, "TP-RP: reply path"))
	})
	how := coded{header: first&bitUDHI != 0}
	how.link.Source = c.tpAddress("TP-OA §9.2.3.7")
	how.protocol = c.octet("TP-PID §9.2.3.9", protocolOctet)
	how.coding = c.octet("TP-DCS §9.2.3.10", codingOctet)
	c.stamp("TP-SCTS §9.2.3.11")
	c.tpUserData(how)
}

func (c *cursor) submit() {
	first := c.octet("TP-MTI, RD, VPF, SRR, UDHI, RP §9.2.3", func(o uint8) (string, string) {
		return fmt.Sprintf("0x%02x", o), sentence("SMS-SUBMIT", when(o&bitRD != 0, "TP-RD: reject duplicates"), validityFormat(o),
			when(o&bitStatus != 0, "TP-SRR: a status report is asked for"), udhi(o), when(o&bitRP != 0, "TP-RP: reply path"))
	})
	how := coded{header: first&bitUDHI != 0}
	c.octet("TP-MR §9.2.3.6", plainOctet)
	how.link.Destination = c.tpAddress("TP-DA §9.2.3.8")
	how.protocol = c.octet("TP-PID §9.2.3.9", protocolOctet)
	how.coding = c.octet("TP-DCS §9.2.3.10", codingOctet)
	switch first & bitsVPF {
	case 0x10:
		c.octet("TP-VP §9.2.3.12.1", relativePeriod)
	case 0x18:
		c.stamp("TP-VP §9.2.3.12.2")
	case 0x08:
		c.leaf("TP-VP §9.2.3.12.3", 7, raw)
		c.explain("enhanced format")
	}
	c.tpUserData(how)
}

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func udhi(o uint8) string { return when(o&bitUDHI != 0, "TP-UDHI: user data begins with a header") }

func validityFormat(o uint8) string {
	switch o & bitsVPF {
	case 0x10:
		return "TP-VPF: relative"
	case 0x18:
		return "TP-VPF: absolute"
	case 0x08:
		return "TP-VPF: enhanced"
	}
	return "no TP-VP"
}

func relativePeriod(o uint8) (string, string) {
	v := time.Duration(o)
	period := (v + 1) * 5 * time.Minute
	switch {
	case o > 196:
		return strconv.Itoa(int(o)), fmt.Sprintf("%d weeks", o-192)
	case o > 167:
		return strconv.Itoa(int(o)), fmt.Sprintf("%d days", o-166)
	case o > 143:
		period = 12*time.Hour + (v-143)*30*time.Minute
	}
	return strconv.Itoa(int(o)), period.String()
}

// tpAddress walks an address: length in digits, type, digits (TS 23.040 §9.1.2.5).
func (c *cursor) tpAddress(label string) (digits string) {
	if len(c.rest()) == 0 {
		c.die("address: no octets left")
		return ""
	}
	length := int(c.rest()[0])
	if length > mostDigits {
		c.die("length of an address: %d digits, at most %d", length, mostDigits)
		return ""
	}
	c.group(label, 2+(length+1)/2, func(c *cursor) {
		c.octet("address length §9.1.2.5", plainOctet)
		kind := c.octet("type of address §9.1.2.5", typeOfAddress)
		if n := len(c.rest()); n > 0 && !c.dead {
			c.leaf("digits §9.1.2.3", n, func(b []byte) (string, string) {
				digits = addressText(b, kind>>4&7, length)
				return shown(digits), ""
			})
		}
		c.value = shown(digits)
	})
	return digits
}

func typeOfAddress(o uint8) (string, string) {
	number, known := typesOfNumber[o>>4&7]
	if !known {
		number = "reserved"
	}
	plan, known := numberingPlans[o&0xF]
	if !known {
		plan = "reserved"
	}
	return fmt.Sprintf("0x%02x", o), sentence(number, plan, when(o&0x80 == 0, "bit 8 should be 1"))
}

// addressText reads digits, the low half of an octet first, or packed letters.
func addressText(b []byte, ton uint8, length int) string {
	if ton == 5 {
		if septets, err := tpdu.Unpack(b, length*4/7, 0); err == nil {
			text, _ := tpdu.Decode(septets, tpdu.GSM7)
			return text
		}
	}
	const marks = "0123456789*#abc"
	var s strings.Builder
	for i := range min(length, 2*len(b)) {
		if half := b[i/2] >> (4 * (i % 2)) & 0xF; int(half) < len(marks) {
			s.WriteByte(marks[half])
		}
	}
	return s.String()
}

// stamp is a time of seven octets, each with its digits swapped (TS 23.040 §9.2.3.11).
func (c *cursor) stamp(label string) {
	c.leaf(label, 7, func(b []byte) (string, string) {
		var n [7]int
		for i, o := range b {
			if i == 6 {
				o &^= 0x08 // the sign of the time zone
			}
			if o&0xF > 9 || o>>4 > 9 {
				return hexadecimal(b)
			}
			n[i] = int(o&0xF)*10 + int(o>>4)
		}
		zone := n[6] * 15
		sign := "+"
		if b[6]&0x08 != 0 {
			sign = "-"
		}
		return fmt.Sprintf("%02d-%02d-%02d %02d:%02d:%02d %s%02d:%02d", n[0], n[1], n[2], n[3], n[4], n[5], sign, zone/60, zone%60), ""
	})
}

// tpUserData walks TP-UDL and TP-UD. Septets are packed; their codec unpacks them.
func (c *cursor) tpUserData(how coded) {
	at := c.at
	length := c.octet("TP-UDL §9.2.3.16", plainOctet)
	if c.dead {
		return
	}
	n, unit := int(length), "octets"
	if tpdu.AlphabetOf(how.coding) == tpdu.GSM7 {
		n, unit = (n*7+7)/8, "septets"
	}
	c.explain(fmt.Sprintf("%d %s", length, unit))
	s, err := tpdu.ParseAirInterface(how.protocol, how.coding, how.header, length, c.rest())
	if err != nil && n <= len(c.rest()) {
		s, err = tpdu.ParseAirInterface(how.protocol, how.coding, how.header, length, c.rest()[:n])
	}
	if n == 0 {
		return
	}
	c.group("TP-UD §9.2.3.24", n, func(c *cursor) {
		if how.header {
			c.header()
		}
		if err != nil {
			c.die("%v", err)
		}
		if !c.dead {
			c.payload(how, s)
		}
	})
	if err != nil {
		c.blame(at, "TP-UD: %v", err)
	}
}
