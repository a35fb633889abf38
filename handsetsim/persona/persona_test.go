package persona_test

import (
	"testing"
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
)

func person(t *testing.T, kind persona.Kind, seed uint64) *persona.Person {
	t.Helper()
	p := persona.New(kind, persona.NewPace(persona.Pace{}), seed)
	p.Learn(pinOf(t, "2580"))
	return p
}

func pinOf(t *testing.T, digits string) applet.PIN {
	t.Helper()
	pin, err := applet.ParsePIN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// TestHabits: what each habit does about each prompt.
func TestHabits(t *testing.T) {
	cards := []se.Card{{Slot: 1}, {Slot: 2}}
	confirm := handsetsim.Screen{Prompt: handsetsim.AskConfirm, Cards: cards}
	card := handsetsim.Screen{Prompt: handsetsim.AskCard, Cards: cards}
	other := handsetsim.Screen{Prompt: handsetsim.AskOther, Cards: cards, Slot: 1, Declined: []int{1}}
	none := handsetsim.Screen{Prompt: handsetsim.AskOther, Cards: cards, Slot: 2, Declined: []int{1, 2}}
	again := handsetsim.Screen{Prompt: handsetsim.AskPIN, Cards: cards, Slot: 2, WrongPINs: 1}
	later := handsetsim.Screen{Prompt: handsetsim.AskLater, Cards: cards}
	silence := handsetsim.Screen{Prompt: handsetsim.AskAgain, Cards: cards}
	payer := map[*handsetsim.Screen]handsetsim.Decision{
		&confirm: {Act: handsetsim.Confirm}, &card: {Act: handsetsim.Pay, Slot: 1}, &other: {Act: handsetsim.Pay, Slot: 2},
		&none: {Act: handsetsim.Refuse, Reason: applet.RefuseNoFunds}, &again: {Act: handsetsim.Pay, Slot: 2},
		&later: {Act: handsetsim.Confirm}, &silence: {},
	}
	nothing := map[*handsetsim.Screen]handsetsim.Decision{&confirm: {}, &card: {}, &other: {}, &none: {}, &again: {}, &later: {}, &silence: {}}
	for kind, want := range map[persona.Kind]map[*handsetsim.Screen]handsetsim.Decision{
		persona.Pays: payer, persona.PoorFirstCard: payer, persona.WrongPINOnce: payer, persona.Away: payer,
		persona.Never: nothing, persona.Manual: nothing,
		persona.Refuses:   {&confirm: {Act: handsetsim.Refuse, Reason: applet.RefuseNotMine}},
		persona.PaysLater: {&confirm: {Act: handsetsim.Defer}, &later: {Act: handsetsim.Confirm}, &card: {Act: handsetsim.Pay, Slot: 1}},
	} {
		for screen, w := range want {
			got := person(t, kind, 1).Decide(*screen)
			if got.Act != w.Act || got.Slot != w.Slot || got.Reason != w.Reason {
				t.Errorf("%s, prompt %d: %+v, want %+v", kind, screen.Prompt, got, w)
			}
			if (got.After > 0) != (got.Act != handsetsim.Wait) {
				t.Errorf("%s, prompt %d: after %v", kind, screen.Prompt, got.After)
			}
		}
	}
}

// TestAwkward: what people do who make trouble, with a client and in a menu.
func TestAwkward(t *testing.T) {
	cards := []se.Card{{Slot: 1}}
	bill := &applet.Bill{Ref: applet.BillRef{1}}
	client := func(p handsetsim.Prompt) handsetsim.Screen {
		return handsetsim.Screen{Prompt: p, Bill: bill, Cards: cards}
	}
	menu := func(p handsetsim.Prompt) handsetsim.Screen {
		return handsetsim.Screen{Prompt: p, Bill: new(applet.Bill), Cards: cards, Slot: 1}
	}
	for _, c := range []struct {
		kind   persona.Kind
		screen handsetsim.Screen
		want   handsetsim.Act
	}{
		{persona.WrongPIN, client(handsetsim.AskCard), handsetsim.Pay},
		{persona.PaysTwice, client(handsetsim.AskConfirm), handsetsim.Confirm},
		{persona.PaysTwice, client(handsetsim.AskCard), handsetsim.PayTwice},
		{persona.PaysTwice, menu(handsetsim.AskCard), handsetsim.Pay},
		{persona.PaysOver, client(handsetsim.AskCard), handsetsim.PayLate},
		{persona.PaysOver, menu(handsetsim.AskCard), handsetsim.Pay},
		{persona.LooksOnly, client(handsetsim.AskConfirm), handsetsim.Wait},
		{persona.LooksOnly, menu(handsetsim.AskConfirm), handsetsim.HangUp},
		{persona.LooksOnly, menu(handsetsim.AskLater), handsetsim.Wait},
		{persona.DropsMenu, menu(handsetsim.AskConfirm), handsetsim.Confirm},
		{persona.DropsMenu, menu(handsetsim.AskPIN), handsetsim.HangUp},
		{persona.DropsMenu, menu(handsetsim.AskLater), handsetsim.Wait},
		{persona.WritesUCS2, client(handsetsim.AskCard), handsetsim.Pay},
	} {
		p := person(t, c.kind, 1)
		d := p.Decide(c.screen)
		if d.Act != c.want || (d.Act != handsetsim.Wait) != (d.After > 0) {
			t.Errorf("%s, prompt %d: %+v, want act %d", c.kind, c.screen.Prompt, d, c.want)
		}
		if c.kind == persona.WritesUCS2 && d.Text == "" {
			t.Errorf("%s writes nothing", c.kind)
		}
		if p.UCS2() != (c.kind == persona.WritesUCS2) {
			t.Errorf("%s writes UCS-2: %v", c.kind, p.UCS2())
		}
	}
}

// TestPINs: wrong-pin mistypes all, wrong-pin-once the first of a bill, and nobody else any.
func TestPINs(t *testing.T) {
	for _, kind := range persona.Kinds() {
		p := person(t, kind, 1)
		for wrong := range 2 {
			typed := p.TypePIN(handsetsim.Screen{WrongPINs: wrong}).Reveal()
			if right := typed == "2580"; right == (kind == persona.WrongPIN || kind == persona.WrongPINOnce && wrong == 0) {
				t.Errorf("%s after %d wrong PINs: right %v", kind, wrong, right)
			}
			if len(typed) != 4 {
				t.Errorf("%s types %d digits", kind, len(typed))
			}
		}
	}
}

// TestSeeds: the same seed is the same person, another seed another; think times stay
// within a half and one and a half of the pace.
func TestSeeds(t *testing.T) {
	think := func(seed uint64) []time.Duration {
		p := person(t, persona.Pays, seed)
		var all []time.Duration
		for range 100 {
			all = append(all, p.Decide(handsetsim.Screen{Prompt: handsetsim.AskConfirm}).After)
		}
		return all
	}
	a, b, c := think(1), think(1), think(2)
	differ := false
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("the same seed thinks %v and %v", a[i], b[i])
		}
		differ = differ || a[i] != c[i]
		if a[i] < 125*time.Millisecond || a[i] > 375*time.Millisecond {
			t.Errorf("thinks %v", a[i])
		}
	}
	if !differ {
		t.Error("two seeds are the same person")
	}
}

// TestKinds: every habit's name reads back, others are refused by name.
func TestKinds(t *testing.T) {
	for _, k := range persona.Kinds() {
		if got, err := persona.ParseKind(string(k)); err != nil || got != k {
			t.Errorf("%s: %v, %v", k, got, err)
		}
	}
	for _, s := range []string{"", "Pays", "rich"} {
		if _, err := persona.ParseKind(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// Who knows no PIN confirms, and leaves the card to somebody who does.
func TestKnowsNoPIN(t *testing.T) {
	for _, kind := range persona.Kinds() {
		p := persona.New(kind, persona.NewPace(persona.Pace{}), 1)
		for _, prompt := range []handsetsim.Prompt{handsetsim.AskCard, handsetsim.AskOther, handsetsim.AskPIN} {
			if d := p.Decide(handsetsim.Screen{Prompt: prompt, Slot: 1, Cards: []se.Card{{Slot: 1}}}); d.Act == handsetsim.Pay {
				t.Errorf("%s pays at prompt %d", kind, prompt)
			}
		}
	}
}
