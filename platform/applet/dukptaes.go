package applet

import (
	"crypto/aes"
	"encoding/binary"
	"fmt"
)

// AES-DUKPT: ANSI X9.24-3:2017 §6. Most one bits in a counter, so that no derivation
// takes more steps than that (§6.2.1).
const (
	counterBitsAES = 32
	maxWorkAES     = 16
)

// Usages in derivation data (X9.24-3 table 5).
const (
	usagePIN     = 0x1000
	usageDerive  = 0x8000
	usageInitial = 0x8001
)

func initialAES(dst, base []byte, id InitialKeyID) error {
	data := derivationData(usageInitial, len(base))
	copy(data[8:], id[:])
	return deriveAES(dst, base, data)
}

func stepAES(dst, key []byte, id InitialKeyID, counter uint32) error {
	return deriveAES(dst, key, counterData(usageDerive, len(key), id, counter))
}

func pinAES(dst, transaction []byte, id InitialKeyID, counter uint32) error {
	return deriveAES(dst, transaction, counterData(usagePIN, len(transaction), id, counter))
}

// derivationData is the head of derivation data (X9.24-3 §6.3.2): version, block
// counter, usage, algorithm and length of the key that is derived, all AES.
func derivationData(usage uint16, keyLen int) (data [aes.BlockSize]byte) {
	data[0], data[1] = 1, 1
	binary.BigEndian.PutUint16(data[2:], usage)
	binary.BigEndian.PutUint16(data[4:], uint16(keyLen/8)) // 2, 3, 4: AES-128, -192, -256
	binary.BigEndian.PutUint16(data[6:], uint16(keyLen*8))
	return data
}

// counterData is derivation data of a counter: the last 4 octets of the id, then the counter.
func counterData(usage uint16, keyLen int, id InitialKeyID, counter uint32) [aes.BlockSize]byte {
	data := derivationData(usage, keyLen)
	copy(data[8:], id[4:])
	binary.BigEndian.PutUint32(data[12:], counter)
	return data
}

// deriveAES derives a key as long as the one it is derived from: as many blocks of
// enciphered derivation data as that takes (X9.24-3 §6.3.1).
func deriveAES(dst, from []byte, data [aes.BlockSize]byte) error {
	block, err := aes.NewCipher(from)
	if err != nil {
		return fmt.Errorf("derive a DUKPT key: %w", err)
	}
	var out [2 * aes.BlockSize]byte
	for at := 0; at < len(dst); at += aes.BlockSize {
		block.Encrypt(out[at:], data[:])
		data[1]++
	}
	copy(dst, out[:])
	return nil
}
