package applet

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

// 3DES-DUKPT: ANSI X9.24-1:2009 annex A. Its key serial number of 10 octets is the
// initial key's id in 59 bits and a counter in 21.
const (
	counterBitsTDES = 21
	maxWorkTDES     = 10
)

// Variants of keys (X9.24-1 annex A).
var (
	derivationVariant = []byte{0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0, 0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0}
	pinVariant        = []byte{0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF}
)

// serialTDES is the left 8 octets of a key serial number with the counter's bits zero.
func serialTDES(id InitialKeyID) []byte {
	id[7] &^= 0x1F
	return id[:]
}

// initialTDES enciphers the serial number under the base key, and under its variant for
// the second half (X9.24-1 A.6).
func initialTDES(dst, base []byte, id InitialKeyID) error {
	for i, key := range [][]byte{base, variant(base, derivationVariant)} {
		block, err := scp80.NewTripleDES(key)
		if err != nil {
			return fmt.Errorf("derive an initial key: %w", err)
		}
		block.Encrypt(dst[i*des.BlockSize:], serialTDES(id))
	}
	return nil
}

// fromTDES derives one key after another: there is nothing to be made ready.
func fromTDES(key []byte, id InitialKeyID) (step, error) {
	return func(dst []byte, counter uint32) error { return stepTDES(dst, key, id, counter) }, nil
}

// stepTDES is the non-reversible key generation process (X9.24-1 A.2): the right half of
// the key serial number, through both halves of the key and of its variant.
func stepTDES(dst, key []byte, id InitialKeyID, counter uint32) error {
	serial := binary.BigEndian.AppendUint16(serialTDES(id)[2:], 0)
	register := binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(serial)|uint64(counter))
	right, err := crossTDES(key, register)
	if err != nil {
		return err
	}
	left, err := crossTDES(variant(key, derivationVariant), register)
	copy(dst, left)
	copy(dst[des.BlockSize:], right)
	return err
}

// crossTDES enciphers the register, masked by the right half of the key, under the left one.
func crossTDES(key, register []byte) ([]byte, error) {
	var block cipher.Block
	block, err := des.NewCipher(key[:des.BlockSize])
	if err != nil {
		return nil, fmt.Errorf("derive a DUKPT key: %w", err)
	}
	out, mask := make([]byte, des.BlockSize), key[des.BlockSize:]
	subtle.XORBytes(out, register, mask)
	block.Encrypt(out, out)
	subtle.XORBytes(out, out, mask)
	return out, nil
}

// pinTDES is the PIN encryption variant of a transaction key (X9.24-1 A.4.1).
func pinTDES(dst, transaction []byte, _ InitialKeyID, _ uint32) error {
	subtle.XORBytes(dst, transaction, pinVariant)
	return nil
}
