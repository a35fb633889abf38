package scp80

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

// Algorithms as the low nibbles of KIc and KID name them (TS 102 225 tables 2 and 3).
const (
	algorithmAES   = 0x2 // AES-CBC; AES-CMAC
	algorithm3DES2 = 0x5 // 3DES outer-CBC with 2 keys; 3DES CBC-MAC
	algorithm3DES3 = 0x9 // the same with 3 keys
)

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

func algorithmOf(p Profile) (algorithm, error) {
	kic, kid := p.KIc&0xF, p.KID&0xF
	if kic != kid {
		return algorithm{}, fmt.Errorf("profile with KIc %02X, KID %02X: must name the same algorithm: %w", p.KIc, p.KID, ErrUnsupported)
	}
	switch kic {
	case algorithmAES:
		return algorithm{block: aes.BlockSize, cipher: aes.NewCipher, mac: func(b cipher.Block) mac { return NewCMAC(b) }}, nil
	case algorithm3DES2, algorithm3DES3:
		return algorithm{}, fmt.Errorf("profile with KIc %02X: 3DES is not built: %w", p.KIc, ErrUnsupported)
	}
	return algorithm{}, fmt.Errorf("profile with KIc %02X: no algorithm of this number: %w", p.KIc, ErrUnsupported)
}
