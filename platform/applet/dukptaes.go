package applet

import (
	"crypto/aes"
	"crypto/cipher"
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

// fromAES makes the key ready once for all that is derived from it.
func fromAES(key []byte, id InitialKeyID) (step, error) {
	block, err := newAES(key)
	if err != nil {
		return nil, err
	}
	data := counterData(usageDerive, len(key), id, 0)
	var out [2 * aes.BlockSize]byte
	return func(dst []byte, counter uint32) error {
		binary.BigEndian.PutUint32(data[12:], counter)
		encipherData(block, dst, &data, &out)
		return nil
	}, nil
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
	block, err := newAES(from)
	if err != nil {
		return err
	}
	encipherData(block, dst, &data, new([2 * aes.BlockSize]byte))
	return nil
}

func newAES(key []byte) (cipher.Block, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive a DUKPT key: %w", err)
	}
	return block, nil
}

// encipherData fills dst by way of out, which is longer than the last block needs.
func encipherData(block cipher.Block, dst []byte, data *[aes.BlockSize]byte, out *[2 * aes.BlockSize]byte) {
	for at := 0; at < len(dst); at += aes.BlockSize {
		data[1] = byte(1 + at/aes.BlockSize) // the block counter
		block.Encrypt(out[at:], data[:])
	}
	copy(dst, out[:])
}
