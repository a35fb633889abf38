package decode

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

// Key is the keys that packets of one direction may be under.
type Key struct {
	Name  string // said of a packet that they open: "MO, version 1"
	Suite scp80.Suite
	Keys  scp80.Keys
}

// Keyring is the keys to try. It prints none of them.
type Keyring []Key

// Validate refuses keys whose lengths no algorithm of their suite has.
func (k Key) Validate() error {
	for _, key := range [][]byte{k.Keys.KIc.Reveal(), k.Keys.KID.Reveal()} {
		if _, err := blockOf(k.Suite, key); err != nil {
			return err
		}
	}
	return nil
}

// blockOf readies a key: AES, or 3DES with two or three keys (TS 102 225 §5.1.2).
func blockOf(s scp80.Suite, key []byte) (cipher.Block, error) {
	switch s {
	case scp80.Modern:
		return aes.NewCipher(key)
	case scp80.Legacy:
		return scp80.NewTripleDES(key)
	}
	return nil, errors.New("no suite")
}

// algorithm is the number that a header names a key's algorithm by (TS 102 225 §5.1.2).
func (k Key) algorithm(key []byte) uint8 {
	switch {
	case k.Suite == scp80.Modern:
		return 0x2
	case len(key) == 24:
		return 0x9
	}
	return 0x5
}

// open walks the secured part with the first keys that its checksum is right under.
func (c *cursor) open(h header) {
	var last *attempt
	for _, key := range c.keys {
		for _, a := range attempts(h, key) {
			if a.verdict.right {
				c.walkOpened(h, a)
				return
			}
			last = &a
		}
	}
	switch {
	case last == nil:
		c.refused = true
		c.leaf("secured part §5.1", len(c.rest()), meaning("not opened: the keys given are of other algorithms, or the packet cannot be right"))
	case len(c.keys) > 1:
		c.refused = true
		c.leaf("secured part §5.1", len(c.rest()), meaning(fmt.Sprintf("not opened: the CC is wrong under each of %d keys tried", len(c.keys))))
	default:
		c.refused = last.verdict.wrong
		c.walkOpened(h, *last)
	}
}

// walkOpened walks deciphered octets in the place of the ciphered ones.
func (c *cursor) walkOpened(h header, a attempt) {
	octets := bytes.Clone(c.octets)
	copy(octets[c.at:], a.plain)
	inner := &cursor{unit: c.unit, octets: octets, at: c.at, end: c.end, standard: c.standard}
	inner.inside(h, a.verdict)
	c.fields = append(c.fields, inner.fields...)
	c.at, c.dead = inner.at, inner.dead
}

// attempt is a secured part in clear under some keys.
type attempt struct {
	plain   []byte // from CNTR on
	verdict verdict
}

// attempts opens a packet with keys, as the codec judges. It is empty when the packet is
// of other algorithms. A response does not say whether it is ciphered: both are tried.
func attempts(h header, key Key) []attempt {
	if h.response {
		return append(answers(h, key, 0), answers(h, key, ciphered)...)
	}
	if !key.fits(h) {
		return nil
	}
	p := scp80.Profile{SPI: h.spi, KIc: h.kic, KID: h.kid, TAR: h.tar, CC: h.cc, Interop: true}
	channel, err := scp80.NewChannel(p, key.Keys)
	switch {
	case errors.Is(err, scp80.ErrUnsupported) && h.spi.Check() == scp80.CheckRC:
		return decipher(h, key, verdict{suite: key.Suite, right: true, text: "not checked: anybody can make it, so it proves nothing"})
	case err != nil:
		return nil
	}
	_, _, err = channel.Open(h.packet)
	return decipher(h, key, judged(h, key, err))
}

// fits tells whether the algorithms that a command's header names are those of the keys.
func (k Key) fits(h header) bool {
	kic, kid := k.algorithm(k.Keys.KIc.Reveal()), k.algorithm(k.Keys.KID.Reveal())
	return (!h.spi.Ciphered() || uint8(h.kic)&0xF == kic) && (h.spi.Check() != scp80.CheckCC || uint8(h.kid)&0xF == kid)
}

// judged is the codec's word on a packet.
func judged(h header, key Key, err error) verdict {
	v := verdict{suite: key.Suite, text: "right under " + key.Name}
	switch reason := scp80.ReasonOf(err); {
	case err == nil, reason == scp80.ReasonPadding:
		v.right = true
	case reason == scp80.ReasonChecksum:
		v.wrong, v.text = true, "WRONG under "+key.Name
	default:
		v.wrong, v.text = true, "not checked: the codec refuses the packet for its "+reason.String()
	}
	return v
}

// decipher puts the secured part in clear; it is empty when that is no whole blocks.
func decipher(h header, key Key, v verdict) []attempt {
	plain := bytes.Clone(h.packet[h.clear:])
	if !h.spi.Ciphered() {
		return []attempt{{plain, v}}
	}
	block, err := blockOf(key.Suite, key.Keys.KIc.Reveal())
	if err != nil || len(plain)%block.BlockSize() != 0 {
		return nil
	}
	v.block = block.BlockSize()
	cipher.NewCBCDecrypter(block, make([]byte, v.block)).CryptBlocks(plain, plain)
	return []attempt{{plain, v}}
}

// SPI of a command whose response is ciphered, or has a CC (TS 102 225 §5.1.1).
const (
	answered = 0x0001
	ciphered = 0x0410 // the command too, so that decipher sees it
	withCC   = 0x0008
)

// answers opens a response as one to a command that asked for ciphering, or did not.
func answers(h header, key Key, ciphering scp80.SPI) []attempt {
	h.spi = answered | ciphering
	if h.cc > 0 {
		h.spi |= withCC
	}
	p := scp80.Profile{
		SPI: h.spi, TAR: h.tar, CC: h.cc, Interop: true,
		KIc: scp80.KIc(key.algorithm(key.Keys.KIc.Reveal())), KID: scp80.KID(key.algorithm(key.Keys.KID.Reveal())),
	}
	responder, err := scp80.NewResponder(p, key.Keys)
	if err != nil {
		return nil
	}
	_, err = responder.Open(h.packet)
	all := decipher(h, key, judged(h, key, err))
	if len(all) == 1 && h.cc == 0 && scp80.Status(all[0].plain[lenCNTR+1]).String() == reserved {
		all[0].verdict.right, all[0].verdict.wrong = false, true
	}
	return all
}
