package scp80

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// mask is all that a secret prints.
const mask = "****"

// Key is a secret key that serves one purpose, P, so that mixing two up does not
// compile. It prints as a mask in every way there is, also from inside another
// value; [Key.Reveal] is the way to its octets. The zero Key is no key.
type Key[P any] struct {
	secret *string // behind a pointer: package fmt does not follow it where it ignores methods
}

// Purposes of the keys of a secured packet.
type (
	forCiphering struct{}
	forMAC       struct{}

	// CipherKey is a KIc: it ciphers one direction's packets.
	CipherKey = Key[forCiphering]
	// MACKey is a KID: it makes the checksums of one direction's packets.
	MACKey = Key[forMAC]
)

// NewKey makes a key of a copy of its octets: NewKey[CipherKey](octets).
func NewKey[K interface{ Key[P] }, P any](octets []byte) K {
	return K(Key[P]{secret: new(string(octets))})
}

// Reveal is a copy of the key's octets: for a cipher or a sealed file, not for printing.
func (k Key[P]) Reveal() []byte { return k.octets() }

func (k Key[P]) octets() []byte {
	if k.secret == nil {
		return nil
	}
	return []byte(*k.secret)
}

// IsZero tells whether there is no key.
func (k Key[P]) IsZero() bool { return k.secret == nil || *k.secret == "" }

// Equal compares two keys in constant time.
func (k Key[P]) Equal(other Key[P]) bool {
	return subtle.ConstantTimeCompare(k.octets(), other.octets()) == 1
}

// String masks the key.
func (Key[P]) String() string { return mask }

// GoString masks the key.
func (Key[P]) GoString() string { return mask }

// Format masks the key, whatever the verb.
func (Key[P]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText masks the key, in JSON too.
func (Key[P]) MarshalText() ([]byte, error) { return []byte(mask), nil }
