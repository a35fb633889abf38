package scp80

import (
	"bytes"
	"errors"
	"testing"
)

// Nothing in a refused packet reaches a key: the channel here has none (wire.md 5).
func TestHeaderBeforeKeys(t *testing.T) {
	c := &Channel{frame: Modern.Profile(MO, 1).command()}
	c.frame.block = keyless(16)
	for _, n := range vectors(t).Negative {
		switch n.ID {
		case "neg-header-tar", "neg-spi-downgrade", "neg-kid-des", "neg-cpl", "neg-chl-cc4", "neg-not-block-multiple", "neg-reflected":
			if _, _, err := c.Open(n.Packet); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", n.ID, err)
			}
		}
	}
	for _, v := range vectors(t).Vectors {
		if v.Kind == "command" && v.SPI != "1600" {
			if _, _, err := c.Open(v.Packet); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", v.ID, err)
			}
		}
	}
}

// keyless is a cipher that only has a size; using it is a failure.
type keyless int

func (k keyless) BlockSize() int      { return int(k) }
func (k keyless) Encrypt(_, _ []byte) { panic("a key was used") }
func (k keyless) Decrypt(_, _ []byte) { panic("a key was used") }

// The matrix of wire.md 5 (SIMtester): of every first SPI octet, key set and
// application, only the profile's gets through - even made by somebody who has the
// keys, so that nothing but the header is wrong.
func TestDowngradeMatrix(t *testing.T) {
	for _, s := range suites() {
		for _, d := range []Direction{MO, MT} {
			p, keys := s.Profile(d, 1), testKeys(s)
			c, err := NewChannel(p, keys)
			if err != nil {
				t.Fatal(err)
			}
			opened := 0
			for spi := range SPI(256) {
				for set := KIc(1); set < 16; set++ {
					for _, tar := range []TAR{0xB10000, TARPayment, 0x000000} {
						q := p
						q.SPI, q.KIc, q.KID, q.TAR = spi<<8, set<<4|p.KIc&0xF, KID(set)<<4|p.KID&0xF, tar
						_, _, err := c.Open(craft(t, q, keys))
						if err == nil {
							opened++
						} else if r := ReasonOf(err); r != ReasonHeader && (r != ReasonWeak || q.SPI.Check() != CheckRC) {
							t.Fatalf("%s SPI %04X %s TAR %s: %s", s, uint16(q.SPI), q.KIc, tar, r)
						}
					}
				}
			}
			if opened != 1 {
				t.Errorf("%s: %d of the matrix got through, want 1", s, opened)
			}
		}
	}
}

// craft makes a packet whose header says what the profile says, valid or not, ciphered
// and with a CC as the suite has them.
func craft(t testing.TB, p Profile, k Keys) []byte {
	t.Helper()
	f := p.command()
	f.header[0], f.cc, f.size = byte(baseCHL+8), 8, p.blockSize()
	if err := f.ready(p, k); err != nil {
		t.Fatal(err)
	}
	packet, err := f.seal([]byte{0, 0, 0, 0, 1, 0}, []byte("a payload of any length"))
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// The same for every second SPI octet, and for every algorithm that KIc and KID can name.
func TestAlgorithmMatrix(t *testing.T) {
	for _, s := range suites() {
		p, keys := s.Profile(MO, 1), testKeys(s)
		c, err := NewChannel(p, keys)
		if err != nil {
			t.Fatal(err)
		}
		good, opened := craft(t, p, keys), 0
		for i := range 256 * 256 {
			packet := bytes.Clone(good)
			packet[5], packet[6] = byte(i>>8), byte(i)
			if _, _, err := c.Open(packet); err == nil {
				opened++
			}
		}
		for second := range SPI(256) {
			q := p
			q.SPI = p.SPI&0xFF00 | second
			if _, _, err := c.Open(craft(t, q, keys)); err == nil {
				opened++
			}
		}
		if opened != 2 { // its own, once in each loop
			t.Errorf("%s: %d got through, want 2", s, opened)
		}
	}
}

// A packet that asks for single DES or a redundancy check has a reason of its own, before
// any key is used, whatever the profile.
func TestWeakPackets(t *testing.T) {
	for _, s := range suites() {
		p := s.Profile(MO, 1)
		good := craft(t, p, testKeys(s))
		c := &Channel{frame: p.command()}
		c.frame.block = keyless(c.frame.size)
		for name, change := range map[string]func([]byte){
			"KIc DES-CBC":    func(b []byte) { b[5] = b[5]&0xF0 | 0x1 },
			"KIc DES-ECB":    func(b []byte) { b[5] = b[5]&0xF0 | 0xD },
			"KID DES":        func(b []byte) { b[6] = b[6]&0xF0 | 0x1 },
			"RC CRC-32":      func(b []byte) { b[3], b[6] = 0x15, b[6]&0xF0|0x5 },
			"RC CRC-16":      func(b []byte) { b[3], b[6] = 0x15, b[6]&0xF0|0x1 },
			"DES throughout": func(b []byte) { b[5], b[6] = 0x11, 0x11 },
		} {
			packet := bytes.Clone(good)
			change(packet)
			if _, _, err := c.Open(packet); !errors.Is(err, ErrRefused) || ReasonOf(err) != ReasonWeak {
				t.Errorf("%s, %s: %v for %s", s, name, err, ReasonOf(err))
			}
			if read, err := ParseCommand(packet); err != nil || !read.Weak() {
				t.Errorf("%s, %s is not read as weak: %v", s, name, err)
			}
		}
	}
}

// Every octet of a packet is under the checksum or the header comparison, and no part
// of a packet is a packet.
func TestEveryBitCounts(t *testing.T) {
	for _, s := range suites() {
		c, err := NewChannel(s.Profile(MT, 2), testKeys(s))
		if err != nil {
			t.Fatal(err)
		}
		packet, err := c.Wrap(7, bytes.Repeat([]byte("pay"), 25))
		if err != nil {
			t.Fatal(err)
		}
		for i := range packet {
			for bit := range 8 {
				packet[i] ^= 1 << bit
				if _, _, err := c.Open(packet); !errors.Is(err, ErrRefused) {
					t.Fatalf("%s octet %d bit %d: %v", s, i, bit, err)
				}
				packet[i] ^= 1 << bit
			}
		}
		for n := range packet {
			if _, _, err := c.Open(packet[:n]); ReasonOf(err) != ReasonLength {
				t.Fatalf("%s cut at %d: %v", s, n, err)
			}
		}
	}
}
