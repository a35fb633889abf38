package decode

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// looksMessage tells whether octets begin with a message's type, suite and layout.
func looksMessage(octets []byte) bool {
	return len(octets) >= 10 && applet.Type(octets[0]).String() != "unknown" && scp80.Suite(octets[1]>>4).Valid() && octets[1]&0xF == 0
}

// message walks an applet message: its header of ten octets, and its fields.
func (c *cursor) message() {
	c.private = true
	if len(c.rest()) == 0 {
		return
	}
	start, payload := c.at, c.rest()
	kind, suite := applet.Type(payload[0]), scp80.Suite(0)
	c.group(kind.String(), len(payload), func(c *cursor) {
		c.octet("type", func(o uint8) (string, string) { return strconv.Itoa(int(o)), applet.Type(o).String() })
		suite = scp80.Suite(c.octet("suite and layout", layoutOctet) >> 4)
		c.leaf("bill reference", len(applet.BillRef{}), hexadecimal)
		if !c.dead {
			c.messageFields(kind, suite)
		}
	})
	if _, err := applet.Decode(suite, payload); err != nil {
		c.blame(start, "%v", err)
	}
}

func layoutOctet(o uint8) (string, string) {
	return fmt.Sprintf("0x%02x", o), fmt.Sprintf("%s suite, layout %d", scp80.Suite(o>>4), o&0xF)
}

func (c *cursor) messageFields(kind applet.Type, suite scp80.Suite) {
	switch kind {
	case applet.TypeBill:
		c.money()
		c.moment("expires")
		c.digits("merchant", 4)
		c.sized("name", applet.MaxName)
		c.sized("subject", applet.MaxSubject)
	case applet.TypeOpen:
		c.octet("status", func(o uint8) (string, string) { return strconv.Itoa(int(o)), applet.OpenStatus(o).String() })
		c.moment("time")
		c.octet("slots", plainOctet)
		c.octet("client version", plainOctet)
	case applet.TypePay:
		c.pay(suite)
	case applet.TypeRefuse:
		c.octet("reason", refuseReason)
		c.moment("time")
		c.sized("text", applet.MaxRemark)
	case applet.TypeResult:
		c.result()
	case applet.TypeReceipt:
		c.leaf("digest", 8, meaning("the first octets of SHA-256 of the RESULT"))
		c.moment("time")
	case applet.TypeKeys:
		c.octet("version", plainOctet)
		c.leaf("wrapped keys", len(c.rest()), meaning("packet keys under the element's key encryption key"))
		c.mask(secret)
	case applet.TypeKeyed:
		c.octet("version", plainOctet)
	}
}

// pay is the payment, in the form of either suite (S7, S13).
func (c *cursor) pay(suite scp80.Suite) {
	counter, block, blob := 4, 16, "encrypted: AES-KWP"
	pin := "ISO 9564-1 format 4 under AES-DUKPT"
	if suite == scp80.Legacy {
		counter, block, blob = 3, 8, "encrypted: 3DES-CBC and retail MAC"
		pin = "ISO 9564-1 format 0 under 3DES-DUKPT"
	}
	c.money()
	c.moment("time")
	c.mask(gateway.MSISDN(c.digits("phone", 8)).Masked())
	c.octet("identity type", identityType)
	c.mask(c.identity("identity number", 9))
	c.leaf("card blob", len(applet.CardBlob{}), meaning(blob))
	c.mask(secret)
	c.leaf("DUKPT counter", counter, number)
	c.leaf("PIN block", block, meaning(pin))
	c.mask(secret)
	if len(c.rest()) > 0 {
		c.digits("payee", 4)
		c.leaf("transaction", 8, number)
	}
}

func (c *cursor) result() {
	c.leaf("response code", 2, func(b []byte) (string, string) { return shown(string(b)), codeMeanings[applet.ResponseCode(b)] })
	c.leaf("approval", 6, func(b []byte) (string, string) { return shown(strings.TrimRight(string(b), " ")), "" })
	c.bcd("payment number", 6)
	c.money()
	c.digits("card tail", 2)
	c.moment("time")
	c.octet("tries left", plainOctet)
	c.sized("text", applet.MaxText)
}

