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

// suite is a block cipher with its way of making a checksum. The legacy suite of
// TS 102 225 is one more of these: its checksum is a CBC-MAC over 3DES.
type suite struct {
	block  int
	cipher func(key []byte) (cipher.Block, error)
	mac    func(cipher.Block) mac
}

// mac appends the checksum of the message that parts make up, uncut, to dst.
type mac interface {
	Append(dst []byte, parts ...[]byte) []byte
}

func suiteOf(p Profile) (suite, error) {
	kic, kid := p.KIc&0xF, p.KID&0xF
	if kic != kid {
		return suite{}, fmt.Errorf("profile with KIc %02X, KID %02X: must name the same algorithm: %w", p.KIc, p.KID, ErrUnsupported)
	}
	switch kic {
	case algorithmAES:
		return suite{block: aes.BlockSize, cipher: aes.NewCipher, mac: func(b cipher.Block) mac { return NewCMAC(b) }}, nil
	case algorithm3DES2, algorithm3DES3:
		return suite{}, fmt.Errorf("profile with KIc %02X: 3DES is not built: %w", p.KIc, ErrUnsupported)
	}
	return suite{}, fmt.Errorf("profile with KIc %02X: no algorithm of this number: %w", p.KIc, ErrUnsupported)
}
