package se

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// opened has an element open a packet that it accepts.
func opened(t testing.TB, e *Element, packet []byte) {
	t.Helper()
	if _, err := e.Open(packet); err != nil {
		t.Fatal(err)
	}
}

// speaks sees under which version of the keys the element makes packets.
func speaks(t testing.TB, w *world, e *Element, version uint8) {
	t.Helper()
	packet := must(e.Wrap([]byte("hello")))
	if counter, _, err := w.read(version, packet); err != nil || counter != e.state.Sent || e.KeyVersion() != version {
		t.Errorf("speaks version %d, counter %d of %d: %v", e.KeyVersion(), counter, e.state.Sent, err)
	}
}

// New keys come under the old ones, are used from then on, and the old ones serve
// until the platform has used the new.
func TestRekey(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		bill := w.toHandset()[0]
		opened(t, e, w.send(1, 1, bill))
		speaks(t, w, e, 1)
		opened(t, e, w.send(1, 2, w.keys(2)))
		speaks(t, w, e, 2)
		opened(t, e, w.send(1, 3, bill))      // the platform has not heard yet
		opened(t, e, w.send(1, 4, w.keys(2))) // and says it again
		speaks(t, w, e, 2)
		if _, err := e.Open(w.send(2, 4, bill)); !errors.Is(err, ErrReplay) {
			t.Errorf("a counter that the old keys have used: %v", err)
		}
		opened(t, e, w.send(2, 5, bill))
		if _, err := e.Open(w.send(1, 6, bill)); !errors.Is(err, ErrRefused) {
			t.Errorf("under keys that both sides have left: %v", err)
		}
		opened(t, e, w.send(2, 7, w.keys(2))) // once more, for no reason
		speaks(t, w, e, 2)
		for version := uint8(3); version < 9; version++ { // key sets come round after three
			opened(t, e, w.send(version-1, uint64(10*version), w.keys(version)))
			speaks(t, w, e, version)
			opened(t, e, w.send(version, uint64(10*version)+1, bill))
		}
	})
}

// The platform may not have heard of one version when it sends the next. Then that
// which it uses goes on to serve.
func TestRekeyTwice(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w := newWorld(suite, 1)
		e := personalised(t, w, applet.SIM, nil)
		opened(t, e, w.send(1, 1, w.keys(2)))
		opened(t, e, w.send(1, 2, w.keys(4))) // of the same key set as version 1
		speaks(t, w, e, 4)
		opened(t, e, w.send(1, 3, w.toHandset()[0]))
		opened(t, e, w.send(4, 4, w.toHandset()[0]))
		if _, err := e.Open(w.send(1, 5, w.toHandset()[0])); !errors.Is(err, ErrRefused) {
			t.Errorf("under keys that both sides have left: %v", err)
		}
	})
}

// Keys that are damaged, another element's or an earlier version's change nothing.
func TestRekeyRefuses(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, stranger := newWorld(suite, 1), newWorld(suite, 1)
		stranger.pers.KIK = scp80.NewKey[applet.KeyEncryptionKey](octets(suite, 63))
		e := personalised(t, w, applet.SIM, nil)
		opened(t, e, w.send(1, 1, w.keys(2)))
		opened(t, e, w.send(2, 2, w.keys(3)))
		opened(t, e, w.send(3, 3, w.toHandset()[0]))
		damaged, renamed, other := w.keys(4), w.keys(4), w.keys(3)
		damaged.Wrapped[len(damaged.Wrapped)/2] ^= 1
		renamed.Version = 5
		mo, mt := w.versionKeys(7)
		other.Wrapped = must(applet.WrapKeys(suite, w.pers.KIK, 3, mo, mt))
		counter := uint64(3)
		for name, m := range map[string]*applet.Keys{
			"damaged": damaged, "wrapped for another element": stranger.keys(4), "of another version than it says": renamed,
			"of an earlier version": w.keys(2), "of the first version": w.keys(1), "other keys of the version in use": other,
		} {
			counter++
			if _, err := e.Open(w.send(3, counter, m)); !errors.Is(err, ErrKeys) {
				t.Errorf("%s: %v", name, err)
			}
			speaks(t, w, e, 3)
			if e.state.Received != counter {
				t.Errorf("%s: the packet could be taken again", name)
			}
		}
		cut, third := applet.Encode(suite, w.keys(4)), w.channel(3)
		if _, err := e.Open(must(third.Wrap(counter+1, cut[:len(cut)-1]))); !errors.Is(err, ErrKeys) {
			t.Errorf("cut off: %v", err)
		}
		opened(t, e, w.send(3, counter+2, w.keys(4)))
		speaks(t, w, e, 4)
	})
}

