package scp80

import (
	"bytes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// Channel is a profile with its keys made ready. It is safe for concurrent use and
// keeps no counter.
type Channel struct {
	profile Profile
	header  [lenClear - lenCPL]byte
	block   cipher.Block
	mac     mac
}

// NewChannel makes the keys of a profile ready.
func NewChannel(p Profile, k Keys) (*Channel, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	a, err := algorithmOf(p)
	if err != nil {
		return nil, err
	}
	kic, err := a.cipher(k.KIc.octets())
	if err != nil {
		return nil, fmt.Errorf("ready KIc: %w", err)
	}
	kid, err := a.cipher(k.KID.octets())
	if err != nil {
		return nil, fmt.Errorf("ready KID: %w", err)
	}
	return &Channel{profile: p, header: p.header(), block: kic, mac: a.mac(kid)}, nil
}

// Format prints the channel without its keys.
func (c *Channel) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "scp80.Channel{KIc %02X, TAR %06X}", c.profile.KIc, uint32(c.profile.TAR))
}

// Wrap secures a payload under the counter cntr, which must never be used again
// with these keys: the caller keeps it first.
func (c *Channel) Wrap(cntr uint64, payload []byte) ([]byte, error) {
	if cntr > MaxCounter {
		return nil, ErrCounterBlocked
	}
	total := c.profile.PacketLen(len(payload))
	if total > maxPacket {
		return nil, fmt.Errorf("wrap %d octets: %w", len(payload), ErrTooLong)
	}
	packet := make([]byte, total)
	binary.BigEndian.PutUint16(packet, uint16(total-lenCPL))
	copy(packet[lenCPL:], c.header[:])
	clear, body := packet[:lenClear], packet[lenClear:]
	putCounter(body, cntr)
	body[lenCNTR] = byte(len(body) - lenCounter - c.profile.CC - len(payload))
	data := body[lenCounter+c.profile.CC:]
	copy(data, payload)
	copy(body[lenCounter:], c.checksum(clear, body[:lenCounter], data))
	c.encrypt(body)
	return packet, nil
}

// Open takes counter and payload out of a packet, in the order of wire.md 5:
// lengths, header, decipher, checksum, padding. It does not compare the counter.
// Any refusal is [ErrRefused], and nobody is to be told of it.
func (c *Channel) Open(packet []byte) (cntr uint64, payload []byte, err error) {
	if !c.lengthsFit(packet) {
		return 0, nil, refusal{ReasonLength}
	}
	if !bytes.Equal(packet[lenCPL:lenClear], c.header[:]) {
		return 0, nil, refusal{ReasonHeader}
	}
	clear, body := packet[:lenClear], bytes.Clone(packet[lenClear:])
	c.decrypt(body)
	counter, cc, data := body[:lenCounter], body[lenCounter:lenCounter+c.profile.CC], body[lenCounter+c.profile.CC:]
	if subtle.ConstantTimeCompare(cc, c.checksum(clear, counter, data)) != 1 {
		return 0, nil, refusal{ReasonChecksum}
	}
	padding := int(counter[lenCNTR])
	if padding >= c.block.BlockSize() || padding > len(data) || !zero(data[len(data)-padding:]) {
		return 0, nil, refusal{ReasonPadding}
	}
	n := len(data) - padding
	return getCounter(counter), data[:n:n], nil
}

// lengthsFit checks that CPL counts what came, and that the ciphered part is whole
// blocks with room for counter and checksum.
func (c *Channel) lengthsFit(packet []byte) bool {
	ciphered := len(packet) - lenClear
	return ciphered >= lenCounter+c.profile.CC && ciphered%c.block.BlockSize() == 0 &&
		int(binary.BigEndian.Uint16(packet)) == len(packet)-lenCPL
}

// checksum is the CC over all but itself, padding included (TS 102 225 §5.1.5).
func (c *Channel) checksum(clear, counter, data []byte) []byte {
	return c.mac.Append(make([]byte, 0, maxBlock), clear, counter, data)[:c.profile.CC]
}

// The IV is zero: the counter in the first block is what makes two packets differ
// (TS 102 225 §5.1.2).
func (c *Channel) encrypt(body []byte) {
	cipher.NewCBCEncrypter(c.block, make([]byte, c.block.BlockSize())).CryptBlocks(body, body)
}

func (c *Channel) decrypt(body []byte) {
	cipher.NewCBCDecrypter(c.block, make([]byte, c.block.BlockSize())).CryptBlocks(body, body)
}

func zero(octets []byte) bool {
	var sum byte
	for _, o := range octets {
		sum |= o
	}
	return sum == 0
}
