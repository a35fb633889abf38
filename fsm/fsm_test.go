package fsm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm"
)

var errShut = errors.New("the lock is on")

func door(change func(*fsm.Definition[bool])) fsm.Definition[bool] {
	d := fsm.Definition[bool]{
		Name: "door", Initial: "closed", Final: []fsm.State{"broken"},
		Transitions: []fsm.Transition{
			{Event: "open", From: []fsm.State{"closed"}, To: "opened"},
			{Event: "close", From: []fsm.State{"opened"}, To: "closed"},
			{Event: "knock", From: []fsm.State{"closed", "opened"}, To: fsm.Stay},
			{Event: "break", From: []fsm.State{"closed", "opened"}, To: "broken"},
		},
		Guards: map[fsm.Event]fsm.Guard[bool]{
			"open": func(locked bool) error {
				if locked {
					return errShut
				}
				return nil
			},
			"knock": func(locked bool) error {
				if locked {
					return errShut
				}
				return nil
			},
		},
	}
	if change != nil {
		change(&d)
	}
	return d
}

func TestFire(t *testing.T) {
	m, err := fsm.New(door(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		from   fsm.State
		event  fsm.Event
		locked bool
		to     fsm.State
		err    error
	}{
		{"closed", "open", false, "opened", nil},
		{"closed", "open", true, "closed", errShut},
		{"opened", "open", false, "opened", fsm.ErrIllegal},
		{"opened", "close", true, "closed", nil},
		{"opened", "knock", false, "opened", nil},
		{"closed", "knock", true, "closed", errShut},
		{"closed", "break", true, "broken", nil},
		{"broken", "close", false, "broken", fsm.ErrIllegal},
		{"nowhere", "close", false, "nowhere", fsm.ErrIllegal},
		{"closed", "nothing", false, "closed", fsm.ErrIllegal},
		{"closed", "open", false, "opened", nil}, // and it still works after all that
		{"opened", "close", false, "closed", nil},
		{"closed", "open", true, "closed", errShut}, // a guard is asked every time
		{"broken", "break", false, "broken", fsm.ErrIllegal},
	} {
		to, err := m.Fire(test.from, test.event, test.locked)
		if to != test.to || !errors.Is(err, test.err) {
			t.Errorf("%s from %s, locked %v: %s, %v; want %s, %v", test.event, test.from, test.locked, to, err, test.to, test.err)
		}
		refused, ok := errors.AsType[*fsm.TransitionError](err)
		if ok != (test.err != nil) || ok && (refused.From != test.from || refused.Event != test.event) {
			t.Errorf("%s from %s: the error is %#v", test.event, test.from, err)
		}
		if legal := test.err == nil || errors.Is(test.err, errShut); m.Can(test.from, test.event) != legal {
			t.Errorf("Can %s from %s is not %v", test.event, test.from, legal)
		}
	}
}

// TestPanic: a guard that panics leaves a machine that still works.
func TestPanic(t *testing.T) {
	d := door(nil)
	d.Guards["close"] = func(bool) error { panic("guard") }
	m, err := fsm.New(d)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = m.Fire("opened", "close", false)
	}()
	if to, err := m.Fire("closed", "open", false); to != "opened" || err != nil {
		t.Errorf("after a panic: %s, %v", to, err)
	}
}

func TestNewRefuses(t *testing.T) {
	add := func(tr fsm.Transition) func(*fsm.Definition[bool]) {
		return func(d *fsm.Definition[bool]) { d.Transitions = append(d.Transitions, tr) }
	}
	guard := func(e fsm.Event, g fsm.Guard[bool]) func(*fsm.Definition[bool]) {
		return func(d *fsm.Definition[bool]) { d.Guards[e] = g }
	}
	for name, test := range map[string]struct {
		change func(*fsm.Definition[bool])
		want   string
	}{
		"twice":          {add(fsm.Transition{Event: "open", From: []fsm.State{"closed"}, To: "broken"}), "open from closed is there twice"},
		"unreachable":    {add(fsm.Transition{Event: "fly", From: []fsm.State{"sky"}, To: "closed"}), "nothing leads to state sky"},
		"dead end":       {add(fsm.Transition{Event: "burn", From: []fsm.State{"closed"}, To: "ash"}), "nothing leaves state ash"},
		"final but left": {add(fsm.Transition{Event: "mend", From: []fsm.State{"broken"}, To: "closed"}), "state broken is final"},
		"unknown final":  {func(d *fsm.Definition[bool]) { d.Final = append(d.Final, "gone") }, "final state gone"},
		"no source":      {add(fsm.Transition{Event: "x", To: "closed"}), "no source"},
		"misspelt guard": {guard("opne", func(bool) error { return nil }), "the guard of opne would never be asked"},
		"nil guard":      {guard("open", nil), "is nil"},
		"reserved event": {add(fsm.Transition{Event: "event", From: []fsm.State{"closed"}}), "no usable name"},
		"reserved state": {add(fsm.Transition{Event: "x", From: []fsm.State{"closed"}, To: "state"}), "no usable name"},
	} {
		_, err := fsm.New(door(test.change))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "machine door: ") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestChart(t *testing.T) {
	m, err := fsm.New(door(nil))
	if err != nil {
		t.Fatal(err)
	}
	const want = `stateDiagram-v2
    [*] --> closed
    closed --> closed: knock
    closed --> opened: open
    closed --> broken: break
    opened --> closed: close
    opened --> opened: knock
    opened --> broken: break
    broken --> [*]
`
	if got := m.Chart(); got != want {
		t.Errorf("the chart is\n%s", got)
	}
}

func BenchmarkFire(b *testing.B) {
	m, err := fsm.New(door(nil))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("moves", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = m.Fire("closed", "open", false)
		}
	})
	b.Run("refused by its guard", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = m.Fire("closed", "open", true)
		}
	})
	b.Run("illegal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = m.Fire("opened", "open", false)
		}
	})
	b.Run("can", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = m.Can("opened", "open")
		}
	})
}