// Keys are kept before they are used, and an element that is made again goes on with
// them, whether the platform has used them or not.
func TestRekeyOutlives(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 1), new(store)
		e := lasting(t, w, c)
		bill := w.toHandset()[0]
		counter := uint64(0)
		next := func() uint64 { counter++; return counter }
		restart := func() { e = remade(t, c) }
		for version := uint8(1); version < 6; version++ {
			opened(t, e, w.send(version, next(), w.keys(version+1)))
			restart()
			speaks(t, w, e, version+1)
			opened(t, e, w.send(version, next(), bill)) // the old ones serve
			opened(t, e, w.send(version+1, next(), bill))
			restart()
			if _, err := e.Open(w.send(version, counter+1, bill)); !errors.Is(err, ErrRefused) {
				t.Errorf("under version %d: %v", version, err)
			}
		}
		opened(t, e, w.send(6, next(), w.keys(7)))
		opened(t, e, w.send(6, next(), w.keys(8))) // without a word between
		restart()
		speaks(t, w, e, 8)
		opened(t, e, w.send(6, next(), bill))
		before := bytes.Clone(c.contents)
		c.down = true
		if _, err := e.Open(w.send(8, counter+1, w.keys(9))); !errors.Is(err, errDown) {
			t.Errorf("without a store: %v", err)
		}
		c.down = false
		if !bytes.Equal(c.contents, before) || e.KeyVersion() != 8 {
			t.Error("new keys that were not kept are in use")
		}
		opened(t, e, w.send(8, next(), w.keys(9)))
		speaks(t, w, e, 9)
	})
}

// Whatever KEYS come in whatever order, under whatever keys the platform may use,
// platform and element can always speak, also after a restart.
func TestRekeyProperty(t *testing.T) {
	w := newWorld(scp80.Modern, 1)
	rapid.Check(t, func(t *rapid.T) {
		c := new(store)
		e := must(New(Config{ID: element, Form: applet.SIM, Rand: seeded(1), Counters: c, Contents: c}))
		if err := e.Personalise(w.seal(e)); err != nil {
			t.Fatal(err)
		}
		uses, highest := uint8(1), uint8(1) // the platform's version, and the last it has sent
		for counter := uint64(1); counter < 30; counter++ {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0: // it sends the next version, or the last once more
				highest = min(highest+uint8(rapid.IntRange(0, 2).Draw(t, "steps")), 16)
				if highest == uses {
					continue
				}
				if _, err := e.Open(w.send(uses, counter, w.keys(highest))); err != nil {
					t.Fatalf("KEYS %d under %d: %v", highest, uses, err)
				}
			case 1: // it hears the element
				uses = e.KeyVersion()
				if _, _, err := w.read(uses, must(e.Wrap(nil))); err != nil {
					t.Fatalf("element under %d: %v", uses, err)
				}
			case 2:
				e = must(New(Config{ID: element, Form: applet.SIM, Rand: seeded(2), Counters: c, Contents: c}))
			case 3:
				if _, err := e.Open(w.send(uses, counter, w.toHandset()[0])); err != nil {
					t.Fatalf("BILL under %d, element at %d: %v", uses, e.KeyVersion(), err)
				}
			}
		}
	})
}
