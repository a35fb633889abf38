package scp80

import (
	"bytes"
	"errors"
	"testing"
)

// The response profile of wire.md 1.2: 1639, always, with CC, ciphered, in SMS-SUBMIT.
func responding(s Suite) Profile {
	p := s.Profile(MT, 1)
	p.SPI = 0x1639
	return p
}

func TestResponder(t *testing.T) {
	for _, s := range suites() {
		r, err := NewResponder(responding(s), testKeys(s))
		if err != nil {
			t.Fatal(err)
		}
		want := Response{Counter: 0x42, Status: StatusUnknownTAR, Data: []byte("why")}
		packet, err := r.Wrap(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Open(packet)
		if err != nil || got.Counter != want.Counter || got.Status != want.Status || !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("%+v, %v", got, err)
		}
		for i := range packet {
			for bit := range 8 {
				packet[i] ^= 1 << bit
				if _, err := r.Open(packet); !errors.Is(err, ErrRefused) {
					t.Fatalf("octet %d bit %d: %v", i, bit, err)
				}
				packet[i] ^= 1 << bit
			}
		}
		for n := range packet {
			if _, err := r.Open(packet[:n]); ReasonOf(err) != ReasonLength {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		if _, err := r.Wrap(Response{Counter: MaxCounter + 1}); !errors.Is(err, ErrCounterBlocked) {
			t.Errorf("a counter of 41 bits: %v", err)
		}
	}
}

// wire.md 1.8: 113 octets of a response fit one short message, under AES and 3DES.
func TestResponseLen(t *testing.T) {
	for _, s := range suites() {
		r, err := NewResponder(responding(s), testKeys(s))
		if err != nil {
			t.Fatal(err)
		}
		const room = 140 - 3
		if fits, over := r.frame.packetLen(113), r.frame.packetLen(114); fits > room || over <= room {
			t.Errorf("%s: 113 octets make %d, one more %d", s, fits, over)
		}
	}
}

// A response below the minimum is to be had only with Interop, and the suites' own
// profiles ask for none.
func TestResponderRefuses(t *testing.T) {
	for name, spi := range map[string]SPI{"none": 0x1600, "without CC": 0x1631, "in clear": 0x1629} {
		p := responding(Modern)
		p.SPI = spi
		if _, err := NewResponder(p, testKeys(Modern)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
		p.Interop = true
		if _, err := NewResponder(p, testKeys(Modern)); (err == nil) != (name != "none") {
			t.Errorf("%s for other programs: %v", name, err)
		}
	}
	if _, err := NewResponder(responding(Modern), Keys{}); err == nil {
		t.Error("a responder without keys")
	}
}
