package handsetsim

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// A phone has one USSD session at a time, which its holder dials or the network begins
// (3GPP TS 22.090; SMPP 3.4 §5.3.2.44). It shows a text and, if that is a question, takes
// a reply. A phone needs no element for it.

// USSD is one message of a USSD session. Up go PSSRIndication (dials), USSRConfirm
// (replies), USSNConfirm (confirms) and USSDAbort (gives up); down come USSRRequest
// (asks), USSNRequest (tells) and PSSRResponse or PSSDResponse (the last text).
type USSD struct {
	Op      smpp.USSDOp
	Session uint8           // its number, 1 to 255
	Code    gateway.Address // the other end: what was dialled, or who pushes
	Text    string
	End     bool // the session is over with it
	UCS2    bool // the text goes up in UCS-2, also where it need not
}

// The refusals of what a person does at a USSD screen.
var (
	ErrCode      = errors.New("not a USSD code: it begins with * or #, ends with # and has digits, * and # between, such as *120#")
	ErrNoSession = errors.New("the phone shows nothing that wants a reply")
)

// session is the USSD session on a phone's screen, or the last one.
type session struct {
	number uint8
	code   gateway.Address
	text   string
	open   bool
	asks   bool // the text wants a reply

	prompt   Prompt // what the person took the text for; zero: nothing to decide
	decision Decision
	actAt    time.Time // zero: nothing
	picked   []int     // cards, by their place in the menu
	pins     int       // typed
	typed    bool      // the last input was a PIN
	wrong    int       // PINs, as the menu said by asking again
}

// redial is what a person means to dial, and how often.
type redial struct {
	code     string
	times    int
	at       time.Time // the next; zero: when the session on the screen is over
	deferred bool      // a bill was put off at a menu: next time it is paid
}

// ScreenView is what a phone shows of a USSD session, the last one when none is open.
type ScreenView struct {
	Open  bool // a session is
	Asks  bool // the text wants a reply
	Code  gateway.Address
	Text  string
	Shown int // texts since the phone was made
}

// Screen is what the phone shows.
func (p *Phone) Screen() ScreenView {
	v := ScreenView{Shown: int(p.texts)}
	if s := p.ussd; s != nil {
		v.Open, v.Asks, v.Code, v.Text = s.open, s.asks, s.code, s.text
	}
	return v
}

// Dial dials a USSD code. A session that is open is lost.
func (p *Phone) Dial(code string, now time.Time, fx *Effects) error {
	switch {
	case p.off:
		return ErrOff
	case !isCode(code):
		return ErrCode
	}
	number := uint8(1)
	if p.ussd != nil {
		number = p.ussd.number%255 + 1
	}
	p.ussd = &session{number: number, code: gateway.Address(code), open: true}
	p.tell(fx, Event{At: now, Kind: Dialled, Detail: code})
	p.sayUSSD("USSD dial", USSD{Op: smpp.PSSRIndication, Text: code}, fx)
	return nil
}

func isCode(code string) bool {
	begins := strings.HasPrefix(code, "*") || strings.HasPrefix(code, "#")
	return begins && len(code) > 2 && strings.HasSuffix(code, "#") && strings.Trim(code, "0123456789*#") == ""
}

// Reply answers the text on the screen. What was typed is told to nobody: it may be a PIN.
func (p *Phone) Reply(text string, now time.Time, fx *Effects) error {
	s := p.ussd
	if p.off {
		return ErrOff
	}
	if s == nil || !s.open || !s.asks {
		return ErrNoSession
	}
	s.asks, s.actAt, s.prompt = false, time.Time{}, 0
	p.tell(fx, Event{At: now, Kind: Replied, Peer: s.code})
	p.sayUSSD("USSD reply", USSD{Op: smpp.USSRConfirm, Text: text}, fx)
	return nil
}

// GiveUp ends the session on the screen.
func (p *Phone) GiveUp(now time.Time, fx *Effects) error {
	if p.off {
		return ErrOff
	}
	if p.ussd == nil || !p.ussd.open {
		return ErrNoSession
	}
	p.sayUSSD("USSD abort", USSD{Op: smpp.USSDAbort, End: true}, fx)
	p.closeScreen("given up", now, fx)
	return nil
}

func (p *Phone) sayUSSD(name string, m USSD, fx *Effects) {
	m.Session, m.Code = p.ussd.number, p.ussd.code
	if s, ok := p.person.(Speller); ok {
		m.UCS2 = s.UCS2()
	}
	fx.Sends = append(fx.Sends, Send{Name: name, USSD: &m})
}

// ShowUSSD takes a message of the network. One of a session that the phone does not have
// begins it.
func (p *Phone) ShowUSSD(m USSD, now time.Time, fx *Effects) {
	s := p.ussd
	if m.End && s != nil && s.open && s.number != m.Session {
		return // the last text of a session that was lost by dialling
	}
	if s == nil || !s.open || s.number != m.Session {
		s = &session{number: m.Session, open: true}
		p.ussd = s
	}
	s.code = m.Code
	if m.Text != "" || !m.End {
		s.text = m.Text
		p.texts++
		p.tell(fx, Event{At: now, Kind: ScreenShown, Detail: m.Text, Peer: m.Code})
	}
	switch {
	case m.End:
		p.closeScreen("", now, fx)
	case m.Op == smpp.USSNRequest:
		p.sayUSSD("USSD confirm", USSD{Op: smpp.USSNConfirm}, fx)
	default:
		s.asks = true
		p.look(now)
	}
}

// USSDRefused takes it that a message of a session did not reach the network: what the
// screen shows is over.
func (p *Phone) USSDRefused(m USSD, why string, now time.Time, fx *Effects) {
	if s := p.ussd; s != nil && s.open && s.number == m.Session {
		p.closeScreen(why, now, fx)
	}
}

// closeScreen ends the session. A person who means to dial does so after it.
func (p *Phone) closeScreen(why string, now time.Time, fx *Effects) {
	s := p.ussd
	s.open, s.asks, s.actAt = false, false, time.Time{}
	p.tell(fx, Event{At: now, Kind: ScreenClosed, Detail: why, Peer: s.code})
	if p.redial.times > 0 && p.redial.at.IsZero() {
		p.redial.at = now.Add(busyWait)
	}
}

// choice is a line of a menu that begins with a digit.
type choice struct{ digit, label string }

func choices(text string) (all []choice) {
	for line := range strings.Lines(text) {
		digit, label, ok := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := strconv.Atoi(digit); ok && err == nil && len(digit) == 1 {
			all = append(all, choice{digit, label})
		}
	}
	return all
}

// digitOf is what is typed for the choice that begins with a word, empty if there is none.
func digitOf(text, word string) string {
	for _, c := range choices(text) {
		if strings.HasPrefix(c.label, word) {
			return c.digit
		}
	}
	return ""
}
