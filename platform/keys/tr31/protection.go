package tr31

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

// Usages of the keys that are derived from a protection key (X9.143 table 9).
const (
	forCiphering      = 0x0000
	forAuthentication = 0x0001
)

// protection is a protection key made ready: the cipher for the key, and the MAC over
// header and key.
type protection struct {
	block cipher.Block
	mac   *scp80.CMAC
	size  int
}

func newProtection(v Version, kbpk ProtectionKey) (*protection, error) {
	octets := kbpk.Reveal()
	ready, algorithm, err := aes.NewCipher, uint16(len(octets)/8), error(nil) // 2, 3, 4: AES-128, -192, -256
	if v == VersionB {
		ready, algorithm = newTDEA, uint16(len(octets)/8-2) // 0, 1: 3DES with 2 and 3 keys
	}
	prf, err := ready(octets)
	if err != nil {
		return nil, fmt.Errorf("a key of %d octets with a block of version %s: %w", len(octets), v, ErrProtection)
	}
	ciphering, err := ready(derive(prf, forCiphering, algorithm, len(octets)))
	if err != nil {
		return nil, fmt.Errorf("ready the key block's cipher: %w", err)
	}
	authentication, err := ready(derive(prf, forAuthentication, algorithm, len(octets)))
	if err != nil {
		return nil, fmt.Errorf("ready the key block's MAC: %w", err)
	}
	return &protection{block: ciphering, mac: scp80.NewCMAC(authentication), size: prf.BlockSize()}, nil
}

// newTDEA makes 3DES of 2 or 3 keys.
func newTDEA(key []byte) (cipher.Block, error) {
	if len(key) == 16 {
		key = append(key[:16:16], key[:8]...)
	}
	return des.NewTripleDESCipher(key)
}

// derive makes a key of n octets: CMACs of counter, usage, 00, algorithm and length in
// bits (X9.143 §8.2, SP 800-108 in counter mode).
func derive(block cipher.Block, usage, algorithm uint16, n int) []byte {
	prf := scp80.NewCMAC(block)
	var key []byte
	for i := byte(1); len(key) < n; i++ {
		input := binary.BigEndian.AppendUint16([]byte{i}, usage)
		input = binary.BigEndian.AppendUint16(append(input, 0), algorithm)
		key = prf.Append(key, binary.BigEndian.AppendUint16(input, uint16(8*n)))
	}
	return key[:n]
}

// seal enciphers clear in place and answers the MAC.
func (p *protection) seal(header string, clear []byte) []byte {
	mac := p.mac.Append(nil, []byte(header), clear)
	cipher.NewCBCEncrypter(p.block, mac).CryptBlocks(clear, clear)
	return mac
}

// open deciphers in place and tells whether the MAC is right.
func (p *protection) open(header string, ciphered, mac []byte) bool {
	cipher.NewCBCDecrypter(p.block, mac).CryptBlocks(ciphered, ciphered)
	return subtle.ConstantTimeCompare(mac, p.mac.Append(nil, []byte(header), ciphered)) == 1
}
