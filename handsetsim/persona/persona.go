// Package persona is what people do with the bills on their phones.
//
// A [Person] has a PIN, a habit ([Kind]) and a pace, and decides by them alone:
// the same seed gives the same person. Personas know nothing of the wire; what a
// persona needs from outside, such as an empty account behind the first card, is
// arranged at enrolment.
//
// Left out: people who pay in another's name.
package persona

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/applet"
)

// Kind is a habit.
type Kind string

// The habits. All that pay go on to another card when one is declined, and refuse
// when there is none left (S10).
const (
	Pays          Kind = "pays"            // confirms and pays with the first card
	Refuses       Kind = "refuses"         // says no (S11)
	PoorFirstCard Kind = "poor-first-card" // pays; the account behind the first card is empty
	WrongPINOnce  Kind = "wrong-pin-once"  // mistypes the first PIN of each bill
	PaysLater     Kind = "pays-later"      // puts it off, then pays from the list (S16)
	Never         Kind = "never"           // looks and does nothing (S18)
	Away          Kind = "away"            // the phone is off when the first message comes, then pays
	Manual        Kind = "manual"          // leaves everything to whoever controls the phone
)

// Kinds lists all habits.
func Kinds() []Kind {
	return append([]Kind{Pays, Refuses, PoorFirstCard, WrongPINOnce, PaysLater, Never, Away, Manual}, awkward()...)
}

// ParseKind reads a habit's name.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); slices.Contains(Kinds(), k) {
		return k, nil
	}
	names := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return "", fmt.Errorf("no persona %q: choose one of %s", s, strings.Join(names, ", "))
}

// StartsOff says whether the phone of such a person is off to begin with.
func (k Kind) StartsOff() bool { return k == Away }

// Pace is how long people take, on average: each time is between half and one and a
// half of it. The zero Pace is a quick person who has paid within a second.
type Pace struct {
	Read  time.Duration // from the bill's showing to a decision; 0 is 250 ms
	Type  time.Duration // to pick a card and type the PIN; 0 is 300 ms
	Later time.Duration // for which a bill is put off; 0 is 3 s
	Off   time.Duration // for which a phone stays off after it missed a message; 0 is 2 s

	// Think is how long a person takes over a bill, in one, instead of Read, Type and
	// Later: from its showing, or from when it was put off, to what they do about it. nil
	// leaves those.
	Think *Think
}

func (p Pace) withDefaults() Pace {
	orElse := func(d, other time.Duration) time.Duration {
		if d <= 0 {
			return other
		}
		return d
	}
	return Pace{
		Read:  orElse(p.Read, 250*time.Millisecond),
		Type:  orElse(p.Type, 300*time.Millisecond),
		Later: orElse(p.Later, 3*time.Second),
		Off:   orElse(p.Off, 2*time.Second),
		Think: p.Think,
	}
}

// Person is one person: a habit, a PIN, and a generator of their own.
type Person struct {
	kind Kind
	pin  applet.PIN
	pace *Pace
	rand rand.PCG
}

var (
	_ handsetsim.Person  = (*Person)(nil)
	_ handsetsim.Sleeper = (*Person)(nil)
)

// NewPace copies p with its defaults filled in, to be shared by many people.
func NewPace(p Pace) *Pace { return new(p.withDefaults()) }

// New makes a person without a PIN. The seed is theirs alone.
func New(kind Kind, pace *Pace, seed uint64) *Person {
	return &Person{kind: kind, pace: pace, rand: *rand.NewPCG(seed, 0x61697274696c6c)}
}

// Kind is the person's habit.
func (p *Person) Kind() Kind { return p.kind }

// Become changes the habit and keeps the PIN.
func (p *Person) Become(k Kind) { p.kind = k }

// Learn tells the person their PIN.
func (p *Person) Learn(pin applet.PIN) { p.pin = pin }

// Knows says whether the person has a PIN.
func (p *Person) Knows() bool { return p.pin.Reveal() != "" }

