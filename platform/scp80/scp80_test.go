package scp80

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// octets is hexadecimal in a vector file.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.AppendDecode(nil, text)
	return err
}

type vector struct {
	ID          string
	Kind        string
	SPI         string
	KIc         octets
	KID         octets
	TAR         string
	CNTR        string
	KIcKey      octets `json:"kic_key"`
	KIDKey      octets `json:"kid_key"`
	Cipher      string
	CCLen       int    `json:"cc_len"`
	SecuredData octets `json:"secured_data"`
	CC          octets
	Packet      octets
}

type concatenated struct {
	ID     string
	Packet octets
	KIcKey octets `json:"kic_key"`
	KIDKey octets `json:"kid_key"`
	Length int    `json:"secured_data_len"`
	Parts  []octets
}

type negative struct {
	ID     string
	Packet octets
	KIcKey octets `json:"kic_key"`
	KIDKey octets `json:"kid_key"`
}

type vectorFile struct {
	Vectors      []vector
	Concatenated []concatenated
	Negative     []negative
}

func load(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func vectors(t testing.TB) vectorFile {
	t.Helper()
	var f vectorFile
	load(t, "testdata/scp80.json", &f)
	return f
}

func number(t testing.TB, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func keysOf(kic, kid []byte) Keys {
	return Keys{KIc: NewKey[CipherKey](kic), KID: NewKey[MACKey](kid)}
}

func (v vector) profile(t testing.TB) Profile {
	return Profile{
		SPI: SPI(number(t, v.SPI)), KIc: v.KIc[0], KID: v.KID[0], TAR: TAR(number(t, v.TAR)), CC: v.CCLen,
	}
}

func (f vectorFile) find(t testing.TB, id string) vector {
	t.Helper()
	i := slices.IndexFunc(f.Vectors, func(v vector) bool { return v.ID == id })
	if i < 0 {
		t.Fatalf("no vector %s", id)
	}
	return f.Vectors[i]
}

// Every ciphered AES command packet of the published and project vectors, both ways.
func TestCommandVectors(t *testing.T) {
	passed := 0
	for _, v := range vectors(t).Vectors {
		if v.Kind != "command" || v.Cipher != "AES-CBC" {
			continue
		}
		passed++
		t.Run(v.ID, func(t *testing.T) {
			p, keys, cntr := v.profile(t), keysOf(v.KIcKey, v.KIDKey), number(t, v.CNTR)
			packet, err := Wrap(p, keys, cntr, v.SecuredData)
			if err != nil || !bytes.Equal(packet, v.Packet) {
				t.Fatalf("Wrap: %x, %v\nwant  %x", packet, err, []byte(v.Packet))
			}
			gotCntr, payload, err := Open(p, keys, v.Packet)
			if err != nil || gotCntr != cntr || !bytes.Equal(payload, v.SecuredData) {
				t.Fatalf("Open: %d %x, %v", gotCntr, payload, err)
			}
		})
	}
	if passed != 9 {
		t.Errorf("%d AES command packets in the vectors, want 9", passed)
	}
}

// The 3DES and check-less packets of the vectors name profiles that are refused
// before a key is used.
func TestUnsupportedVectors(t *testing.T) {
	refused := 0
	for _, v := range vectors(t).Vectors {
		if v.Kind != "command" || v.Cipher == "AES-CBC" {
			continue
		}
		refused++
		if _, err := NewChannel(v.profile(t), keysOf(v.KIcKey, v.KIDKey)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", v.ID, err)
		}
		if _, _, err := Open(Modern.Profile(MO, 1), keysOf(make([]byte, 32), make([]byte, 32)), v.Packet); !errors.Is(err, ErrRefused) {
			t.Errorf("%s under the modern profile: %v", v.ID, err)
		}
	}
	if refused == 0 {
		t.Error("no such vector")
	}
}

// A packet of two parts is one packet when it is put together (TS 31.115 §4.2).
func TestConcatenatedVectors(t *testing.T) {
	for _, c := range vectors(t).Concatenated {
		if len(c.KIcKey) == 0 {
			continue
		}
		_, payload, err := Open(Modern.Profile(MT, 1), keysOf(c.KIcKey, c.KIDKey), c.Packet)
		if err != nil || len(payload) != c.Length {
			t.Errorf("%s: %d octets, %v", c.ID, len(payload), err)
		}
		var joined []byte
		for _, part := range c.Parts {
			joined = append(joined, part[1+int(part[0]):]...)
		}
		if !bytes.Equal(joined, c.Packet) {
			t.Errorf("%s: parts do not make up the packet", c.ID)
		}
	}
}

func TestNegativeVectors(t *testing.T) {
	accepted := uint64(1) // pay-aes256-keyset1 came before
	want := map[string]Reason{
		"neg-cc-bit":             ReasonChecksum,
		"neg-header-tar":         ReasonHeader,
		"neg-spi-downgrade":      ReasonHeader,
		"neg-kid-des":            ReasonHeader,
		"neg-cpl":                ReasonLength,
		"neg-chl-cc4":            ReasonHeader,
		"neg-not-block-multiple": ReasonLength,
		"neg-pcntr-too-big":      ReasonPadding,
		"neg-padding-nonzero":    ReasonPadding,
		"neg-reflected":          ReasonHeader,
		"neg-replay":             ReasonNone,
		"neg-cntr-low":           ReasonNone,
	}
	for _, n := range vectors(t).Negative {
		t.Run(n.ID, func(t *testing.T) {
			reason, known := want[n.ID]
			delete(want, n.ID)
			cntr, payload, err := Open(Modern.Profile(MO, 1), keysOf(n.KIcKey, n.KIDKey), n.Packet)
			switch {
			case !known:
				t.Fatal("no expectation for this vector")
			case reason == ReasonNone:
				if err != nil || !errors.Is(CheckCounter(accepted, cntr), ErrCounterLow) {
					t.Errorf("counter %d, %v: want authentic and low", cntr, err)
				}
			case !errors.Is(err, ErrRefused) || ReasonOf(err) != reason || payload != nil || cntr != 0:
				t.Errorf("%v (%s), want refused for its %s", err, ReasonOf(err), reason)
			case err.Error() != ErrRefused.Error():
				t.Errorf("the error says more than %q: %q", ErrRefused, err)
			}
		})
	}
	if len(want) != 0 {
		t.Errorf("not in the vectors: %v", want)
	}
}

// Nothing in a refused packet reaches a key: the channel here has none (wire.md 5).
func TestHeaderBeforeKeys(t *testing.T) {
	p := Modern.Profile(MO, 1)
	c := &Channel{profile: p, header: p.header(), block: blockSize(16)}
	for _, n := range vectors(t).Negative {
		switch n.ID {
		case "neg-header-tar", "neg-spi-downgrade", "neg-kid-des", "neg-cpl", "neg-chl-cc4", "neg-not-block-multiple", "neg-reflected":
			if _, _, err := c.Open(n.Packet); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", n.ID, err)
			}
		}
	}
}

// blockSize is a cipher that only has a size; using it is a failure.
type blockSize int

func (b blockSize) BlockSize() int      { return int(b) }
func (b blockSize) Encrypt(_, _ []byte) { panic("a key was used") }
func (b blockSize) Decrypt(_, _ []byte) { panic("a key was used") }

// The matrix of wire.md 5 (SIMtester): of every first SPI octet, key set and
// application, only the profile's gets through.
func TestDowngradeMatrix(t *testing.T) {
	v := vectors(t).find(t, "pay-aes256-keyset1")
	c, err := NewChannel(Modern.Profile(MO, 1), keysOf(v.KIcKey, v.KIDKey))
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for spi := range 256 {
		for set := 1; set < 16; set++ {
			for _, tar := range []byte{0x00, 0x01, 0x02} {
				packet := bytes.Clone(v.Packet)
				packet[3], packet[5], packet[6], packet[9] = byte(spi), byte(set<<4|2), byte(set<<4|2), tar
				if _, _, err := c.Open(packet); err == nil {
					opened++
				} else if ReasonOf(err) != ReasonHeader {
					t.Fatalf("SPI %02X set %d TAR %d: %s", spi, set, tar, ReasonOf(err))
				}
			}
		}
	}
	if opened != 1 {
		t.Errorf("%d of the matrix got through, want 1", opened)
	}
}

// Every octet of a packet is under the checksum or the header comparison.
func TestEveryBitCounts(t *testing.T) {
	v := vectors(t).find(t, "pay-aes128-keyset1")
	c, err := NewChannel(Modern.Profile(MO, 1), keysOf(v.KIcKey, v.KIDKey))
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Packet {
		for bit := range 8 {
			packet := bytes.Clone(v.Packet)
			packet[i] ^= 1 << bit
			if _, _, err := c.Open(packet); !errors.Is(err, ErrRefused) {
				t.Fatalf("octet %d bit %d: %v", i, bit, err)
			}
		}
	}
	for n := range v.Packet {
		if _, _, err := c.Open(v.Packet[:n]); ReasonOf(err) != ReasonLength {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

// wire.md 1.8: payload octets that remain of one and two short messages.
func TestPacketLen(t *testing.T) {
	const one, oneWithPorts, two = 140 - 3, 140 - 9, (140 - 8) + (140 - 6)
	for _, c := range []struct{ payload, room int }{{98, one}, {98, oneWithPorts}, {242, two}} {
		if n := Modern.Profile(MO, 1).PacketLen(c.payload); n > c.room {
			t.Errorf("%d octets make a packet of %d, over %d", c.payload, n, c.room)
		}
		if n := Modern.Profile(MO, 1).PacketLen(c.payload + 1); n <= c.room {
			t.Errorf("%d octets still fit %d", c.payload+1, c.room)
		}
	}
}

func TestRoundTripLengths(t *testing.T) {
	c, err := NewChannel(Modern.Profile(MT, 1), keysOf(make([]byte, 32), bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 260 {
		payload := bytes.Repeat([]byte{0}, n) // zeros: padding must not eat them
		packet, err := c.Wrap(uint64(n), payload)
		if err != nil || len(packet) != Modern.Profile(MT, 1).PacketLen(n) {
			t.Fatalf("wrap %d: %d octets, %v", n, len(packet), err)
		}
		cntr, got, err := c.Open(packet)
		if err != nil || cntr != uint64(n) || !bytes.Equal(got, payload) {
			t.Fatalf("open %d: %d, %d octets, %v", n, cntr, len(got), err)
		}
	}
	if _, err := c.Wrap(1, make([]byte, 0xFFFF)); !errors.Is(err, ErrTooLong) {
		t.Errorf("64 KiB: %v", err)
	}
}

// TS 102 225 §5.1.4, counter mode 10.
func TestCheckCounter(t *testing.T) {
	for _, c := range []struct {
		highest, got uint64
		want         error
	}{
		{0, 0, ErrCounterLow}, {0, 1, nil}, {5, 5, ErrCounterLow}, {5, 4, ErrCounterLow}, {5, 500, nil},
		{MaxCounter - 1, MaxCounter, nil}, {MaxCounter, MaxCounter, ErrCounterBlocked}, {MaxCounter, 1, ErrCounterBlocked},
	} {
		if err := CheckCounter(c.highest, c.got); !errors.Is(err, c.want) {
			t.Errorf("CheckCounter(%d, %d) = %v, want %v", c.highest, c.got, err, c.want)
		}
	}
	if _, err := Wrap(Modern.Profile(MO, 1), keysOf(make([]byte, 16), make([]byte, 16)), MaxCounter+1, nil); !errors.Is(err, ErrCounterBlocked) {
		t.Errorf("a counter of 41 bits: %v", err)
	}
}

func TestProfileValidate(t *testing.T) {
	change := func(f func(*Profile)) Profile {
		p := Modern.Profile(MO, 1)
		f(&p)
		return p
	}
	for name, p := range map[string]Profile{
		"nothing":        {},
		"no check":       change(func(p *Profile) { p.SPI = 0x1400 }),
		"RC":             change(func(p *Profile) { p.SPI = 0x1500 }),
		"DS":             change(func(p *Profile) { p.SPI = 0x1700 }),
		"not ciphered":   change(func(p *Profile) { p.SPI = 0x1200 }),
		"reserved bit":   change(func(p *Profile) { p.SPI |= 0x2000 }),
		"two key sets":   change(func(p *Profile) { p.KID = 0x22 }),
		"key set 0":      change(func(p *Profile) { p.KIc, p.KID = 0x02, 0x02 }),
		"two algorithms": change(func(p *Profile) { p.KID = 0x15 }),
		"3DES":           change(func(p *Profile) { p.KIc, p.KID = 0x35, 0x35 }),
		"DES":            change(func(p *Profile) { p.KIc, p.KID = 0x11, 0x11 }),
		"TAR":            change(func(p *Profile) { p.TAR = 0x1000000 }),
		"CC":             change(func(p *Profile) { p.CC = 16 }),
	} {
		if err := p.Validate(); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, d := range []Direction{MO, MT} {
		if err := Modern.Profile(d, 1).Validate(); err != nil {
			t.Error(err)
		}
	}
	if _, err := NewChannel(Modern.Profile(MO, 1), keysOf(make([]byte, 8), make([]byte, 32))); err == nil || strings.Contains(err.Error(), "%!") {
		t.Errorf("an AES key of 8 octets: %v", err)
	}
	if _, err := NewChannel(Modern.Profile(MO, 1), Keys{}); err == nil {
		t.Error("a channel without keys")
	}
}
