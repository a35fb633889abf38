// Package tr31 makes and opens key blocks: keys that travel encrypted between key
// stores, bound to what they may be used for (ANSI X9.143, formerly TR-31).
//
//	header(16, in clear) optional blocks(in clear) | key, enciphered | MAC
//
// The header says usage, algorithm, mode of use and exportability, and the MAC is
// over header and key, so that neither can be changed without the other. A block
// of version D is protected by an AES key: its MAC is a CMAC, which is the IV of the
// ciphering too, and both keys for that are derived from the [ProtectionKey]. Version
// B is the same with 3DES, and is only opened here, never made.
//
// A key that this package hands out prints as a mask. Which header fits a place in a
// key store is for that store to say: [Parse] reads the header without any key.
//
// Left out: versions A and C (variant binding), and keys other than AES, 3DES and HMAC
// ones. Of the optional blocks, only the padding (PB) has a meaning here; others are
// carried as they are.
package tr31

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/airtill/airtill/platform/scp80"
)

// Purposes of the keys of a key block.
type (
	forProtection struct{}
	forTransport  struct{}

	// ProtectionKey protects key blocks (KBPK): AES for version D, 3DES for version B.
	ProtectionKey = scp80.Key[forProtection]
	// Key is a key on its way from one store to another.
	Key = scp80.Key[forTransport]
)

var (
	// ErrBlock is a text that is not a key block.
	ErrBlock = errors.New("not a key block")
	// ErrAuthentication is a key block that was changed, or protected by another key.
	ErrAuthentication = errors.New("the key block was changed, or another key protects it")
	// ErrProtection is a protection key that is none for the block, or weaker than the key in it.
	ErrProtection = errors.New("the protection key does not fit")
)

// lenBits is the field before the key in the ciphered part: its length in bits.
const lenBits = 2

// Seal makes a key block of version D. Short keys are padded with random octets to the
// longest of their algorithm, so that the block does not show their length (X9.143 §8.1).
func Seal(kbpk ProtectionKey, h Header, key Key, random io.Reader) (string, error) {
	octets := key.Reveal()
	switch {
	case h.Version != VersionD:
		return "", fmt.Errorf("make a key block of version %s: only D is made: %w", h.Version, ErrBlock)
	case !h.Algorithm.takes(len(octets)):
		return "", fmt.Errorf("make a key block: a key of %d octets is none of algorithm %s: %w", len(octets), h.Algorithm, ErrBlock)
	case h.Algorithm != TDEA && len(octets) > len(kbpk.Reveal()):
		return "", fmt.Errorf("make a key block: %d octets protect %d: %w", len(kbpk.Reveal()), len(octets), ErrProtection)
	}
	p, err := newProtection(h.Version, kbpk)
	if err != nil {
		return "", err
	}
	clear := make([]byte, roundUp(lenBits+max(len(octets), h.Algorithm.longest()), p.size))
	if _, err := io.ReadFull(random, clear[lenBits+len(octets):]); err != nil {
		return "", fmt.Errorf("make a key block: %w", err)
	}
	binary.BigEndian.PutUint16(clear, uint16(8*len(octets)))
	copy(clear[lenBits:], octets)
	header, err := h.encode(2*(len(clear)+p.size), p.size)
	if err != nil {
		return "", err
	}
	mac := p.seal(header, clear)
	return header + strings.ToUpper(hex.EncodeToString(clear)+hex.EncodeToString(mac)), nil
}

// Open takes header and key out of a block of version D or B.
func Open(kbpk ProtectionKey, block string) (Header, Key, error) {
	h, header, err := parse(block)
	if err != nil {
		return Header{}, Key{}, err
	}
	p, err := newProtection(h.Version, kbpk)
	if err != nil {
		return Header{}, Key{}, err
	}
	octets, err := hex.DecodeString(block[len(header):])
	n := len(octets) - p.size
	if err != nil || len(header)%p.size != 0 || n < p.size || n%p.size != 0 {
		return Header{}, Key{}, fmt.Errorf("the part after the header is not hexadecimal, or not whole blocks: %w", ErrBlock)
	}
	clear := octets[:n]
	if !p.open(header, clear, octets[n:]) {
		return Header{}, Key{}, ErrAuthentication
	}
	bits := int(binary.BigEndian.Uint16(clear))
	if bits%8 != 0 || bits/8 > n-lenBits || !h.Algorithm.takes(bits/8) {
		return Header{}, Key{}, fmt.Errorf("a key of %d bits is none of algorithm %s: %w", bits, h.Algorithm, ErrBlock)
	}
	return h, scp80.NewKey[Key](clear[lenBits : lenBits+bits/8]), nil
}

func roundUp(n, block int) int { return (n + block - 1) / block * block }
