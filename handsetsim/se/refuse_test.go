package se

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// unlike tells what of an element is not as it was.
func (e *Element) unlike(before string) string {
	if now := e.looks(); now != before {
		return fmt.Sprintf("was %s, is %s", before, now)
	}
	return ""
}

// looks are all of an element that a packet can change.
func (e *Element) looks() string {
	return fmt.Sprint(e.state, e.KeyVersion(), e.held.before != nil, e.held.pins.Counter(), len(e.held.cards))
}

// Every message of the platform with any one bit changed is refused, in the clear
// header and behind it, and nothing moves.
func TestEveryBit(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 1), new(store)
		e := personalised(t, w, applet.SIM, c)
		before, saves := e.looks(), c.saves
		for _, m := range w.toHandset() {
			packet := w.send(1, 7, m)
			for bit := range 8 * len(packet) {
				flipped := bytes.Clone(packet)
				flipped[bit/8] ^= 1 << (bit % 8)
				if payload, err := e.Open(flipped); err != ErrRefused || payload != nil {
					t.Fatalf("%s, bit %d: %v", m.Type(), bit, err)
				}
			}
			for cut := range packet {
				if _, err := e.Open(packet[:cut]); !errors.Is(err, ErrRefused) {
					t.Fatalf("%s of %d octets: %v", m.Type(), cut, err)
				}
			}
		}
		if diff := e.unlike(before); diff != "" || c.saves != saves {
			t.Error(diff)
		}
		opened(t, e, w.send(1, 7, w.toHandset()[0]))
	})
}

// Every message of the platform replayed into every later state changes nothing.
func TestEveryReplay(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		var past [][]byte
		for version := uint8(1); version < 4; version++ {
			messages := w.toHandset()
			messages[len(messages)-1] = w.keys(version + 1)
			for _, m := range messages {
				packet := w.send(version, uint64(len(past)+1), m)
				past = append(past, packet)
				opened(t, e, packet)
				must(e.Wrap(nil))
				before := e.looks()
				for i, old := range past {
					if payload, err := e.Open(old); !errors.Is(err, ErrReplay) && !errors.Is(err, ErrRefused) || payload != nil {
						t.Errorf("packet %d after %d: %v", i+1, len(past), err)
					}
				}
				if diff := e.unlike(before); diff != "" {
					t.Errorf("replays after %d: %s", len(past), diff)
				}
			}
		}
	})
}

// An element negotiates nothing (wire.md 5): a packet of the other suite, of another
// key set, direction, version or application is refused, even made with keys that
// somebody gave away.
func TestNegotiatesNothing(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		before := e.looks()
		profiles := map[string]scp80.Profile{}
		for _, s := range suites() {
			for version := uint8(1); version <= 3; version++ {
				for _, d := range []scp80.Direction{scp80.MO, scp80.MT} {
					profiles[fmt.Sprintf("%v, version %d, direction %d", s, version, d)] = s.Profile(d, version)
				}
			}
		}
		own := suite.Profile(scp80.MT, 1)
		other := own
		other.TAR++
		profiles["another application"] = other
		accepted := 0
		for name, p := range profiles {
			keys := w.pers.MT
			if p.KIc&0xF != own.KIc&0xF {
				for _, s := range suites() {
					if s != suite {
						keys = keysOf(s, 2)
					}
				}
			}
			packet, err := scp80.Wrap(p, keys, 9, applet.Encode(suite, w.toHandset()[0]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, err = e.Open(packet)
			switch {
			case p == own:
				accepted++
				before = e.looks()
			case !errors.Is(err, ErrRefused):
				t.Errorf("%s: %v", name, err)
			}
		}
		if diff := e.unlike(before); diff != "" || accepted != 1 {
			t.Errorf("%d accepted; %s", accepted, diff)
		}
	})
}

// The suite is for life: no later personalisation changes it.
func TestSuiteIsForLife(t *testing.T) {
	for _, first := range suites() {
		for _, second := range suites() {
			e := personalised(t, newWorld(first, 1), applet.SIM, nil)
			err := e.Personalise(newWorld(second, 1).seal(e))
			if changed := first != second; errors.Is(err, ErrPersonalisation) != changed || e.Suite() != first {
				t.Errorf("%v, then %v: %v, %v", first, second, e.Suite(), err)
			}
		}
	}
}

// What the branch once sealed does not bring back packet keys that the element has left.
func TestOldPersonalisation(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 1), new(store)
		e := lasting(t, w, c)
		old := w.seal(e)
		if err := e.Personalise(old); err != nil {
			t.Errorf("the same again: %v", err)
		}
		opened(t, e, w.send(1, 1, w.keys(2)))
		contents := string(c.contents)
		if err := e.Personalise(old); !errors.Is(err, ErrPersonalisation) || string(c.contents) != contents {
			t.Errorf("an older one: %v", err)
		}
		speaks(t, w, e, 2)
		w.pers.Version = 3
		w.pers.MO, w.pers.MT = w.versionKeys(3)
		if err := e.Personalise(w.seal(e)); err != nil {
			t.Errorf("a newer one: %v", err)
		}
		speaks(t, w, e, 3)
		speaks(t, w, remade(t, c), 3)
	})
}
