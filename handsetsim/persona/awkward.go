package persona

import (
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/applet"
)

// The habits of people who make trouble. They are there to be met on purpose: whoever
// sends them a bill knows how it ends.
const (
	WrongPIN   Kind = "wrong-pin"         // mistypes every PIN, until the card is locked
	PaysTwice  Kind = "pays-twice"        // pays, and pays again before the result is there; with a client only
	PaysOver   Kind = "pays-after-expiry" // pays when the bill is over; with a client only
	LooksOnly  Kind = "looks-only"        // looks and does nothing; closes a menu
	DropsMenu  Kind = "drops-menu"        // loses the USSD session where it asks for the PIN, and does not dial again
	WritesUCS2 Kind = "writes-ucs2"       // pays, and all that the phone writes is in UCS-2: a text with a client, replies without
)

func awkward() []Kind { return []Kind{WrongPIN, PaysTwice, PaysOver, LooksOnly, DropsMenu, WritesUCS2} }

var _ handsetsim.Speller = (*Person)(nil)

// UCS2 implements [handsetsim.Speller].
func (p *Person) UCS2() bool { return p.kind == WritesUCS2 }

// thanks is a text that GSM 7 bit cannot write.
const thanks = "已付款，谢谢"

// leastLate is how long after a bill's end a late payment is made at least: a phone knows
// the end to the second.
const leastLate = time.Second

// awkwardly decides where such a person does otherwise than one who pays.
func (p *Person) awkwardly(s handsetsim.Screen) (d handsetsim.Decision, ok bool) {
	card := s.Prompt == handsetsim.AskCard || s.Prompt == handsetsim.AskPIN
	menu := inMenu(s)
	switch p.kind {
	case LooksOnly:
		if menu && s.Prompt != handsetsim.AskLater {
			return handsetsim.Decision{After: p.about(p.pace.Read), Act: handsetsim.HangUp}, true
		}
		return d, true
	case DropsMenu:
		if menu && s.Prompt == handsetsim.AskPIN {
			return handsetsim.Decision{After: p.about(p.pace.Type), Act: handsetsim.HangUp}, true
		}
		return d, s.Prompt == handsetsim.AskLater
	case PaysTwice:
		return p.withFirst(s, handsetsim.PayTwice), card && !menu
	case PaysOver:
		d = p.withFirst(s, handsetsim.PayLate)
		d.After += leastLate
		return d, card && !menu
	case WritesUCS2:
		d = p.withFirst(s, handsetsim.Pay)
		d.Text = thanks
		return d, card && !menu
	}
	return d, false
}

// inMenu says whether a screen is of a USSD session, which shows no bill as a client does.
func inMenu(s handsetsim.Screen) bool { return s.Bill == nil || s.Bill.Ref == (applet.BillRef{}) }

// withFirst does something with the first card.
func (p *Person) withFirst(s handsetsim.Screen, act handsetsim.Act) handsetsim.Decision {
	if !p.Knows() || len(s.Cards) == 0 {
		return handsetsim.Decision{}
	}
	return handsetsim.Decision{After: p.about(p.pace.Type), Act: act, Slot: s.Cards[0].Slot}
}
