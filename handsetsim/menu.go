package handsetsim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
)

// People read the menus of a USSD session as they read the screens of the payment
// client: a text is taken for a prompt, and what a person decides is typed as a digit.

// look takes the text on the screen for a prompt, and notes what the person means to
// type, and when.
func (p *Phone) look(now time.Time) {
	s := p.ussd
	s.prompt, s.actAt = p.promptOf(s), time.Time{}
	if s.typed && s.prompt == AskPIN {
		s.wrong++
	}
	s.typed = false
	if p.person == nil || s.prompt == 0 {
		return
	}
	if d := p.person.Decide(p.menuScreen()); d.Act != Wait {
		s.decision, s.actAt = d, now.Add(d.After)
	}
}

// promptOf is what a text asks; zero when it asks nothing that a person knows.
func (p *Phone) promptOf(s *session) Prompt {
	confirms := digitOf(s.text, "Pay") != ""
	switch {
	case strings.Contains(s.text, "\nPIN"):
		return AskPIN
	case confirms && s.pins > 0: // that card was declined, and there is no other
		return AskOther
	case confirms && p.redial.deferred:
		return AskLater
	case confirms:
		return AskConfirm
	case len(choices(s.text)) == 0:
		return 0
	case strings.Contains(s.text, "Bills"):
		return AskBill
	case s.pins > 0:
		return AskOther
	}
	return AskCard
}

// menuScreen is what the person sees. A menu does not show a bill as a client does.
func (p *Phone) menuScreen() Screen {
	s := p.ussd
	screen := Screen{Prompt: s.prompt, Bill: new(applet.Bill), WrongPINs: s.wrong, Declined: s.picked}
	if len(s.picked) > 0 {
		screen.Slot = s.picked[len(s.picked)-1]
	}
	if s.prompt != AskCard && s.prompt != AskOther || digitOf(s.text, "Pay") != "" {
		return screen
	}
	for _, c := range choices(s.text) {
		if slot, _ := strconv.Atoi(c.digit); slot != 0 && slot != moreDigit {
			screen.Cards = append(screen.Cards, se.Card{Slot: slot, Alias: c.label})
		}
	}
	return screen
}

// moreDigit leads to more choices; people pay with what they see first.
const moreDigit = 9

// typeAt is when the person acts at the menu; zero: not by themselves.
func (p *Phone) typeAt() time.Time {
	if p.ussd == nil {
		return p.redial.at
	}
	return sooner(p.ussd.actAt, p.redial.at)
}

// wakeMenu lets the person do at the menu what is due.
func (p *Phone) wakeMenu(now time.Time, fx *Effects) {
	if s := p.ussd; s != nil && !s.actAt.IsZero() && !now.Before(s.actAt) {
		s.actAt = time.Time{}
		p.actAtMenu(now, fx)
	}
	r := &p.redial
	if r.at.IsZero() || now.Before(r.at) {
		return
	}
	r.at = time.Time{}
	if p.ussd != nil && p.ussd.open { // closeScreen sees to it
		return
	}
	r.times--
	_ = p.Dial(r.code, now, fx) // it is on, and this is a code
}

// actAtMenu types what the person had in mind.
func (p *Phone) actAtMenu(now time.Time, fx *Effects) {
	s := p.ussd
	if s.decision.Act == HangUp {
		_ = p.GiveUp(now, fx) // the screen asks
		return
	}
	input := p.inputFor(s)
	if input == "" {
		return
	}
	if s.decision.Act == Defer {
		p.redial.deferred = true
		p.invited(string(s.code), now)
	}
	from := len(fx.Events)
	_ = p.Reply(input, now, fx) // the screen asks
	if len(fx.Events) > from {
		fx.Events[from].Took = s.decision.After
	}
}

// inputFor is what is typed for a decision, empty when the text has no such choice.
func (p *Phone) inputFor(s *session) string {
	switch d := s.decision; {
	case s.prompt == AskPIN:
		pin := p.person.TypePIN(p.menuScreen())
		s.pins++
		s.typed = true
		return pin.Reveal()
	case s.prompt == AskBill:
		return "1"
	case d.Act == Refuse && digitOf(s.text, "Refuse") == "":
		return digitOf(s.text, "Back")
	case d.Act == Refuse:
		return digitOf(s.text, "Refuse")
	case d.Act == Defer:
		return digitOf(s.text, "Later")
	case d.Act == Confirm:
		p.redial.deferred = false
		return digitOf(s.text, "Pay")
	case d.Act == Pay && !slices.Contains(s.picked, d.Slot):
		s.picked = append(s.picked, d.Slot)
		return strconv.Itoa(d.Slot)
	}
	return ""
}

// invited has the person dial a code some time, if they do such things.
func (p *Phone) invited(code string, now time.Time) {
	if p.person == nil {
		return
	}
	d := p.person.Decide(Screen{Prompt: AskLater, Bill: new(applet.Bill)})
	if d.Act != Confirm {
		return
	}
	p.redial.code = code
	p.redial.times++
	if p.redial.at.IsZero() {
		p.redial.at = now.Add(d.After)
	}
}

// dialIn is the code that a text says to dial, empty if it says none.
func dialIn(text string) string {
	_, rest, ok := strings.Cut(text, "Dial ")
	code, _, _ := strings.Cut(rest, " ")
	if !ok || !isCode(code) {
		return ""
	}
	return code
}
