package scp80

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"errors"
	"fmt"
)

// KIc names a packet's key set (high nibble) and how it is ciphered (TS 102 225 §5.1.2).
type KIc uint8

// KID names a packet's key set (high nibble) and how its check is made (TS 102 225 §5.1.3).
type KID uint8

// Algorithms as the low nibbles of KIc and KID name them (TS 102 225 tables 2 and 3).
const (
	algorithmImplicit    = 0x0
	algorithmDES         = 0x1 // DES-CBC; DES; with RC: CRC-16
	algorithmAES         = 0x2 // AES-CBC; AES-CMAC
	algorithmProprietary = 0x3
	algorithm3DES2       = 0x5 // 3DES outer-CBC with 2 keys; 3DES CBC-MAC; with RC: CRC-32
	algorithm3DES3       = 0x9 // the same with 3 keys
	algorithmECB         = 0xD // DES-ECB; not a KID
)

// Set is the key set.
func (k KIc) Set() uint8 { return uint8(k >> 4) }

// Set is the key set.
func (k KID) Set() uint8 { return uint8(k >> 4) }

// String is key set and algorithm: "key set 1, AES-CBC".
func (k KIc) String() string { return fmt.Sprintf("key set %d, %s", k.Set(), k.algorithm()) }

func (k KIc) algorithm() string {
	switch k & 0xF {
	case algorithmImplicit:
		return "known implicitly"
	case algorithmDES:
		return "DES-CBC"
	case algorithmAES:
		return "AES-CBC"
	case algorithmProprietary:
		return "proprietary"
	case algorithm3DES2:
		return "3DES-CBC, 2 keys"
	case algorithm3DES3:
		return "3DES-CBC, 3 keys"
	case algorithmECB:
		return "DES-ECB"
	}
	return "reserved"
}

// String is key set and algorithm of a CC: "key set 1, AES-CMAC".
func (k KID) String() string { return k.Of(CheckCC) }

// Of is key set and algorithm as they are with a kind of check: with RC the algorithms
// are others than with CC.
func (k KID) Of(c Check) string {
	name := "reserved"
	switch {
	case k&0xF == algorithmImplicit:
		name = "known implicitly"
	case k&0xF == algorithmProprietary:
		name = "proprietary"
	case c == CheckRC:
		name = k.redundancy()
	case c == CheckCC || c == CheckNone:
		name = k.checksum()
	}
	return fmt.Sprintf("key set %d, %s", k.Set(), name)
}

func (k KID) redundancy() string {
	switch k & 0xF {
	case algorithmDES:
		return "CRC-16"
	case algorithm3DES2:
		return "CRC-32"
	}
	return "reserved"
}

func (k KID) checksum() string {
	switch k & 0xF {
	case algorithmDES:
		return "DES CBC-MAC"
	case algorithmAES:
		return "AES-CMAC"
	case algorithm3DES2:
		return "3DES CBC-MAC, 2 keys"
	case algorithm3DES3:
		return "3DES CBC-MAC, 3 keys"
	}
	return "reserved"
}

// weak tells whether a header asks for what is decoded and never served: a redundancy
// check, which anybody can make, or single DES (wire.md 5).
func weak(s SPI, kic KIc, kid KID) bool {
	des := s.Ciphered() && (kic&0xF == algorithmDES || kic&0xF == algorithmECB)
	return des || s.Check() == CheckRC || s.Check() == CheckCC && kid&0xF == algorithmDES
}

// algorithm is a block cipher with its way of making a checksum.
type algorithm struct {
	block  int
	cipher func(key []byte) (cipher.Block, error)
	mac    func(cipher.Block) mac
}

// mac appends the checksum of the message that parts make up, uncut, to dst.
type mac interface {
	Append(dst []byte, parts ...[]byte) []byte
}

func algorithmOf(nibble uint8) (algorithm, error) {
	switch nibble {
	case algorithmAES:
		return algorithm{aes.BlockSize, aes.NewCipher, func(b cipher.Block) mac { return NewCMAC(b) }}, nil
	case algorithm3DES2:
		return algorithm{des.BlockSize, tripleDES(2), newCBCMAC}, nil
	case algorithm3DES3:
		return algorithm{des.BlockSize, tripleDES(3), newCBCMAC}, nil
	case algorithmDES, algorithmECB:
		return algorithm{}, fmt.Errorf("algorithm %X, single DES: %w", nibble, ErrUnsupported)
	}
	return algorithm{}, fmt.Errorf("algorithm %X: neither AES nor 3DES: %w", nibble, ErrUnsupported)
}

func tripleDES(keys int) func(key []byte) (cipher.Block, error) {
	return func(key []byte) (cipher.Block, error) {
		if len(key) != keys*des.BlockSize {
			return nil, fmt.Errorf("a 3DES key of %d octets, not %d", len(key), keys*des.BlockSize)
		}
		return NewTripleDES(key)
	}
}

// NewTripleDES is 3DES with a key of 16 octets (K1 K2 K1) or 24 (SP 800-67). It
// refuses one whose parts are equal, which would be single DES. Under crypto/fips140
// enforcement it refuses them all.
func NewTripleDES(key []byte) (cipher.Block, error) {
	const part = des.BlockSize
	if len(key) != 2*part && len(key) != 3*part {
		return nil, fmt.Errorf("a 3DES key of %d octets, not 16 or 24", len(key))
	}
	k1, k2, k3 := key[:part], key[part:2*part], key[len(key)-part:]
	if len(key) == 2*part {
		k3 = k1
	}
	if sameDES(k1, k2) || sameDES(k2, k3) {
		return nil, errors.New("a 3DES key with equal parts is single DES")
	}
	return des.NewTripleDESCipher(bytes.Join([][]byte{k1, k2, k3}, nil))
}

// sameDES compares two DES keys without their parity bits.
func sameDES(a, b []byte) bool {
	var differ byte
	for i := range a {
		differ |= (a[i] ^ b[i]) & 0xFE
	}
	return differ == 0
}
