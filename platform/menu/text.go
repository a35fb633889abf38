package menu

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/gateway/ussd"
)

// Text is what the phone shows. It fits one USSD message.
func (m Menu) Text() string {
	switch m.screen {
	case bills:
		return m.billList().text(m.page, m.note)
	case oneBill:
		return fit(onScreen, m.showBill)
	case cards:
		return m.cardList().text(m.page, m.note)
	case pin:
		return fit(onScreen, m.showPIN)
	case closed:
	}
	return m.last
}

func (m Menu) showBill(width int) string {
	about := clip(m.bill.Subject, width)
	if about != "" {
		about = "for " + about // so that no subject can look like a choice
	}
	text := lines(m.note, m.headline(width), about, "1 Pay", "2 Refuse", "3 Later")
	if len(m.wallet.Bills) > 0 {
		text += "\n" + backLine
	}
	return text
}

func (m Menu) showPIN(width int) string {
	return lines(m.note, fmt.Sprintf("Pay %s with %s", m.bill.Sum, m.card.named(width)), "PIN (0 goes back):")
}

// headline is what a bill is about: how much, and for whom.
func (m Menu) headline(width int) string { return m.bill.Sum.String() + to(m.bill.Merchant, width) }

func to(merchant string, width int) string {
	if name := clip(merchant, width); name != "" {
		return " to " + name
	}
	return ""
}

func (m Menu) paid(approval string) string {
	return fit(onScreen, func(width int) string {
		return "Paid " + m.headline(width) + ". Approval " + approval + "."
	})
}

func (c Card) named(width int) string { return strings.TrimSpace(clip(c.Alias, width) + " *" + c.Tail) }

func (m Menu) billList() list {
	return newList("Bills to pay:", m.wallet.Bills, func(b Bill, width int) string {
		return strings.TrimSpace(clip(b.Merchant, width) + " " + b.Sum.String())
	})
}

func (m Menu) cardList() list {
	l := newList(fmt.Sprintf("Pay %s with:", m.bill.Sum), m.able(), Card.named)
	l.leads = true
	return l
}

// HowTo is the SMS that says how to pay a bill by dialling a code. It fits one message.
func HowTo(b Bill, code string) string {
	return fit(inSMS, func(width int) string {
		about := b.Sum.String() + to(b.Merchant, width)
		if subject := clip(b.Subject, width); subject != "" {
			about += ", " + subject
		}
		return "Bill of " + about + ". Dial " + code + " to pay."
	})
}

// onScreen says whether a text fits one USSD message.
func onScreen(text string) bool { return ussd.CheckText(text) == nil }

// inSMS says whether a text fits one short message: 160 characters of GSM 7 bit, 70 of UCS2.
func inSMS(text string) bool {
	segments, err := tpdu.SplitText(text, tpdu.Reference{})
	return err == nil && len(segments) == 1
}

// widths are how many characters of each name are shown: as many as fit, and none
// before a text is too long.
var widths = [...]int{60, 40, 30, 24, 18, 14, 10, 7, 4, 0}

// fit writes a text with names as wide as it has room for.
func fit(fits func(string) bool, text func(width int) string) string {
	for _, width := range widths {
		if s := text(width); fits(s) {
			return s
		}
	}
	return text(0)
}

// clip cuts a name to so many characters, and takes out what could look like a line of ours.
func clip(name string, width int) string {
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	}), " ")
	const dots = ".."
	var used, end int // in UTF-16 units, which UCS2 counts; in octets
	for i, r := range name {
		if used += utf16.RuneLen(r); used > width {
			return cut(name[:end], dots)
		}
		if used <= width-len(dots) {
			end = i + utf8.RuneLen(r)
		}
	}
	return name
}

func cut(name, dots string) string {
	if name = strings.TrimSpace(name); name == "" {
		return ""
	}
	return name + dots
}

// lines joins what is not empty.
func lines(all ...string) string {
	var said []string
	for _, line := range all {
		if line != "" {
			said = append(said, line)
		}
	}
	return strings.Join(said, "\n")
}
