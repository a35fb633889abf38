package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/applet"
)

// mostRecent is how many packets are remembered of each phone (wire.md 5).
const mostRecent = 16

// mark is what content is known again by: the first 8 octets of its SHA-256.
type mark [8]byte

func markOf(parts ...[]byte) (m mark) {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	var sum [sha256.Size]byte
	copy(m[:], h.Sum(sum[:0]))
	return m
}

// MarshalText writes the mark in hexadecimal.
func (m mark) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, m[:]), nil }

// UnmarshalText reads 16 hexadecimal digits.
func (m *mark) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(m)) {
		return errors.New("a mark has 16 hexadecimal digits")
	}
	_, err := hex.Decode(m[:], text)
	return err
}

// taken is a packet that was taken from a phone: what an exact duplicate of it is
// known by, what it was answered with, and what its PIN key was used for.
type taken struct {
	Counter uint64         `json:"counter"`
	Packet  mark           `json:"packet"`
	Bill    applet.BillRef `json:"bill,omitzero"`   // that the answer is about
	Answer  answer         `json:"answer,omitzero"` // to a payment
	Again   int            `json:"again,omitempty"` // how often it was answered again
	PIN     uint32         `json:"pin,omitempty"`   // DUKPT counter it brought
	Use     mark           `json:"use,omitzero"`    // of what the PIN key was used for
}

// recent are the packets taken last from a phone, in a ring: the n-th is at n mod 16.
type recent struct {
	ring  []taken
	dirty uint16 // the places that are to be kept, a bit each
}

// add remembers a packet, the n-th that was taken, and forgets the one 16 before it.
func (r *recent) add(n uint64, t taken) *taken {
	at := int(n % mostRecent)
	for len(r.ring) <= at {
		r.ring = append(r.ring, taken{})
	}
	r.ring[at] = t
	return r.touch(at)
}

func (r *recent) touch(at int) *taken {
	r.dirty |= 1 << at
	return &r.ring[at]
}

// find answers where the packet with a counter is remembered.
func (r *recent) find(counter uint64) (at int, ok bool) {
	for i := range r.ring {
		if r.ring[i].Counter == counter {
			return i, true
		}
	}
	return 0, false
}

// usedOtherwise says whether a PIN key was used for something else, in a packet after
// the counter since.
func (r *recent) usedOtherwise(t *taken, since uint64) bool {
	for i := range r.ring {
		other := &r.ring[i]
		if other.PIN == t.PIN && other.Use != t.Use && other.Counter > since {
			return true
		}
	}
	return false
}

// stage keeps what was touched, each packet under the phone's fingerprint and its place.
func (r *recent) stage(tx *engine.Tx, phone string) {
	for at := range r.ring {
		if r.dirty&(1<<at) != 0 {
			tx.SetField("recent", recentField(phone, at), encode(&r.ring[at]))
		}
	}
	r.dirty = 0
}

// recentField is the phone's fingerprint and the place in two digits.
func recentField(phone string, at int) string {
	return phone + ":" + string([]byte{'0' + byte(at/10), '0' + byte(at%10)})
}

// put takes a packet back from the store.
func (r *recent) put(at int, t taken) {
	for len(r.ring) <= at {
		r.ring = append(r.ring, taken{})
	}
	r.ring[at] = t
}
