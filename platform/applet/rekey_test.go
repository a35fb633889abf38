package applet

import (
	"errors"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

func packetKeysOf(s scp80.Suite, n byte) scp80.Keys {
	return scp80.Keys{KIc: someKey[scp80.CipherKey](s, 2*n), KID: someKey[scp80.MACKey](s, 2*n+1)}
}

// channel is one with some keys of a suite.
func channel(t testing.TB, s scp80.Suite) *scp80.Channel {
	t.Helper()
	c, err := scp80.NewChannel(s.Profile(scp80.MO, 1), packetKeysOf(s, 1))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func same(a, b scp80.Keys) bool { return a.KIc.Equal(b.KIc) && a.KID.Equal(b.KID) }

// New packet keys come out as they went in, under their own key, suite and version
// only, and no bit of them can be changed.
func TestWrapKeys(t *testing.T) {
	for _, s := range suites() {
		kik, mo, mt := someKey[KeyEncryptionKey](s, 7), packetKeysOf(s, 1), packetKeysOf(s, 2)
		wrapped, err := WrapKeys(s, kik, 2, mo, mt)
		if err != nil || len(wrapped) != wrappedLen(s) {
			t.Fatalf("%s: %d octets, %v", s, len(wrapped), err)
		}
		gotMO, gotMT, err := UnwrapKeys(s, kik, 2, wrapped)
		if err != nil || !same(gotMO, mo) || !same(gotMT, mt) {
			t.Fatalf("%s: %v", s, err)
		}
		for name, err := range map[string]error{
			"another version": third(UnwrapKeys(s, kik, 3, wrapped)),
			"version 0":       third(UnwrapKeys(s, kik, 0, wrapped)),
			"another key":     third(UnwrapKeys(s, someKey[KeyEncryptionKey](s, 8), 2, wrapped)),
			"cut":             third(UnwrapKeys(s, kik, 2, wrapped[:len(wrapped)-8])),
			"nothing":         third(UnwrapKeys(s, kik, 2, nil)),
		} {
			if err != ErrWrappedKeys {
				t.Errorf("%s, %s: %v", s, name, err)
			}
		}
		for i := range 8 * len(wrapped) {
			wrapped[i/8] ^= 1 << (i % 8)
			if _, _, err := UnwrapKeys(s, kik, 2, wrapped); err != ErrWrappedKeys {
				t.Fatalf("%s bit %d: %v", s, i, err)
			}
			wrapped[i/8] ^= 1 << (i % 8)
		}
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

func TestWrapKeysRefuses(t *testing.T) {
	s := scp80.Modern
	kik, keys := someKey[KeyEncryptionKey](s, 7), packetKeysOf(s, 1)
	short := scp80.Keys{KIc: keys.KIc, KID: scp80.NewKey[scp80.MACKey](make([]byte, 16))}
	for name, err := range map[string]error{
		"no suite":        second(WrapKeys(0, kik, 1, keys, keys)),
		"version 0":       second(WrapKeys(s, kik, 0, keys, keys)),
		"the other suite": second(WrapKeys(scp80.Legacy, kik, 1, keys, keys)),
		"a key of 16":     second(WrapKeys(s, kik, 1, keys, short)),
		"no key":          second(WrapKeys(s, kik, 1, keys, scp80.Keys{})),
		"no KIK":          second(WrapKeys(s, KeyEncryptionKey{}, 1, keys, keys)),
		"unwrap, no KIK":  third(UnwrapKeys(s, KeyEncryptionKey{}, 1, make([]byte, wrappedLen(s)))),
	} {
		if err == nil || errors.Is(err, ErrWrappedKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := UnwrapKeys(0, kik, 1, nil); !errors.Is(err, ErrSuite) {
		t.Errorf("unwrap without a suite: %v", err)
	}
}

// Every single bit of a secured message of every type counts, in both suites (wire.md 7).
func TestEveryBitOfEveryMessage(t *testing.T) {
	for _, s := range suites() {
		c := channel(t, s)
		for _, m := range samples(t, s) {
			packet, err := c.Wrap(5, Encode(s, m))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 8 * len(packet) {
				packet[i/8] ^= 1 << (i % 8)
				if _, _, err := c.Open(packet); !errors.Is(err, scp80.ErrRefused) {
					t.Fatalf("%s %s bit %d: %v", s, m.Type(), i, err)
				}
				packet[i/8] ^= 1 << (i % 8)
			}
			if _, payload, err := c.Open(packet); err != nil {
				t.Errorf("%s %s: %v", s, m.Type(), err)
			} else if _, err := Decode(s, payload); err != nil {
				t.Errorf("%s %s: %v", s, m.Type(), err)
			}
		}
	}
}
