package scp80

import (
	"bytes"
	"testing"
)

// What Open refuses before it deciphers, Admits does not admit, and the other way round.
func TestAdmits(t *testing.T) {
	for _, s := range suites() {
		p, k := s.Profile(MO, 2), testKeys(s)
		packet, err := Wrap(p, k, 1, []byte("payload"))
		if err != nil {
			t.Fatal(err)
		}
		agree := func(name string, packet []byte) {
			t.Helper()
			_, _, err := Open(p, k, packet)
			if reason := ReasonOf(err); p.Admits(packet) == (reason == ReasonLength || reason == ReasonWeak || reason == ReasonHeader) {
				t.Errorf("%s %s: admitted %t, opened with %v for %s", s, name, p.Admits(packet), err, reason)
			}
		}
		agree("whole", packet)
		for n := range packet {
			agree("cut", packet[:n])
			for bit := range 8 {
				flipped := bytes.Clone(packet)
				flipped[n] ^= 1 << bit
				agree("flipped", flipped)
			}
		}
		agree("longer", append(bytes.Clone(packet), 0))
		for version := uint8(1); version <= 3; version++ {
			if other := s.Profile(MO, version); other.Admits(packet) != (version == 2) {
				t.Errorf("%s version %d admits a packet of version 2", s, version)
			}
		}
	}
}
