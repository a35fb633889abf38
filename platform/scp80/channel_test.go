package scp80

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// wire.md 1.8: payload octets that remain of one to four short messages.
func TestPacketLen(t *testing.T) {
	room := []int{140 - 3, 140 - 8 + 134, 140 - 8 + 2*134, 140 - 8 + 3*134}
	modern, legacyProfile := Modern.Profile(MO, 1), Legacy.Profile(MO, 1)
	short, clear, bare, none := modern, modern, legacyProfile, legacyProfile
	short.CC, short.Interop = 4, true
	clear.SPI, clear.Interop = 0x1200, true
	bare.SPI, bare.Interop = 0x1400, true
	none.SPI, none.Interop = 0x1000, true
	for name, c := range map[string]struct {
		p      Profile
		octets []int
	}{
		"3DES, CC 8":      {legacyProfile, []int{106, 242, 370, 506}},
		"AES, CC 8":       {modern, []int{98, 242, 370, 498}},
		"AES, CC 4":       {short, []int{102, 246, 374, 502}},
		"CC 8, no cipher": {clear, []int{113, 242, 376, 510}},
		"3DES, no CC":     {bare, []int{114}},
		"no security":     {none, []int{121}},
	} {
		for i, most := range c.octets {
			if fits, over := c.p.PacketLen(most), c.p.PacketLen(most+1); fits == 0 || fits > room[i] || over <= room[i] {
				t.Errorf("%s in %d SMS: %d octets make %d, one more %d, room %d", name, i+1, most, fits, over, room[i])
			}
		}
	}
	const ports = 140 - 9
	if modern.PacketLen(98) > ports || legacyProfile.PacketLen(106) > ports {
		t.Error("the port element costs payload")
	}
	if (Profile{}).PacketLen(1) != 0 {
		t.Error("no profile has a packet")
	}
}

func TestRoundTripLengths(t *testing.T) {
	for _, s := range suites() {
		checkLengthsOf(t, s)
	}
}

