package applet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

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
	return out
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