// PIN is what the person types when they mean it.
func (p *Person) PIN() applet.PIN { return p.pin }

// about is a time between half and one and a half of d.
func (p *Person) about(d time.Duration) time.Duration {
	return d/2 + time.Duration(p.rand.Uint64()%uint64(max(d, 1)))
}

// read is how long the person takes to make up their mind.
func (p *Person) read() time.Duration {
	if p.pace.Think != nil {
		return p.pace.Think.draw(&p.rand)
	}
	return p.about(p.pace.Read)
}

// later is how long the person puts a bill off.
func (p *Person) later() time.Duration {
	if p.pace.Think != nil {
		return p.pace.Think.draw(&p.rand)
	}
	return p.about(p.pace.Later)
}

// typing is how long the person takes over card and PIN, when their mind is made up.
func (p *Person) typing() time.Duration {
	if p.pace.Think != nil {
		return 0
	}
	return p.about(p.pace.Type)
}

// Asleep implements [handsetsim.Sleeper].
func (p *Person) Asleep() time.Duration { return p.about(p.pace.Off) }

// Decide implements [handsetsim.Person].
func (p *Person) Decide(s handsetsim.Screen) handsetsim.Decision {
	if d, ok := p.awkwardly(s); ok {
		return d
	}
	if p.kind == Manual || p.kind == Never {
		return handsetsim.Decision{}
	}
	switch s.Prompt {
	case handsetsim.AskConfirm:
		return p.confirm()
	case handsetsim.AskBill:
		return handsetsim.Decision{After: p.read(), Act: handsetsim.Confirm}
	case handsetsim.AskLater:
		return handsetsim.Decision{After: p.later(), Act: handsetsim.Confirm}
	case handsetsim.AskCard, handsetsim.AskOther:
		return p.pick(s)
	case handsetsim.AskPIN:
		return p.with(s.Slot)
	case handsetsim.AskAgain: // the result may still come
	}
	return handsetsim.Decision{}
}

func (p *Person) confirm() handsetsim.Decision {
	after := p.read()
	switch p.kind {
	case Refuses:
		return handsetsim.Decision{After: after, Act: handsetsim.Refuse, Reason: applet.RefuseNotMine, Text: "not my order"}
	case PaysLater:
		return handsetsim.Decision{After: after, Act: handsetsim.Defer}
	}
	return handsetsim.Decision{After: after, Act: handsetsim.Confirm}
}

// pick takes the first card that was not declined for this bill, or gives up.
func (p *Person) pick(s handsetsim.Screen) handsetsim.Decision {
	for _, c := range s.Cards {
		if !slices.Contains(s.Declined, c.Slot) {
			return p.with(c.Slot)
		}
	}
	return handsetsim.Decision{After: p.read(), Act: handsetsim.Refuse, Reason: applet.RefuseNoFunds, Text: "no card left"}
}

// with pays with a card, if the PIN is known; else the card waits for who types it.
func (p *Person) with(slot int) handsetsim.Decision {
	if !p.Knows() {
		return handsetsim.Decision{}
	}
	return handsetsim.Decision{After: p.typing(), Act: handsetsim.Pay, Slot: slot}
}

// TypePIN implements [handsetsim.Person].
func (p *Person) TypePIN(s handsetsim.Screen) applet.PIN {
	if p.kind == WrongPIN || p.kind == WrongPINOnce && s.WrongPINs == 0 {
		return mistyped(p.pin)
	}
	return p.pin
}

// mistyped is the PIN with its last digit one off.
func mistyped(pin applet.PIN) applet.PIN {
	digits := []byte(pin.Reveal())
	if len(digits) == 0 {
		return pin
	}
	last := &digits[len(digits)-1]
	*last = '0' + (*last-'0'+1)%10
	wrong, err := applet.ParsePIN(string(digits))
	if err != nil {
		return pin
	}
	return wrong
}
