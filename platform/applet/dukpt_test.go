package applet

import (
	"bytes"
	"errors"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/scp80"
)

func initialKey() InitialKey { return scp80.NewKey[InitialKey](bytes.Repeat([]byte{9}, 32)) }

// Element and platform agree on every key of a long way, past the first skipped
// counters, and the element keeps no key it has used.
func TestPINKeysFollowPlatform(t *testing.T) {
	id := InitialKeyID{1, 2, 3, 4, 5, 6, 7, 8}
	k, err := NewPINKeys(scp80.Modern, initialKey(), id)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for want := uint32(1); want <= 600; want++ {
		counter, key, err := k.Next()
		if err != nil || counter != want {
			t.Fatalf("counter %d, want %d: %v", counter, want, err)
		}
		host, err := DerivePINKey(scp80.Modern, initialKey(), id, counter)
		if err != nil || !host.Equal(key) {
			t.Fatalf("keys of %d differ: %v", counter, err)
		}
		if seen[string(key.Reveal())] {
			t.Fatalf("key of %d was used before", counter)
		}
		seen[string(key.Reveal())] = true
	}
}

// Counters with over 16 one bits have no key (X9.24-3 §6.2.1): the element skips
// them, and the platform refuses them.
func TestPINKeysAtTheEdges(t *testing.T) {
	id := InitialKeyID{1}
	for _, c := range []struct{ from, next uint32 }{
		{0x1FFFC, 0x1FFFD}, {0x1FFFE, 0x20000}, {0xFFFE2000, 0xFFFE4000}, {0xFFFE8000, 0xFFFF0000}, {0xFFFF0000, 0},
	} {
		k := at(t, id, c.from)
		counter, key, err := k.Next()
		if err != nil || counter != c.from || k.Counter() != c.next {
			t.Fatalf("%x: used %x, next %x, %v", c.from, counter, k.Counter(), err)
		}
		if host, err := DerivePINKey(scp80.Modern, initialKey(), id, counter); err != nil || !host.Equal(key) {
			t.Errorf("%x: keys differ: %v", counter, err)
		}
		if c.next == 0 {
			if _, _, err := k.Next(); !errors.Is(err, ErrPINCounter) {
				t.Errorf("after the last: %v", err)
			}
		}
	}
	for _, counter := range []uint32{0, 0x1FFFF, 0xFFFFFFFF} {
		if _, err := DerivePINKey(scp80.Modern, initialKey(), id, counter); !errors.Is(err, ErrPINCounter) {
			t.Errorf("platform takes %x: %v", counter, err)
		}
	}
}

// at is an element's state just before a counter, as the keys of the counters up to
// there would have left it.
func at(t *testing.T, id InitialKeyID, counter uint32) *PINKeys {
	t.Helper()
	k := &PINKeys{id: id, counter: counter}
	for i := range k.registers {
		bit := uint32(1) << i
		if bit > counter && bits.OnesCount32(counter) >= maxWork && bit < counter&-counter {
			continue
		}
		of := counter&^(bit<<1-1) | bit
		if bits.OnesCount32(of) > maxWork || of < counter {
			continue
		}
		key, err := deriveTransactionKey(initialKey().Reveal(), id, of)
		if err != nil {
			t.Fatal(err)
		}
		k.registers[i] = key
	}
	return k
}

func TestPINKeysSkip(t *testing.T) {
	id := InitialKeyID{1}
	rapid.Check(t, func(t *rapid.T) {
		to := rapid.Uint32Range(0, 700).Draw(t, "to")
		k, err := NewPINKeys(scp80.Modern, initialKey(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Skip(to); err != nil {
			t.Fatal(err)
		}
		counter, key, err := k.Next()
		host, hostErr := DerivePINKey(scp80.Modern, initialKey(), id, counter)
		if err != nil || hostErr != nil || counter != max(to, 1) || !host.Equal(key) {
			t.Fatalf("skipped to %d, got %d: %v, %v", to, counter, err, hostErr)
		}
	})
}

// A state that is stolen opens no PIN block of before (wire.md 2.3): no register
// holds the initial key or the key of a used counter.
func TestPINKeysForgetTheUsed(t *testing.T) {
	id := InitialKeyID{1}
	k, err := NewPINKeys(scp80.Modern, initialKey(), id)
	if err != nil {
		t.Fatal(err)
	}
	used := [][]byte{initialKey().Reveal()}
	for range 100 {
		counter, _, err := k.Next()
		if err != nil {
			t.Fatal(err)
		}
		key, err := deriveTransactionKey(initialKey().Reveal(), id, counter)
		if err != nil {
			t.Fatal(err)
		}
		used = append(used, key)
		for _, register := range k.registers {
			for _, u := range used {
				if bytes.Equal(register, u) {
					t.Fatalf("after %d a used key is still there", counter)
				}
			}
		}
	}
}
