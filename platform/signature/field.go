package signature

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrField is a legacy field that cannot be opened. It does not say why.
var ErrField = errors.New("the field cannot be opened: it is to be base64 of IV, 3DES-CBC ciphertext and MAC, under the merchant's field key")

const (
	lenBlock = 8
	lenHalf  = 16 // a 3DES key of two keys; one for the cipher, one for the MAC
)

// FieldKey hides the sensitive fields of legacy messages: two keys of two DES keys
// each, the first for the cipher, the second for the MAC. It prints as a mask.
type FieldKey struct{ octets []byte }

// NewFieldKey takes 32 octets. Keys that make one DES key of two are refused.
func NewFieldKey(octets []byte) (FieldKey, error) {
	wrong := errors.New("a field key is 32 octets: four DES keys, no neighbours alike")
	if len(octets) != 2*lenHalf {
		return FieldKey{}, wrong
	}
	for _, key := range [][]byte{octets[:lenHalf], octets[lenHalf:]} {
		if subtle.ConstantTimeCompare(key[:lenBlock], key[lenBlock:]) == 1 {
			return FieldKey{}, wrong
		}
	}
	return FieldKey{octets: octets}, nil
}

// ParseFieldKey reads base64 of 32 octets. The error does not hold it.
func ParseFieldKey(text string) (FieldKey, error) {
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return FieldKey{}, errors.New("a field key is the base64 of 32 octets")
	}
	return NewFieldKey(octets)
}

// Reveal is the key's text, as ParseFieldKey reads it.
func (k FieldKey) Reveal() string { return base64.StdEncoding.EncodeToString(k.octets) }

func (FieldKey) String() string               { return "field key " + mask }
func (k FieldKey) GoString() string           { return k.String() }
func (k FieldKey) Format(f fmt.State, _ rune) { masked(f, k.String()) }
func (k FieldKey) MarshalText() ([]byte, error) {
	return []byte(k.String()), nil
}

// SealField hides the value of a field: 3DES-CBC with a random IV and the padding
// 80 00.. (ISO/IEC 9797-1 method 2), then a MAC over the name, the IV and the
// ciphertext, so that no value can be moved to another field.
func SealField(key FieldKey, name, plain string) (string, error) {
	block, err := key.cipher()
	if err != nil {
		return "", err
	}
	iv := make([]byte, lenBlock)
	_, _ = rand.Read(iv) // never fails
	text := pad([]byte(plain))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	sealed := append(iv, text...)
	mac, err := key.mac(name, sealed)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(append(sealed, mac...)), nil
}

// OpenField opens the value of a field with one of the keys: two while they change.
// The MAC is checked before anything is deciphered.
func OpenField(name, text string, keys ...FieldKey) (string, error) {
	octets, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(octets)%lenBlock != 0 || len(octets) < 3*lenBlock {
		return "", ErrField
	}
	end := len(octets) - lenBlock
	for _, key := range keys {
		mac, err := key.mac(name, octets[:end])
		if err == nil && subtle.ConstantTimeCompare(mac, octets[end:]) == 1 {
			return key.open(octets[:end])
		}
	}
	return "", ErrField
}

func (k FieldKey) open(sealed []byte) (string, error) {
	block, err := k.cipher()
	if err != nil {
		return "", err
	}
	plain := make([]byte, len(sealed)-lenBlock)
	cipher.NewCBCDecrypter(block, sealed[:lenBlock]).CryptBlocks(plain, sealed[lenBlock:])
	end := len(plain) - 1
	for end > 0 && plain[end] == 0 {
		end--
	}
	if plain[end] != 0x80 {
		return "", ErrField
	}
	return string(plain[:end]), nil
}

func (k FieldKey) cipher() (cipher.Block, error) {
	if len(k.octets) != 2*lenHalf {
		return nil, ErrField
	}
	return tripleDES(k.octets[:lenHalf])
}

// tripleDES is 3DES with two keys: K1 K2 K1.
func tripleDES(key []byte) (cipher.Block, error) {
	block, err := des.NewTripleDESCipher(append(append([]byte{}, key...), key[:lenBlock]...))
	if err != nil {
		return nil, fmt.Errorf("ready a 3DES key: %w", err)
	}
	return block, nil
}

// mac is over the name, a zero octet and the rest, with padding method 2.
func (k FieldKey) mac(name string, rest []byte) ([]byte, error) {
	if len(k.octets) != 2*lenHalf {
		return nil, ErrField
	}
	text := append(append([]byte(name), 0), rest...)
	return retailMAC(k.octets[lenHalf:], pad(text))
}

// retailMAC is ISO/IEC 9797-1 algorithm 3 (ANSI X9.19) over whole blocks: DES-CBC with
// the first key, then decipher with the second and encipher with the first.
func retailMAC(key, text []byte) ([]byte, error) {
	first, err := des.NewCipher(key[:lenBlock])
	if err != nil {
		return nil, fmt.Errorf("ready a DES key: %w", err)
	}
	second, err := des.NewCipher(key[lenBlock:])
	if err != nil {
		return nil, fmt.Errorf("ready a DES key: %w", err)
	}
	mac := make([]byte, lenBlock)
	for ; len(text) >= lenBlock; text = text[lenBlock:] {
		subtle.XORBytes(mac, mac, text[:lenBlock])
		first.Encrypt(mac, mac)
	}
	second.Decrypt(mac, mac)
	first.Encrypt(mac, mac)
	return mac, nil
}

// pad is ISO/IEC 9797-1 padding method 2: 80, then zeros to a whole block.
func pad(text []byte) []byte {
	padded := append(append([]byte{}, text...), 0x80)
	for len(padded)%lenBlock != 0 {
		padded = append(padded, 0)
	}
	return padded
}
