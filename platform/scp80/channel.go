package scp80

import (
	"encoding/binary"
	"fmt"
)

// Channel is a profile with its keys made ready: it wraps and opens the command
// packets of one direction. It is safe for concurrent use and keeps no counter.
type Channel struct {
	profile Profile
	frame   frame
}

// NewChannel makes the keys of a profile ready: the KIc if it ciphers, the KID if it
// has a CC.
func NewChannel(p Profile, k Keys) (*Channel, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c := &Channel{profile: p, frame: p.command()}
	if err := c.frame.ready(p, k); err != nil {
		return nil, err
	}
	return c, nil
}

// Format prints the channel without its keys.
func (c *Channel) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "scp80.Channel{KIc %02X, TAR %s}", uint8(c.profile.KIc), c.profile.TAR)
}

// Wrap secures a payload under the counter cntr, which must never be used again
// with these keys: the caller keeps it first.
func (c *Channel) Wrap(cntr uint64, payload []byte) ([]byte, error) {
	if cntr > MaxCounter {
		return nil, ErrCounterBlocked
	}
	var fixed [lenCounter]byte
	putCounter(fixed[:], cntr)
	return c.frame.seal(fixed[:], payload)
}

// Open takes counter and payload out of a packet, in the order of wire.md 5:
// lengths, header, decipher, checksum, padding. It does not compare the counter; see
// [CounterMode.Check]. Any refusal is [ErrRefused], and nobody is to be told of it.
func (c *Channel) Open(packet []byte) (cntr uint64, payload []byte, err error) {
	if counted(packet, lenClear) && weakHeader(packet) {
		return 0, nil, refusal{ReasonWeak}
	}
	fixed, payload, err := c.frame.open(packet)
	if err != nil {
		return 0, nil, err
	}
	return getCounter(fixed), payload, nil
}

func weakHeader(packet []byte) bool {
	const atSPI, atKIc, atKID = lenLength + 1, lenLength + 3, lenLength + 4
	return weak(SPI(binary.BigEndian.Uint16(packet[atSPI:])), KIc(packet[atKIc]), KID(packet[atKID]))
}
