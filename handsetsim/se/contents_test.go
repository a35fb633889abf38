package se

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// store keeps counters and contents, and can be made to fail.
type store struct {
	state    State
	contents []byte
	saves    int // of counters
	down     bool
}

var errDown = errors.New("store down")

func (s *store) Load() (State, error) {
	if s.down {
		return State{}, errDown
	}
	return s.state, nil
}

func (s *store) Save(state State) error {
	if s.down {
		return errDown
	}
	s.state, s.saves = state, s.saves+1
	return nil
}

func (s *store) LoadContents() ([]byte, error) {
	if s.down {
		return nil, errDown
	}
	return s.contents, nil
}

func (s *store) SaveContents(contents []byte) error {
	if s.down {
		return errDown
	}
	s.contents = bytes.Clone(contents)
	return nil
}

// remade is an element that goes on with what a store keeps.
func remade(t testing.TB, c *store) *Element {
	t.Helper()
	e, err := New(Config{ID: element, Form: applet.SIM, Rand: seeded(99), Counters: c, Contents: c})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// lasting is a personalised element whose contents are kept.
func lasting(t testing.TB, w *world, c *store) *Element {
	t.Helper()
	e := remade(t, c)
	if err := e.Personalise(w.seal(e)); err != nil {
		t.Fatal(err)
	}
	return e
}

// An element that is made again has its key pair, its keys and cards, and its counters.
func TestOutlives(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 2), new(store)
		e := remade(t, c)
		blank := remade(t, c)
		if !bytes.Equal(e.PublicKey(), blank.PublicKey()) || blank.Personalised() {
			t.Error("the blank element is another one")
		}
		if err := blank.Personalise(w.seal(e)); err != nil { // sealed before it was made again
			t.Fatal(err)
		}
		checkPay(t, w, blank, 1, 1)
		opened(t, blank, w.send(1, 4, w.toHandset()[0]))
		e = remade(t, c)
		if got, want := fmt.Sprint(e.Cards(), e.Suite(), e.KeyVersion(), e.ID()), fmt.Sprint(blank.Cards(), suite, 1, element); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		checkPay(t, w, e, 2, 2)
		if _, err := e.Open(w.send(1, 4, w.toHandset()[0])); !errors.Is(err, ErrReplay) {
			t.Errorf("a packet of before: %v", err)
		}
		opened(t, e, w.send(1, 5, w.toHandset()[0]))
		speaks(t, w, e, 1)
	})
}

// Contents that no element of this number and form had are refused, without a word of what is in them.
func TestContentsRefused(t *testing.T) {
	w, c := newWorld(scp80.Modern, 1), new(store)
	e := lasting(t, w, c)
	good, seal := c.contents, w.seal(e)
	change := func(f func(*kept)) []byte {
		var k kept
		if err := json.Unmarshal(good, &k); err != nil {
			t.Fatal(err)
		}
		f(&k)
		return must(json.Marshal(k))
	}
	sealed := func(f func(*kept)) []byte {
		return change(func(k *kept) { k.Opened, k.Sealed = nil, bytes.Clone(seal); f(k) })
	}
	for name, contents := range map[string][]byte{
		"nothing":           {},
		"no JSON":           good[1:],
		"another form":      change(func(k *kept) { k.Form = applet.SDTF }),
		"a short seed":      change(func(k *kept) { k.Seed = k.Seed[1:] }),
		"another key pair":  sealed(func(k *kept) { k.Seed[0] ^= 1 }),
		"a damaged seal":    sealed(func(k *kept) { k.Sealed[9] ^= 1 }),
		"nothing in it":     change(func(k *kept) { k.Opened = []byte("{}") }),
		"cut short":         change(func(k *kept) { k.Opened = k.Opened[:99] }),
		"of another one":    change(func(k *kept) { k.Opened = bytes.ReplaceAll(k.Opened, []byte(element), []byte("89860112345678901235")) }),
		"keys of nobody":    change(func(k *kept) { k.Keys = []keptKeys{{Version: 2}} }),
		"more keys than go": change(func(k *kept) { k.Keys = make([]keptKeys, 3) }),
	} {
		c.contents = contents
		if e, err := New(Config{ID: element, Form: applet.SIM, Rand: seeded(1), Counters: c, Contents: c}); !errors.Is(err, ErrContents) || e != nil {
			t.Errorf("%s: %v", name, err)
		} else if bytes.Contains([]byte(err.Error()), []byte("seed")) {
			t.Errorf("%s: the error says what is in it: %v", name, err)
		}
	}
	c.contents = sealed(func(*kept) {})
	if e := remade(t, c); !e.Personalised() || len(e.Cards()) != 1 {
		t.Error("contents that are sealed, as they were kept before, are refused")
	}
	c.contents = good
	if _, err := New(Config{ID: "89860112345678901235", Form: applet.SIM, Rand: seeded(1), Counters: c, Contents: c}); !errors.Is(err, ErrContents) {
		t.Errorf("another element: %v", err)
	}
	if err := (Config{ID: element, Form: applet.SIM, Rand: seeded(1), Contents: c}).Validate(); err == nil {
		t.Error("contents are kept and counters are not")
	}
}

// What the branch puts in is kept first.
func TestContentsAreKeptFirst(t *testing.T) {
	w, c := newWorld(scp80.Modern, 1), new(store)
	e := remade(t, c)
	c.down = true
	if err := e.Personalise(w.seal(e)); !errors.Is(err, errDown) || e.Personalised() {
		t.Errorf("without a store: %v", err)
	}
	if _, err := New(Config{ID: element, Form: applet.SIM, Rand: seeded(1), Counters: new(store), Contents: c}); !errors.Is(err, errDown) {
		t.Errorf("made without a store: %v", err)
	}
}

// A snapshot is the element as it was: restored, it uses again what it has used, which
// is what the platform has to notice.
func TestSnapshot(t *testing.T) {
	inEach(t, func(t *testing.T, suite scp80.Suite) {
		w, c := newWorld(suite, 1), new(store)
		e := lasting(t, w, c)
		checkPay(t, w, e, 1, 1)
		s := e.Snapshot()
		first := must(e.Wrap([]byte("once")))
		checkPay(t, w, e, 1, 2)
		opened(t, e, w.send(1, 1, w.keys(2)))
		speaks(t, w, e, 2)
		kept, state := bytes.Clone(c.contents), c.state
		clone := blank(applet.SDTF, nil)
		for _, copied := range []*Element{e, clone, e} { // as often as one likes
			copied.Restore(s)
			if got := must(copied.Wrap([]byte("once"))); !bytes.Equal(got, first) || copied.Form() != applet.SIM {
				t.Error("the copy goes on elsewhere")
			}
			checkPay(t, w, copied, 1, 2)
			opened(t, copied, w.send(1, 1, w.toHandset()[0]))
			speaks(t, w, copied, 1)
		}
		if !bytes.Equal(c.contents, kept) || c.state != state {
			t.Error("the copy has changed what the element keeps")
		}
		speaks(t, w, remade(t, c), 2)
		blank(applet.SIM, nil).Snapshot() // of nothing
	})
}
