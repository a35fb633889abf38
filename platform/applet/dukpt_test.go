package applet

import (
	"bytes"
	"errors"
	"math/bits"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/scp80"
)

func initialKey(s scp80.Suite) InitialKey { return someKey[InitialKey](s, 9) }

// keySerial is an id that both suites can have.
var keySerial = InitialKeyID{1, 2, 3, 4, 5, 6, 7, 0x20}

func transactionKey(s scp80.Suite, initial InitialKey, id InitialKeyID, counter uint32) ([]byte, error) {
	d, err := dukptOf(s)
	if err != nil {
		return nil, err
	}
	key := initial.Reveal()
	return key, d.transaction(key, id, counter)
}

// Element and platform agree on every key of a long way, and no key comes twice.
func TestPINKeysFollowPlatform(t *testing.T) {
	for _, s := range suites() {
		k, err := NewPINKeys(s, initialKey(s), keySerial)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for want := uint32(1); want <= 1030; want++ {
			if s == scp80.Legacy && bits.OnesCount32(want) > maxWorkTDES {
				continue // 1023 has 10 one bits; none has more here
			}
			counter, key, err := k.Next()
			if err != nil || counter != want {
				t.Fatalf("%s: counter %d, want %d: %v", s, counter, want, err)
			}
			host, err := DerivePINKey(s, initialKey(s), keySerial, counter)
			if err != nil || !host.Equal(key) {
				t.Fatalf("%s: keys of %d differ: %v", s, counter, err)
			}
			if seen[string(key.Reveal())] {
				t.Fatalf("%s: key of %d was used before", s, counter)
			}
			seen[string(key.Reveal())] = true
		}
	}
}

// Counters with too many one bits have no key (X9.24-3 §6.2.1; X9.24-1 A.2): the element
// skips them, and the platform refuses them. After the last one there is none.
func TestPINKeysAtTheEdges(t *testing.T) {
	type step struct{ from, next uint32 }
	for s, c := range map[scp80.Suite]struct {
		steps   []step
		refused []uint32
	}{
		scp80.Modern: {
			[]step{{0x1FFFC, 0x1FFFD}, {0x1FFFE, 0x20000}, {0xFFFE2000, 0xFFFE4000}, {0xFFFE8000, 0xFFFF0000}, {0xFFFF0000, 0}},
			[]uint32{0, 0x1FFFF, 0xFFFFFFFF},
		},
		scp80.Legacy: {
			[]step{{0x7FC, 0x7FD}, {0x7FE, 0x800}, {0xFFC, 0x1000}, {0x1FF400, 0x1FF800}, {0x1FF800, 0}},
			[]uint32{0, 0x7FF, 0x1FFFFF, 0x200000, 0x200001, 0xFFFF0000},
		},
	} {
		if s == scp80.Legacy && len(suites()) == 1 {
			continue
		}
		for _, step := range c.steps {
			checkEdge(t, s, step.from, step.next)
		}
		for _, counter := range c.refused {
			if _, err := DerivePINKey(s, initialKey(s), keySerial, counter); !errors.Is(err, ErrPINCounter) {
				t.Errorf("%s: platform takes %x: %v", s, counter, err)
			}
		}
	}
}

func checkEdge(t *testing.T, s scp80.Suite, from, next uint32) {
	t.Helper()
	k := at(t, s, from)
	counter, key, err := k.Next()
	if err != nil || counter != from || k.Counter() != next {
		t.Fatalf("%s %x: used %x, next %x, want %x, %v", s, from, counter, k.Counter(), next, err)
	}
	if host, err := DerivePINKey(s, initialKey(s), keySerial, counter); err != nil || !host.Equal(key) {
		t.Errorf("%s %x: keys differ: %v", s, counter, err)
	}
	if next != 0 {
		return
	}
	if _, _, err := k.Next(); !errors.Is(err, ErrPINCounter) {
		t.Errorf("%s after the last: %v", s, err)
	}
}

// at is an element's state just before a counter, as the keys of the counters up to
// there would have left it.
func at(t *testing.T, s scp80.Suite, counter uint32) *PINKeys {
	t.Helper()
	d, err := dukptOf(s)
	if err != nil {
		t.Fatal(err)
	}
	k := &PINKeys{suite: s, length: uint8(s.KeyLen()), id: keySerial, counter: counter}
	for i := range d.bits {
		of := counter&^(uint32(1)<<i<<1-1) | 1<<i
		if bits.OnesCount32(of) > d.maxWork || of < counter {
			continue
		}
		key, err := transactionKey(s, initialKey(s), keySerial, of)
		if err != nil {
			t.Fatal(err)
		}
		copy(k.register(i), key)
	}
	return k
}

func TestPINKeysSkip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(suites()).Draw(t, "suite")
		to := rapid.Uint32Range(0, 700).Draw(t, "to")
		k, err := NewPINKeys(s, initialKey(s), keySerial)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Skip(to); err != nil {
			t.Fatal(err)
		}
		counter, key, err := k.Next()
		host, hostErr := DerivePINKey(s, initialKey(s), keySerial, counter)
		if err != nil || hostErr != nil || counter != max(to, 1) || !host.Equal(key) {
			t.Fatalf("skipped to %d, got %d: %v, %v", to, counter, err, hostErr)
		}
	})
}

// A state that is stolen opens no PIN block of before (wire.md 2.3): no register
// holds the initial key or the key of a used counter.
func TestPINKeysForgetTheUsed(t *testing.T) {
	for _, s := range suites() {
		k, err := NewPINKeys(s, initialKey(s), keySerial)
		if err != nil {
			t.Fatal(err)
		}
		used := [][]byte{initialKey(s).Reveal()}
		for range 100 {
			counter, _, err := k.Next()
			if err != nil {
				t.Fatal(err)
			}
			key, err := transactionKey(s, initialKey(s), keySerial, counter)
			if err != nil {
				t.Fatal(err)
			}
			used = append(used, key)
			for i := range k.registers {
				for _, u := range used {
					if bytes.Equal(k.register(i), u) {
						t.Fatalf("%s: after %d a used key is still there", s, counter)
					}
				}
			}
		}
	}
}

// An element's PIN keys lie in one place of little more than a KiB.
func TestPINKeysAreFlat(t *testing.T) {
	if n := unsafe.Sizeof(PINKeys{}); n > 1056 {
		t.Errorf("%d octets", n)
	}
}

// Keys of another suite's length, and no suite, make no DUKPT key.
func TestDUKPTRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		s   scp80.Suite
		key []byte
	}{
		"no suite":         {0, make([]byte, 32)},
		"no key":           {scp80.Modern, nil},
		"AES of 20":        {scp80.Modern, make([]byte, 20)},
		"AES of 40":        {scp80.Modern, make([]byte, 40)},
		"3DES of 32":       {scp80.Legacy, make([]byte, 32)},
		"3DES of 8":        {scp80.Legacy, make([]byte, 8)},
		"3DES without key": {scp80.Legacy, nil},
	} {
		if _, err := DeriveInitialKey(c.s, scp80.NewKey[BaseKey](c.key), keySerial); err == nil {
			t.Errorf("%s: an initial key", name)
		}
		if _, err := NewPINKeys(c.s, scp80.NewKey[InitialKey](c.key), keySerial); err == nil {
			t.Errorf("%s: PIN keys", name)
		}
		if _, err := DerivePINKey(c.s, scp80.NewKey[InitialKey](c.key), keySerial, 1); err == nil {
			t.Errorf("%s: a PIN key", name)
		}
	}
}
