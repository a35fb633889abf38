package scp80

import (
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
)

// maxBlock is the largest block of a cipher used here, AES.
const maxBlock = 16

// CMAC is the block cipher MAC of NIST SP 800-38B (RFC 4493 for AES-128). It is
// safe for concurrent use.
type CMAC struct {
	block  cipher.Block
	size   int
	k1, k2 [maxBlock]byte
}

// NewCMAC makes the subkeys of a cipher with blocks of 8 or 16 octets (SP 800-38B §6.1).
func NewCMAC(b cipher.Block) *CMAC {
	c := &CMAC{block: b, size: b.BlockSize()}
	b.Encrypt(c.k1[:c.size], c.k1[:c.size])
	double(c.k1[:c.size])
	c.k2 = c.k1
	double(c.k2[:c.size])
	return c
}

// double multiplies by x in the field that SP 800-38B §5.3 gives for the block size.
func double(block []byte) {
	r := byte(0x87)
	if len(block) == 8 {
		r = 0x1B
	}
	carry := block[0] >> 7
	for i := range len(block) - 1 {
		block[i] = block[i]<<1 | block[i+1]>>7
	}
	block[len(block)-1] = block[len(block)-1]<<1 ^ r*carry
}

// Sum is the whole MAC of a message.
func (c *CMAC) Sum(message []byte) []byte { return c.Append(nil, message) }

// Append appends the whole MAC of the message that the parts make up to dst.
func (c *CMAC) Append(dst []byte, parts ...[]byte) []byte {
	dst = append(dst, make([]byte, c.size)...)
	state := dst[len(dst)-c.size:]
	c.finish(state, chain(c.block, state, parts))
	return dst
}

// chain runs the parts through CBC into state, a zero block, but leaves the last block
// to be enciphered by the caller; of that so many octets are filled.
func chain(block cipher.Block, state []byte, parts [][]byte) (filled int) {
	for _, part := range parts {
		for len(part) > 0 {
			if filled == len(state) { // more is to come, so this is not the last block
				block.Encrypt(state, state)
				filled = 0
			}
			n := subtle.XORBytes(state[filled:], state[filled:], part[:min(len(part), len(state)-filled)])
			filled, part = filled+n, part[n:]
		}
	}
	return filled
}

// finish masks and enciphers the last block (SP 800-38B §6.2, steps 3 to 6).
func (c *CMAC) finish(state []byte, filled int) {
	subkey := &c.k1
	if filled < c.size {
		state[filled] ^= 0x80
		subkey = &c.k2
	}
	subtle.XORBytes(state, state, subkey[:c.size])
	c.block.Encrypt(state, state)
}

// Format prints no subkey.
func (c *CMAC) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "scp80.CMAC{%d octets}", c.size) }
