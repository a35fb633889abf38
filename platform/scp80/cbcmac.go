package scp80

import (
	"crypto/cipher"
	"fmt"
)

// cbcMAC is the CC of 3DES: the last block of 3DES-CBC over the message, filled up
// with zeros (TS 102 225 §5.1.3; ISO 9797-1 algorithm 1 with padding 1, and not the
// retail MAC). It is sound here because a packet begins with its own length.
type cbcMAC struct{ block cipher.Block }

func newCBCMAC(b cipher.Block) mac { return cbcMAC{b} }

// Append appends the whole MAC of the message that the parts make up to dst.
func (c cbcMAC) Append(dst []byte, parts ...[]byte) []byte {
	size := c.block.BlockSize()
	dst = append(dst, make([]byte, size)...)
	state := dst[len(dst)-size:]
	chain(c.block, state, parts)
	c.block.Encrypt(state, state)
	return dst
}

// Format prints no key.
func (c cbcMAC) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "scp80.cbcMAC{%d octets}", c.block.BlockSize())
}