// codeMeanings put response codes in words.
var codeMeanings = map[applet.ResponseCode]string{
	applet.CodeApproved: "approved", applet.CodeMismatch: "not what the bill asks for", applet.CodeUnknownCard: "unknown card",
	applet.CodeFunds: "not enough money", applet.CodeExpired: "the bill has expired", applet.CodeWrongPIN: "wrong PIN",
	applet.CodeNotPermitted: "not with this card", applet.CodeOverLimit: "over the limit", applet.CodePINLocked: "PIN tries used up",
	applet.CodeDuplicate: "paid or closed already", applet.CodeCancelled: "withdrawn by the merchant",
}

func refuseReason(o uint8) (string, string) {
	names := map[applet.RefuseReason]string{
		applet.RefuseUnspecified: "unspecified", applet.RefuseNotMine: "did not order it", applet.RefuseAmount: "the amount is wrong",
		applet.RefuseNoFunds: "no card with enough money", applet.RefuseChangedMind: "changed mind",
	}
	return strconv.Itoa(int(o)), names[applet.RefuseReason(o)]
}

func identityType(o uint8) (string, string) {
	names := map[applet.IdentityType]string{applet.NoIdentity: "none", applet.ResidentID: "resident identity card"}
	return strconv.Itoa(int(o)), names[applet.IdentityType(o)]
}

// money is an amount and its currency.
func (c *cursor) money() {
	amount := c.bcd("amount", 6)
	at := c.at
	numeric := c.bcd("currency", 2)
	currency, err := money.CurrencyOf(uint16(numeric))
	if err != nil && !c.dead {
		c.blame(at, "currency: %d is no currency known here", numeric)
		return
	}
	c.explain(money.Money{Amount: money.Amount(amount), Currency: currency}.String())
}

// bcd is a number of 2n digits.
func (c *cursor) bcd(name string, n int) (v uint64) {
	at := c.at
	c.leaf(name, n, func(b []byte) (string, string) {
		for _, o := range b {
			v = v*100 + uint64(o>>4)*10 + uint64(o&0xF)
			if o>>4 > 9 || o&0xF > 9 {
				c.blame(at, "%s: not decimal digits", name)
			}
		}
		return strconv.FormatUint(v, 10), ""
	})
	return v
}

// digits are up to 2n digits with F behind them.
func (c *cursor) digits(name string, n int) (s string) {
	at := c.at
	c.leaf(name, n, func(b []byte) (string, string) {
		s = strings.TrimRight(fmt.Sprintf("%X", b), "F")
		if strings.Trim(s, "0123456789") != "" {
			c.blame(at, "%s: not digits with F behind them", name)
		}
		return s, ""
	})
	return s
}

// identity are up to 18 digits of which the last may be X, written A; it answers them masked.
func (c *cursor) identity(name string, n int) (masked string) {
	const tail, short = 4, 8
	masked = secret
	at := c.at
	c.leaf(name, n, func(b []byte) (string, string) {
		s := strings.TrimRight(fmt.Sprintf("%X", b), "F")
		body, _ := strings.CutSuffix(s, "A")
		if strings.Trim(body, "0123456789") != "" || strings.HasSuffix(s, "A") && body == "" {
			c.blame(at, "%s: not digits with F behind them", name)
		} else if len(s) >= short {
			masked = secret + strings.Replace(s[len(s)-tail:], "A", "X", 1)
		}
		return "", ""
	})
	return masked
}

// moment is a time in seconds since 1970; 0 is none.
func (c *cursor) moment(name string) {
	c.leaf(name, 4, func(b []byte) (string, string) {
		seconds := int64(uintOf(b))
		if seconds == 0 {
			return "0", "none"
		}
		return strconv.FormatInt(seconds, 10), time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05Z")
	})
}

// sized is a length and so many octets of UTF-8, at most so many.
func (c *cursor) sized(name string, most int) {
	at := c.at
	n := int(c.octet(name+" length", plainOctet))
	if n > most {
		c.blame(at, "%s length: %d, at most %d", name, n, most)
	}
	if n == 0 {
		return
	}
	at = c.at
	c.leaf(name, n, func(b []byte) (string, string) {
		if !utf8.Valid(b) {
			c.blame(at, "%s: not UTF-8", name)
		}
		return shown(string(b)), ""
	})
}