func checkLengthsOf(t *testing.T, s Suite) {
	c, err := NewChannel(s.Profile(MT, 1), testKeys(s))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 260 {
		payload := bytes.Repeat([]byte{0}, n) // zeros: padding must not eat them
		packet, err := c.Wrap(uint64(n), payload)
		if err != nil || len(packet) != s.Profile(MT, 1).PacketLen(n) {
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

// TS 102 225 §5.1.4: low, high and blocked in each counter mode.
func TestCounterModes(t *testing.T) {
	for _, c := range []struct {
		highest, got          uint64
		none, higher, exactly error
	}{
		{0, 0, nil, ErrCounterLow, ErrCounterLow},
		{0, 1, nil, nil, nil},
		{5, 5, nil, ErrCounterLow, ErrCounterLow},
		{5, 4, nil, ErrCounterLow, ErrCounterLow},
		{5, 6, nil, nil, nil},
		{5, 7, nil, nil, ErrCounterHigh},
		{5, MaxCounter, nil, nil, ErrCounterHigh},
		{MaxCounter - 1, MaxCounter, nil, nil, nil},
		{MaxCounter, MaxCounter, nil, ErrCounterBlocked, ErrCounterBlocked},
		{MaxCounter, 1, nil, ErrCounterBlocked, ErrCounterBlocked},
	} {
		for mode, want := range map[CounterMode]error{CounterNone: c.none, CounterUnchecked: c.none, CounterHigher: c.higher, CounterNext: c.exactly} {
			if err := mode.Check(c.highest, c.got); !errors.Is(err, want) {
				t.Errorf("%s: %d after %d: %v, want %v", mode, c.got, c.highest, err, want)
			}
		}
		if err := CheckCounter(c.highest, c.got); !errors.Is(err, c.higher) {
			t.Errorf("CheckCounter(%d, %d) = %v, want %v", c.highest, c.got, err, c.higher)
		}
	}
	if _, err := Wrap(Modern.Profile(MO, 1), testKeys(Modern), MaxCounter+1, nil); !errors.Is(err, ErrCounterBlocked) {
		t.Errorf("a counter of 41 bits: %v", err)
	}
}

// What a CC covers of padding stays covered: a packet under a good CC whose padding is
// wrong is refused for that, ciphered or not.
func TestPaddingAfterChecksum(t *testing.T) {
	for _, c := range []struct {
		name  string
		spi   SPI
		pcntr byte
		data  string
	}{
		{"over a block", 0x1600, 16, "\x00\x00"},
		{"over the data", 0x1600, 3, "\x00\x00"},
		{"not zero", 0x1600, 2, "\x00\x01"},
		{"much over", 0x1600, 255, "\x00\x00"},
		{"in a packet in clear", 0x1200, 1, "\x00\x00"},
	} {
		p := Modern.Profile(MO, 1)
		p.SPI, p.Interop = c.spi, true
		channel, err := NewChannel(p, testKeys(Modern))
		if err != nil {
			t.Fatal(err)
		}
		packet, err := channel.Wrap(1, []byte(c.data))
		if err != nil {
			t.Fatal(err)
		}
		rewrite(channel.frame, packet, c.pcntr)
		if _, _, err := channel.Open(packet); ReasonOf(err) != ReasonPadding {
			t.Errorf("%s: %v for %s", c.name, err, ReasonOf(err))
		}
	}
}

// rewrite puts another PCNTR into a packet and makes its CC good again. One block.
func rewrite(f frame, packet []byte, pcntr byte) {
	clear, body := packet[:f.clear()], packet[f.clear():]
	if f.size > 0 {
		f.block.Decrypt(body, body)
	}
	fixed, cc, data := f.split(body)
	fixed[lenCNTR] = pcntr
	copy(cc, f.checksum(nil, clear, fixed, data))
	if f.size > 0 {
		f.block.Encrypt(body, body)
	}
}

// Whatever profile there is, what it wraps it opens, and under a CC nothing that was
// changed.
func TestAnyProfile(t *testing.T) {
	nibbles := []uint8{algorithmAES, algorithm3DES2, algorithm3DES3}
	if len(suites()) == 1 {
		nibbles = nibbles[:1]
	}
	lengths := map[uint8]int{algorithmAES: 24, algorithm3DES2: 16, algorithm3DES3: 24}
	rapid.Check(t, func(t *rapid.T) {
		kic, kid := rapid.SampledFrom(nibbles).Draw(t, "KIc"), rapid.SampledFrom(nibbles).Draw(t, "KID")
		p := Profile{
			SPI: SPI(rapid.SampledFrom([]int{0, 2, 4, 6}).Draw(t, "check and cipher"))<<8 | SPI(rapid.IntRange(0, 3).Draw(t, "counter"))<<11,
			KIc: KIc(kic), KID: KID(kid), TAR: TAR(rapid.Uint32Range(0, 0xFFFFFF).Draw(t, "TAR")),
			CC: rapid.SampledFrom([]int{4, 8}).Draw(t, "CC"), Interop: true,
		}
		key := rapid.SliceOfNDistinct(rapid.Byte(), 24, 24, func(b byte) byte { return b & 0xFE }).Draw(t, "key")
		c, err := NewChannel(p, keysOf(key[:lengths[kic]], key[:lengths[kid]]))
		if err != nil {
			t.Fatal(err)
		}
		payload := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "payload")
		cntr := rapid.Uint64Range(0, MaxCounter).Draw(t, "counter value")
		packet, err := c.Wrap(cntr, payload)
		if err != nil {
			t.Fatal(err)
		}
		got, opened, err := c.Open(packet)
		if err != nil || got != cntr || !bytes.Equal(opened, payload) {
			t.Fatalf("%s: opened %d %x, %v", p.SPI, got, opened, err)
		}
		if _, err := ParseCommand(packet); err != nil {
			t.Fatal(err)
		}
		packet[rapid.IntRange(0, len(packet)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, _, err := c.Open(packet); err == nil && p.SPI.Check() == CheckCC {
			t.Fatalf("%s: a changed packet opened", p.SPI)
		}
	})
}

func TestProfileValidate(t *testing.T) {
	type row struct {
		change  func(*Profile)
		interop bool // whether it may be had with Interop
	}
	for name, c := range map[string]row{
		"nothing":            {func(p *Profile) { *p = Profile{} }, true},
		"no check":           {func(p *Profile) { p.SPI = 0x1400 }, true},
		"RC":                 {func(p *Profile) { p.SPI = 0x1500 }, false},
		"DS":                 {func(p *Profile) { p.SPI = 0x1700 }, false},
		"not ciphered":       {func(p *Profile) { p.SPI = 0x1200 }, true},
		"counter not there":  {func(p *Profile) { p.SPI = 0x0600 }, true},
		"counter unchecked":  {func(p *Profile) { p.SPI = 0x0E00 }, true},
		"reserved bit":       {func(p *Profile) { p.SPI |= 0x2000 }, false},
		"reserved response":  {func(p *Profile) { p.SPI |= 0x0003 }, false},
		"response with RC":   {func(p *Profile) { p.SPI |= 0x0005 }, false},
		"two key sets":       {func(p *Profile) { p.KID = 0x22 }, false},
		"key set 0":          {func(p *Profile) { p.KIc, p.KID = 0x02, 0x02 }, true},
		"two algorithms":     {func(p *Profile) { p.KID = p.KID&0xF0 | algorithm3DES3 }, true},
		"DES":                {func(p *Profile) { p.KIc, p.KID = 0x11, 0x11 }, false},
		"DES-ECB":            {func(p *Profile) { p.KIc = 0x1D }, false},
		"implicit algorithm": {func(p *Profile) { p.KIc, p.KID = 0x10, 0x10 }, false},
		"proprietary":        {func(p *Profile) { p.KIc, p.KID = 0x13, 0x13 }, false},
		"TAR":                {func(p *Profile) { p.TAR = 0x1000000 }, false},
		"CC of 16":           {func(p *Profile) { p.CC = 16 }, false},
		"CC of 0":            {func(p *Profile) { p.CC = 0 }, false},
		"CC of 4":            {func(p *Profile) { p.CC = 4 }, true},
	} {
		for _, s := range []Suite{Modern, Legacy} {
			p := s.Profile(MO, 1)
			c.change(&p)
			if err := p.Validate(); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s, %s: %v", s, name, err)
			}
			p.Interop = true
			if err := p.Validate(); (err == nil) != c.interop {
				t.Errorf("%s, %s for other programs: %v", s, name, err)
			}
		}
	}
	next := Modern.Profile(MO, 1)
	next.SPI = 0x1E00
	if err := next.Validate(); err != nil {
		t.Errorf("counter mode 11: %v", err)
	}
}

// Keys that are not of the profile's algorithm make no channel, nor does a 3DES key
// that is a DES key in disguise.
func TestKeysFit(t *testing.T) {
	same := bytes.Repeat([]byte{0x10, 0x11}, 12) // equal parts, but for no bit
	for name, c := range map[string]struct {
		p Profile
		k Keys
	}{
		"none":                 {Modern.Profile(MO, 1), Keys{}},
		"AES of 8":             {Modern.Profile(MO, 1), keysOf(make([]byte, 8), make([]byte, 32))},
		"AES, KID of 8":        {Modern.Profile(MO, 1), keysOf(make([]byte, 32), make([]byte, 8))},
		"3DES of 24, not 16":   {Legacy.Profile(MO, 1), keysOf(testKeys(Modern).KIc.Reveal()[:24], testKeys(Legacy).KID.Reveal())},
		"3DES of 8":            {Legacy.Profile(MO, 1), keysOf(make([]byte, 8), make([]byte, 8))},
		"3DES of equal parts":  {Legacy.Profile(MO, 1), keysOf(same[:16], testKeys(Legacy).KID.Reveal())},
		"3DES, parity differs": {Legacy.Profile(MO, 1), keysOf(testKeys(Legacy).KIc.Reveal(), append(bytes.Repeat([]byte{1}, 8), make([]byte, 8)...))},
	} {
		if _, err := NewChannel(c.p, c.k); err == nil || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewTripleDES(same); err == nil {
		t.Error("3 keys of equal parts")
	}
}

func TestSuites(t *testing.T) {
	for _, s := range []Suite{Modern, Legacy} {
		text, err := s.MarshalText()
		var read Suite
		if err != nil || read.UnmarshalText(text) != nil || read != s || !s.Valid() {
			t.Errorf("%s reads back as %s", s, read)
		}
	}
	if _, err := ParseSuite("none"); err == nil || Suite(0).Valid() || Suite(0).KeyLen() != 0 {
		t.Error("the zero suite is one")
	}
	if Modern.KeyLen() != 32 || Legacy.KeyLen() != 16 {
		t.Error("key lengths")
	}
	if (Suite(0).Profile(MO, 1) != Profile{}) || (Modern.Profile(0, 1) != Profile{}) || (Legacy.Profile(MT, 0) != Profile{}) {
		t.Error("a profile of nothing")
	}
}

// wire.md 6: key sets 1 to 4 in version 1, 5 to 8 and 9 to C in the next, and again.
// Every version and direction of a suite is told from the versions beside it.
func TestKeySets(t *testing.T) {
	want := map[Suite]map[Direction][]uint8{
		Modern: {MO: {1, 5, 9, 1, 5}, MT: {2, 6, 10, 2, 6}},
		Legacy: {MO: {3, 7, 11, 3, 7}, MT: {4, 8, 12, 4, 8}},
	}
	for s, directions := range want {
		for d, sets := range directions {
			for i, set := range sets {
				p := s.Profile(d, uint8(i+1))
				if p.KIc.Set() != set || p.KID.Set() != set || p.Validate() != nil || p.Interop {
					t.Errorf("%s %d version %d: %+v", s, d, i+1, p)
				}
				if got, ok := KeySetOf(craftHeader(p)); !ok || got != set {
					t.Errorf("%s %d version %d: header names %d", s, d, i+1, got)
				}
			}
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 9), {0, 8, 0, 0, 0, 0x12, 0x22, 0, 0, 0}} {
		if set, ok := KeySetOf(bad); ok {
			t.Errorf("%x names key set %d", bad, set)
		}
	}
	if last := Modern.Profile(MO, 255); last.Validate() != nil {
		t.Errorf("version 255: %+v", last)
	}
}

func craftHeader(p Profile) []byte { return append([]byte{0, 8}, p.command().header...) }
