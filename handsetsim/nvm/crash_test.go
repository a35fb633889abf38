package nvm

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/handsetsim/se"
)

// use is a counter that an element used, of one of three kinds; or the contents it showed.
type use struct {
	element int
	kind    int
	value   uint64
}

// The kinds of uses.
const (
	sent = iota
	received
	typed
	contents
)

// outside is what the world has seen of elements, over all their lives.
type outside map[use]bool

// see notes uses: no counter is seen twice.
func (o outside) see(uses []use) error {
	for _, u := range uses {
		if u.kind != contents && o[u] {
			return fmt.Errorf("used twice: %+v", u)
		}
		o[u] = true
	}
	return nil
}

// life is the time from one start of a memory to its stop.
type life struct {
	memory *Memory
	states map[int]se.State
	unseen []use // whose records may yet be lost
}

// live lets elements do their deeds until the disk stops. What follows from a deed is
// seen outside once the memory has been synced.
func (o outside) live(d disk, deeds []int) error {
	m, err := load(d)
	if errors.Is(err, errCrash) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opened after a stop: %w", err)
	}
	m.slack = 300 // so that the file is replaced in between
	l := life{memory: m, states: make(map[int]se.State)}
	for _, deed := range deeds {
		if err := l.do(deed/2%3, deed/6%4); err != nil {
			return nil // refused: the disk has stopped
		}
		if deed%2 == 0 { // several deeds stand in line
			continue
		}
		if m.Sync(m.Position()) != nil {
			return nil
		}
		if err := o.see(l.unseen); err != nil {
			return err
		}
		l.unseen = nil
	}
	return nil
}

// do has an element use one counter, or take new contents.
func (l *life) do(element_, kind int) error {
	slot := must(l.memory.Slot(element(element_)))
	state, begun := l.states[element_]
	if !begun {
		var err error
		if state, err = slot.Load(); err != nil {
			return err
		}
	}
	var value uint64
	switch kind {
	case sent:
		state.Sent++
		value = state.Sent
	case received:
		state.Received++
		value = state.Received
	case typed:
		state.PIN++
		value = uint64(state.PIN)
	case contents:
		return l.renew(slot, element_)
	}
	l.states[element_] = state
	l.unseen = append(l.unseen, use{element_, kind, value})
	return slot.Save(state)
}

// renew puts the next number into an element's contents.
func (l *life) renew(slot *Slot, element int) error {
	old, err := slot.LoadContents()
	if err != nil {
		return err
	}
	next := uint64(len(old)) + 1
	l.unseen = append(l.unseen, use{element, contents, next})
	return slot.SaveContents(make([]byte, next))
}

// lost finds contents that were seen outside and are not there any more.
func (o outside) lost(d disk) error {
	m, err := load(d)
	if err != nil {
		return err
	}
	for u := range o {
		if u.kind != contents {
			continue
		}
		if now := must(must(m.Slot(element(u.element))).LoadContents()); uint64(len(now)) < u.value {
			return fmt.Errorf("lost: %+v, now %d", u, len(now))
		}
	}
	return nil
}

// lives plays deeds on a disk that stops after so many steps, on what it leaves for a
// while, and on what that leaves to the end.
func lives(deeds []int, first, second, torn int) error {
	o := make(outside)
	d := newCrashDisk()
	d.steps, d.torn = first, torn
	for _, steps := range []int{second, second * 2, -1} {
		if err := o.live(d, deeds); err != nil {
			return err
		}
		d = d.reboot(steps, 8-torn)
	}
	if err := o.live(d, deeds); err != nil {
		return err
	}
	return o.lost(d.reboot(-1, 0))
}

// The machine may stop at every step of every write, also twice, and leave the last
// batch whole, torn or not at all: no counter that the outside has seen is used
// again, and no contents that it has seen are lost (wire.md 5, counter storage).
func TestStopsAtEveryStep(t *testing.T) {
	var deeds []int
	for i := range 60 {
		deeds = append(deeds, i*7%24)
	}
	for first := range 80 {
		for second := range 5 {
			for _, torn := range []int{0, 1, 7, 8} {
				if err := lives(deeds, first, second, torn); err != nil {
					t.Fatalf("stopped at step %d, then %d, torn %d: %v", first, second, torn, err)
				}
			}
		}
	}
}

func TestStopsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deeds := rapid.SliceOfN(rapid.IntRange(0, 23), 1, 60).Draw(t, "deeds")
		first, second := rapid.IntRange(0, 100).Draw(t, "first stop"), rapid.IntRange(0, 20).Draw(t, "second stop")
		if err := lives(deeds, first, second, rapid.IntRange(0, 8).Draw(t, "torn")); err != nil {
			t.Fatal(err)
		}
	})
}

// A file that was cut anywhere opens with all that had been kept by then.
func TestCutAnywhere(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	s := must(m.Slot(one))
	kept := map[int]se.State{len(d.file): {}}
	for n := range uint64(10) {
		state := se.State{Sent: n * 50, Received: n, PIN: uint32(n * 50)}
		saved(t, m, s, state)
		kept[len(d.file)] = state
	}
	var least se.State
	for cut := range len(d.file) + 1 {
		if state, ok := kept[cut]; ok {
			least = state
		}
		c := d.reboot(-1, 0)
		c.file = c.file[:cut]
		got := must(must(loaded(t, c).Slot(one)).Load())
		if got.Sent < least.Sent || got.Received < least.Received || got.PIN < least.PIN {
			t.Fatalf("cut at %d: %+v, want at least %+v", cut, got, least)
		}
	}
}

// A fault before the last batch is damage, not a stop: the counters after it would be lost.
func TestDamage(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	s := must(m.Slot(one))
	saved(t, m, s, se.State{Sent: 1})
	before := len(d.file)
	saved(t, m, s, se.State{Sent: 100})
	for at := range before {
		c := d.reboot(-1, 0)
		c.file = append([]byte(nil), d.file...)
		c.file[at] ^= 1
		if _, err := load(c); !errors.Is(err, ErrDamaged) {
			t.Fatalf("octet %d: %v", at, err)
		}
	}
}

// FuzzReplay reads any file: an error, or elements, and never a panic.
func FuzzReplay(f *testing.F) {
	d := newCrashDisk()
	m, err := load(d)
	if err != nil {
		f.Fatal(err)
	}
	s := must(m.Slot(one))
	_ = s.SetNote([]byte("alice"))
	_ = s.Save(se.State{Sent: 1, Received: 2, PIN: 3})
	_ = m.Sync(m.Position())
	f.Add(d.file)
	f.Add(d.file[:len(d.file)-1])
	f.Add([]byte(magic))
	f.Add(appendBatch(nil, appendRecord(nil, kinds, [10]byte{}, nil)))
	f.Add(appendBatch(nil, appendRecord(nil, kindCounters, [10]byte{0xFF}, make([]byte, lenState))))
	f.Add(appendBatch(nil, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0}))
	f.Fuzz(func(t *testing.T, file []byte) {
		d := newCrashDisk()
		d.file = file
		m, err := load(d)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
			return
		}
		again := loaded(t, d.reboot(-1, 0))
		if len(again.slots) != len(m.slots) {
			t.Errorf("%d elements, then %d", len(m.slots), len(again.slots))
		}
	})
}
