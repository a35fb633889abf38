package applet

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

// RetailMAC is ISO 9797-1 algorithm 3 with padding 1: CBC of single DES under the first
// half of a key of 16 octets, and one more pass under the second and the first half at
// the end. It is the MAC of the legacy suite's card records and keys, not of its packets.
func RetailMAC(key, message []byte) ([]byte, error) {
	if len(key) != 2*des.BlockSize {
		return nil, fmt.Errorf("a retail MAC key of %d octets, not 16", len(key))
	}
	first, err := des.NewCipher(key[:des.BlockSize])
	if err != nil {
		return nil, fmt.Errorf("ready the retail MAC key: %w", err)
	}
	second, err := des.NewCipher(key[des.BlockSize:])
	if err != nil {
		return nil, fmt.Errorf("ready the retail MAC key: %w", err)
	}
	state := make([]byte, des.BlockSize)
	for len(message) > 0 {
		n := subtle.XORBytes(state, state, message[:min(len(message), len(state))])
		first.Encrypt(state, state)
		message = message[n:]
	}
	second.Decrypt(state, state)
	first.Encrypt(state, state)
	return state, nil
}

// macVariant makes the MAC key of a key that ciphers (vectors, legacy_account_blob_rule).
var macVariant = []byte{0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0}

var zeroIV [des.BlockSize]byte

// sealTDES enciphers whole blocks with 3DES-CBC and appends the retail MAC of the
// ciphertext. The plain text has one length for each key, so that CBC-MAC is sound.
func sealTDES(key, plain []byte) ([]byte, error) {
	block, err := scp80.NewTripleDES(key)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, len(plain), len(plain)+des.BlockSize)
	cipher.NewCBCEncrypter(block, zeroIV[:]).CryptBlocks(sealed, plain)
	mac, err := RetailMAC(variant(key, macVariant), sealed)
	return append(sealed, mac...), err
}

// openTDES undoes sealTDES: errTampered if the MAC is wrong.
func openTDES(key, sealed []byte) ([]byte, error) {
	block, err := scp80.NewTripleDES(key)
	if err != nil {
		return nil, err
	}
	n := len(sealed) - des.BlockSize
	if n < 0 || n%des.BlockSize != 0 {
		return nil, errTampered
	}
	mac, err := RetailMAC(variant(key, macVariant), sealed[:n])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(mac, sealed[n:]) != 1 {
		return nil, errTampered
	}
	plain := make([]byte, n)
	cipher.NewCBCDecrypter(block, zeroIV[:]).CryptBlocks(plain, sealed[:n])
	return plain, nil
}

// variant is a key with another purpose: some of its bits turned.
func variant(key, mask []byte) []byte {
	turned := bytes.Clone(key)
	subtle.XORBytes(turned, turned, mask)
	return turned
}
