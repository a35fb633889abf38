package applet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"github.com/airtill/airtill/platform/scp80"
)

// errTampered is sealed octets that were changed, or sealed under another key; callers
// have their own word for it.
var errTampered = errors.New("sealed octets do not open")

// sealOctets seals whole semiblocks of one length for each key: AES-KWP, or 3DES-CBC
// with a retail MAC. Either way they grow by a semiblock.
func sealOctets(s scp80.Suite, key, plain []byte) ([]byte, error) {
	switch s {
	case scp80.Modern:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return wrap(block, plain), nil
	case scp80.Legacy:
		return sealTDES(key, plain)
	}
	return nil, ErrSuite
}

// openOctets undoes sealOctets: errTampered if they were not sealed so.
func openOctets(s scp80.Suite, key, sealed []byte) ([]byte, error) {
	switch s {
	case scp80.Modern:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		plain, ok := unwrap(block, sealed)
		if !ok {
			return nil, errTampered
		}
		return plain, nil
	case scp80.Legacy:
		return openTDES(key, sealed)
	}
	return nil, ErrSuite
}

// Key wrapping with padding: RFC 5649, NIST SP 800-38F KWP.
const (
	semiblock  = 8
	wrapIV     = 0xA65959A6 // the first half of the alternative initial value (RFC 5649 §3)
	wrapRounds = 6
)

// wrap wraps 9 octets or more (RFC 5649 §4.1).
func wrap(block cipher.Block, plain []byte) []byte {
	n := (len(plain) + semiblock - 1) / semiblock
	out := make([]byte, semiblock*(n+1))
	binary.BigEndian.PutUint32(out, wrapIV)
	binary.BigEndian.PutUint32(out[4:], uint32(len(plain)))
	copy(out[semiblock:], plain)
	wrapping(block, out)
	return out
}

// wrapping is the wrapping process W (SP 800-38F §6.1, RFC 3394 §2.2.1) over an initial
// value and two semiblocks or more, in place.
func wrapping(block cipher.Block, out []byte) {
	n := len(out)/semiblock - 1
	var b [aes.BlockSize]byte
	copy(b[:semiblock], out)
	for t := range uint64(wrapRounds * n) {
		r := out[semiblock*(1+int(t)%n):][:semiblock]
		copy(b[semiblock:], r)
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^(t+1))
		copy(r, b[semiblock:])
	}
	copy(out, b[:semiblock])
}

// unwrap undoes wrap (RFC 5649 §4.2). All checks are made before it says yes or no.
func unwrap(block cipher.Block, wrapped []byte) ([]byte, bool) {
	n := len(wrapped)/semiblock - 1
	if n < 2 || len(wrapped)%semiblock != 0 {
		return nil, false
	}
	out := append([]byte(nil), wrapped[semiblock:]...)
	var b [aes.BlockSize]byte
	copy(b[:semiblock], wrapped)
	for t := uint64(wrapRounds * n); t > 0; t-- {
		r := out[semiblock*(int(t-1)%n):][:semiblock]
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^t)
		copy(b[semiblock:], r)
		block.Decrypt(b[:], b[:])
		copy(r, b[semiblock:])
	}
	return unpad(b[:semiblock], out)
}

// unpad checks the initial value, the length in it and the padding (RFC 5649 §3).
func unpad(iv, out []byte) ([]byte, bool) {
	length := binary.BigEndian.Uint32(iv[4:])
	if length > uint32(len(out)) || length+semiblock <= uint32(len(out)) {
		return nil, false
	}
	var padding byte
	for _, o := range out[length:] {
		padding |= o
	}
	ok := subtle.ConstantTimeCompare(iv[:4], binary.BigEndian.AppendUint32(nil, wrapIV)) &
		subtle.ConstantTimeByteEq(padding, 0)
	return out[:length], ok == 1
}
