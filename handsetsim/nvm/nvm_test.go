package nvm

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

const one applet.ElementID = "89860112345678901234"

func element(i int) applet.ElementID {
	return applet.ElementID(fmt.Sprintf("8986000%012d0", i))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saved keeps counters and waits until they cannot be lost.
func saved(t testing.TB, m *Memory, s *Slot, state se.State) {
	t.Helper()
	check(t, s.Save(state))
	check(t, m.Sync(m.Position()))
}

// What was kept is there when the directory is opened again, counters of what the
// element makes at the end of their block (wire.md 5).
func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "elements")
	m := must(Open(dir))
	s := must(m.Slot(one))
	for kind, err := range map[string]error{"contents": s.SaveContents([]byte("keys and cards")), "note": s.SetNote([]byte("alice"))} {
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	check(t, s.Save(se.State{Sent: 1, Received: 5, PIN: 2}))
	check(t, s.Save(se.State{Sent: 60, Received: 6, PIN: 3}))
	check(t, m.Close())
	check(t, m.Close())
	m = must(Open(dir))
	defer func() { check(t, m.Close()) }()
	s = must(m.Slot(one))
	if got := must(s.Load()); got != (se.State{Sent: 64, Received: 6, PIN: 65}) {
		t.Errorf("%+v", got)
	}
	if got := string(must(s.LoadContents())) + ", " + string(must(s.Note())); got != "keys and cards, alice" {
		t.Error(got)
	}
	if ids := m.Elements(); len(ids) != 1 || ids[0] != one {
		t.Errorf("%v", ids)
	}
}

// An element that nothing was kept of starts from nothing.
func TestEmpty(t *testing.T) {
	m := loaded(t, newCrashDisk())
	s := must(m.Slot(one))
	if got := must(s.Load()); got != (se.State{}) || must(s.LoadContents()) != nil || must(s.Note()) != nil || len(m.Elements()) != 0 {
		t.Errorf("%+v", got)
	}
	if again := must(m.Slot(one)); again != s {
		t.Error("two slots of one element")
	}
	if _, err := m.Slot("123"); err == nil {
		t.Error("a slot of no element")
	}
}

// The disk is asked once for a block of 64 of what an element makes, and once for
// each packet it takes.
func TestBlocks(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	s, before := must(m.Slot(one)), d.syncs
	for i := range uint64(64) {
		saved(t, m, s, se.State{Sent: i + 1})
	}
	if n := d.syncs - before; n != 1 {
		t.Errorf("%d writes for a block", n)
	}
	saved(t, m, s, se.State{Sent: 65})
	saved(t, m, s, se.State{Sent: 65, Received: 1})
	saved(t, m, s, se.State{Sent: 65, Received: 2})
	if n := d.syncs - before; n != 4 {
		t.Errorf("%d writes in all", n)
	}
}

// Counters never go back, and the last ones are not passed.
func TestBounds(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	s := must(m.Slot(one))
	saved(t, m, s, se.State{Sent: 70, Received: 70, PIN: 70})
	for _, back := range []se.State{{Sent: 69, Received: 70, PIN: 70}, {Sent: 70, Received: 69, PIN: 70}, {Sent: 70, Received: 70, PIN: 69}} {
		if err := s.Save(back); !errors.Is(err, ErrBack) {
			t.Errorf("%+v: %v", back, err)
		}
	}
	d = d.reboot(-1, 0)
	m = loaded(t, d)
	s = must(m.Slot(one))
	if err := s.Save(se.State{Sent: 71, Received: 70, PIN: 71}); !errors.Is(err, ErrBack) {
		t.Errorf("within a block that was left: %v", err)
	}
	last := se.State{Sent: scp80.MaxCounter - 1, Received: scp80.MaxCounter, PIN: math.MaxUint32 - 1}
	saved(t, m, s, last)
	last.Sent, last.PIN = scp80.MaxCounter, math.MaxUint32
	if got := must(must(loaded(t, d.reboot(-1, 0)).Slot(one)).Load()); got != last {
		t.Errorf("%+v", got)
	}
}

// What is sealed is in the file for nobody without the device key, and only where it was put.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	m := must(Open(dir))
	s := must(m.Slot(one))
	check(t, s.SaveContents([]byte("a secret of the element")))
	check(t, m.Close())
	file := must(os.ReadFile(filepath.Join(dir, fileName)))
	if bytes.Contains(file, []byte("secret")) {
		t.Error("the contents are in clear")
	}
	for _, name := range []string{fileName, keyName} {
		if info := must(os.Stat(filepath.Join(dir, name))); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	d := newCrashDisk()
	d.file = file
	if got, err := must(loaded(t, d).Slot(one)).LoadContents(); !errors.Is(err, ErrDamaged) || got != nil {
		t.Errorf("under another key: %q, %v", got, err)
	}
	m = must(Open(dir))
	other := must(m.Slot(element(2)))
	other.places[kindNote] = must(m.Slot(one)).places[kindContents]
	if got, err := other.Note(); !errors.Is(err, ErrDamaged) || got != nil {
		t.Errorf("of another element: %q, %v", got, err)
	}
	check(t, m.Close())
	check(t, os.Remove(filepath.Join(dir, keyName)))
	if _, err := Open(dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), keyName) {
		t.Errorf("without its key: %v", err)
	}
}

