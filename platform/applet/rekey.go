package applet

import (
	"errors"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

// Keys brings an element the next version of its packet keys. It goes under the keys
// in use and needs no bill: its reference is zero.
type Keys struct {
	Version uint8
	Wrapped []byte // what [WrapKeys] made
}

// Keyed is the element's word that it has taken the keys of a version: the first
// packet under them.
type Keyed struct {
	Version uint8
}

// Type is TypeKeys.
func (*Keys) Type() Type { return TypeKeys }

// Type is TypeKeyed.
func (*Keyed) Type() Type { return TypeKeyed }

// Reference is none.
func (*Keys) Reference() BillRef { return BillRef{} }

// Reference is none.
func (*Keyed) Reference() BillRef { return BillRef{} }

func (m *Keys) append(w *writer) {
	w.version(m.Version)
	if len(m.Wrapped) != wrappedLen(w.suite) {
		w.refuse("wrapped keys")
	}
	w.octets(m.Wrapped...)
}

func readKeys(r *reader, ref BillRef) *Keys {
	m := &Keys{Version: r.version(ref)}
	m.Wrapped = append(m.Wrapped, r.take(wrappedLen(r.suite))...)
	return m
}

func (m *Keyed) append(w *writer) { w.version(m.Version) }

func readKeyed(r *reader, ref BillRef) *Keyed { return &Keyed{Version: r.version(ref)} }

func (w *writer) version(v uint8) {
	if v == 0 {
		w.refuse("version")
	}
	w.octets(v)
}

// version reads a version of the keys, in a message that belongs to no bill.
func (r *reader) version(ref BillRef) uint8 {
	v := r.octet()
	if v == 0 || ref != (BillRef{}) {
		r.bad = true
	}
	return v
}

// ErrWrappedKeys is a wrapping that holds no packet keys of this version under this
// key. It does not say why.
var ErrWrappedKeys = errors.New("not packet keys for this element")

// packetKeys are the keys that a version has: MO KIc, MO KID, MT KIc, MT KID.
const packetKeys = 4

// plainLen is the length of what is wrapped: the version, the keys, and zeros up to a
// semiblock.
func plainLen(s scp80.Suite) int { return semiblock + packetKeys*s.KeyLen() }

func wrappedLen(s scp80.Suite) int { return plainLen(s) + semiblock }

// WrapKeys wraps the packet keys of a version under an element's key encryption key:
// as a card record is sealed in the suite.
func WrapKeys(s scp80.Suite, kik KeyEncryptionKey, version uint8, mo, mt scp80.Keys) ([]byte, error) {
	switch {
	case !s.Valid():
		return nil, fmt.Errorf("wrap packet keys: %w", ErrSuite)
	case version == 0:
		return nil, errors.New("wrap packet keys: versions count from 1")
	}
	plain := make([]byte, semiblock, plainLen(s))
	plain[0] = version
	for _, octets := range [packetKeys][]byte{mo.KIc.Reveal(), mo.KID.Reveal(), mt.KIc.Reveal(), mt.KID.Reveal()} {
		if len(octets) != s.KeyLen() {
			return nil, fmt.Errorf("wrap packet keys: a key of the %s suite has %d octets", s, s.KeyLen())
		}
		plain = append(plain, octets...)
	}
	wrapped, err := sealOctets(s, kik.Reveal(), plain)
	if err != nil {
		return nil, fmt.Errorf("wrap packet keys: %w", err)
	}
	return wrapped, nil
}

// UnwrapKeys takes the packet keys of a version out of what [WrapKeys] made.
func UnwrapKeys(s scp80.Suite, kik KeyEncryptionKey, version uint8, wrapped []byte) (mo, mt scp80.Keys, err error) {
	plain, err := openOctets(s, kik.Reveal(), wrapped)
	switch {
	case errors.Is(err, errTampered) || err == nil && (len(plain) != plainLen(s) || !isVersion(plain, version)):
		return mo, mt, ErrWrappedKeys
	case err != nil:
		return mo, mt, fmt.Errorf("unwrap packet keys: %w", err)
	}
	n := s.KeyLen()
	key := func(i int) []byte { return plain[semiblock+i*n:][:n] }
	mo = scp80.Keys{KIc: scp80.NewKey[scp80.CipherKey](key(0)), KID: scp80.NewKey[scp80.MACKey](key(1))}
	mt = scp80.Keys{KIc: scp80.NewKey[scp80.CipherKey](key(2)), KID: scp80.NewKey[scp80.MACKey](key(3))}
	return mo, mt, nil
}

func isVersion(plain []byte, version uint8) bool {
	return version != 0 && [semiblock]byte(plain[:semiblock]) == [semiblock]byte{version}
}