// One process at a time has a directory.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	m := must(Open(dir))
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	check(t, m.Close())
	if _, err := m.Slot(one); err != nil {
		t.Error(err)
	}
	if err := must(m.Slot(one)).Save(se.State{Sent: 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("saved after the end: %v", err)
	}
	check(t, must(Open(dir)).Close())
}

// Elements of one memory save and wait at the same time, and few fsyncs serve them all.
func TestTogether(t *testing.T) {
	const elements, packets = 32, 50
	d := newCrashDisk()
	m := loaded(t, d)
	var wg sync.WaitGroup
	for i := range elements {
		s := must(m.Slot(element(i)))
		wg.Go(func() {
			for n := range uint64(packets) {
				if err := errors.Join(s.Save(se.State{Received: n + 1}), m.Sync(m.Position())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	again := loaded(t, d.reboot(-1, 0))
	for i := range elements {
		if got := must(must(again.Slot(element(i))).Load()); got.Received != packets {
			t.Errorf("element %d: %+v", i, got)
		}
	}
	t.Logf("%d fsyncs for %d", d.syncs, elements*packets)
}

// The file does not grow without end.
func TestGrowth(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	s := must(m.Slot(one))
	check(t, s.SaveContents([]byte("keys and cards")))
	most := 0
	for n := range uint64(growth / 20) {
		check(t, s.Save(se.State{Received: n + 1}))
		if n%500 == 0 {
			check(t, m.Sync(m.Position()))
			most = max(most, len(d.file))
		}
	}
	check(t, m.Sync(m.Position()))
	if most > growth+1<<20 || m.size != int64(len(d.file)) {
		t.Errorf("%d octets at most, %d at the end, %d counted", most, len(d.file), m.size)
	}
	s = must(loaded(t, d.reboot(-1, 0)).Slot(one))
	if got := must(s.Load()); got.Received != growth/20 || string(must(s.LoadContents())) != "keys and cards" {
		t.Errorf("%+v", got)
	}
}

// A file that grows because there are more elements is only added to; it is written anew
// once what is in it twice makes up half of it.
func TestGrowthOfWhatLives(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	m.slack = 0
	keep := func(i int) (grew bool) {
		before := bytes.Clone(d.file)
		s := must(m.Slot(element(i)))
		check(t, s.SaveContents(make([]byte, 100)))
		saved(t, m, s, se.State{Sent: must(s.Load()).Sent + 1})
		return bytes.HasPrefix(d.file, before)
	}
	for i := range 300 {
		if !keep(i) && i > 2 {
			t.Fatalf("it was written anew for element %d", i)
		}
	}
	for i := range 300 {
		if !keep(i) {
			if i < 250 || m.least != int64(len(d.file)) {
				t.Fatalf("it was written anew when %d values were in it twice, and has %d octets, not %d", i, len(d.file), m.least)
			}
			return
		}
	}
	t.Error("it was not written anew")
}

// After a failed write nothing is taken any more, and nobody is told it was kept.
func TestFailure(t *testing.T) {
	d := newCrashDisk()
	m := loaded(t, d)
	s := must(m.Slot(one))
	saved(t, m, s, se.State{Sent: 1})
	d.steps = 0
	check(t, s.Save(se.State{Sent: 65}))
	if err := m.Sync(m.Position()); !errors.Is(err, ErrLost) || !errors.Is(err, errCrash) {
		t.Errorf("synced: %v", err)
	}
	d.steps, d.stops = -1, false
	for what, err := range map[string]error{
		"a counter": s.Save(se.State{Sent: 66}), "contents": s.SaveContents(nil), "a wait": m.Sync(m.Position()),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := m.Sync(1); err != nil {
		t.Errorf("what was kept before: %v", err)
	}
}

// What is kept is not held in memory once it is on the disk, and is read from there, also
// while the file is replaced.
func TestHeldOnDisk(t *testing.T) {
	m := must(Open(t.TempDir()))
	m.slack = 4 << 10
	var wg sync.WaitGroup
	for i := range 8 {
		s := must(m.Slot(element(i)))
		wg.Go(func() {
			for n := range 100 {
				want := bytes.Repeat([]byte{byte(n)}, 100+n)
				if err := errors.Join(s.SaveContents(want), m.Sync(m.Position())); err != nil {
					t.Error(err)
				}
				if got, err := s.LoadContents(); err != nil || !bytes.Equal(got, want) {
					t.Errorf("element %d, time %d: %v, %v", i, n, got, err)
				}
			}
		})
	}
	wg.Wait()
	if len(m.waiting) != 0 || len(m.pending) != 0 || len(m.lined) != 0 {
		t.Errorf("%d values are held, %d octets", len(m.waiting), len(m.pending))
	}
	check(t, m.Close())
}
