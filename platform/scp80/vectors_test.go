package scp80

import (
	"bytes"
	"crypto/cipher"
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
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
	Status      octets
	KIcKey      octets `json:"kic_key"`
	KIDKey      octets `json:"kid_key"`
	CCAlg       string `json:"cc_alg"`
	CCInput     octets `json:"cc_input"`
	CC          octets
	CipherInput octets `json:"cipher_input"`
	SecuredData octets `json:"secured_data"`
	Additional  octets `json:"additional_data"`
	Packet      octets
	UDH         octets
	TPUD        octets `json:"tp_ud"`
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

// profile is that of the vector; those of other programs need Interop.
func (v vector) profile(t testing.TB) Profile {
	return Profile{
		SPI: SPI(number(t, v.SPI)), KIc: KIc(v.KIc[0]), KID: KID(v.KID[0]), TAR: TAR(number(t, v.TAR)), CC: len(v.CC),
		Interop: v.SPI != "1600",
	}
}

// legacy skips a test of 3DES where the process may not have it.
func legacy(t testing.TB) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("3DES is not to be had under crypto/fips140")
	}
}

// suites are those that the process may have.
func suites() []Suite {
	if fips140.Enforced() {
		return []Suite{Modern}
	}
	return []Suite{Modern, Legacy}
}

// needsTDES tells whether a vector is of 3DES.
func (v vector) needsTDES() bool { return v.KIc[0]&0xF != algorithmAES }

func (f vectorFile) find(t testing.TB, id string) vector {
	t.Helper()
	i := slices.IndexFunc(f.Vectors, func(v vector) bool { return v.ID == id })
	if i < 0 {
		t.Fatalf("no vector %s", id)
	}
	return f.Vectors[i]
}

// Every command packet of the published and the project's vectors, both ways, with
// what is between: what the CC covers, the CC, what is ciphered.
func TestCommandVectors(t *testing.T) {
	passed := 0
	for _, v := range vectors(t).Vectors {
		if v.Kind != "command" || v.CCAlg == "CRC-32" {
			continue
		}
		passed++
		t.Run(v.ID, func(t *testing.T) {
			if v.needsTDES() {
				legacy(t)
			}
			c, err := NewChannel(v.profile(t), keysOf(v.KIcKey, v.KIDKey))
			if err != nil {
				t.Fatal(err)
			}
			cntr := number(t, v.CNTR)
			packet, err := c.Wrap(cntr, v.SecuredData)
			if err != nil || !bytes.Equal(packet, v.Packet) || len(packet) != c.profile.PacketLen(len(v.SecuredData)) {
				t.Fatalf("Wrap: %x, %v\nwant  %x", packet, err, []byte(v.Packet))
			}
			checkBetween(t, c.frame, v)
			gotCntr, payload, err := c.Open(v.Packet)
			if err != nil || gotCntr != cntr || !bytes.Equal(payload, v.SecuredData) {
				t.Fatalf("Open: %d %x, %v", gotCntr, payload, err)
			}
		})
	}
	if passed != 19 {
		t.Errorf("%d command packets, want 19", passed)
	}
}

// checkBetween compares the values between payload and packet.
func checkBetween(t *testing.T, f frame, v vector) {
	t.Helper()
	if v.CC != nil {
		if got := f.mac.Append(nil, v.CCInput)[:len(v.CC)]; !bytes.Equal(got, v.CC) {
			t.Errorf("CC %x, want %x", got, []byte(v.CC))
		}
	}
	body := bytes.Clone(v.Packet[f.clear():])
	if f.size > 0 {
		cipher.NewCBCDecrypter(f.block, zeroIV[:f.size]).CryptBlocks(body, body)
	}
	if v.CipherInput != nil && !bytes.Equal(body, v.CipherInput) {
		t.Errorf("cipher input %x, want %x", body, []byte(v.CipherInput))
	}
	if ud := append(bytes.Clone(v.UDH), v.Packet...); !bytes.Equal(ud, v.TPUD) {
		t.Errorf("TP-UD %x, want %x", ud, []byte(v.TPUD))
	}
}

// Every response packet of the vectors, both ways: with and without CC, ciphered or not.
func TestResponseVectors(t *testing.T) {
	passed := 0
	for _, v := range vectors(t).Vectors {
		if v.Kind != "response" {
			continue
		}
		passed++
		t.Run(v.ID, func(t *testing.T) {
			if v.needsTDES() {
				legacy(t)
			}
			p := v.profile(t)
			p.Interop = true
			if p.CC == 0 {
				p.CC = 8 // of the command; the response has none
			}
			r, err := NewResponder(p, keysOf(v.KIcKey, v.KIDKey))
			if err != nil {
				t.Fatal(err)
			}
			want := Response{Counter: number(t, v.CNTR), Status: Status(v.Status[0]), Data: v.Additional}
			packet, err := r.Wrap(want)
			if err != nil || !bytes.Equal(packet, v.Packet) {
				t.Fatalf("Wrap: %x, %v\nwant  %x", packet, err, []byte(v.Packet))
			}
			checkBetween(t, r.frame, v)
			got, err := r.Open(v.Packet)
			if err != nil || got.Counter != want.Counter || got.Status != want.Status || !bytes.Equal(got.Data, want.Data) {
				t.Fatalf("Open: %+v, %v", got, err)
			}
		})
	}
	if passed != 7 {
		t.Errorf("%d response packets, want 7", passed)
	}
}

// The redundancy check of the vectors is read and refused: no channel of it, and no
// channel of another profile opens it (wire.md 0, 5).
func TestRedundancyCheckVector(t *testing.T) {
	v := vectors(t).find(t, "asterix-1535-crc32")
	if _, err := NewChannel(v.profile(t), keysOf(v.KIcKey, v.KIcKey)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a channel with a redundancy check: %v", err)
	}
	for _, s := range suites() {
		_, _, err := Open(s.Profile(MO, 1), testKeys(s), v.Packet)
		if !errors.Is(err, ErrRefused) || ReasonOf(err) != ReasonWeak {
			t.Errorf("%s: %v for %s", s, err, ReasonOf(err))
		}
	}
	c, err := ParseCommand(v.Packet)
	if err != nil || !c.Weak() || c.KID.Of(c.SPI.Check()) != "key set 1, CRC-32" || c.CheckLen() != 4 {
		t.Errorf("read as %+v, %v", c, err)
	}
}

// testKeys are some keys of a suite.
func testKeys(s Suite) Keys {
	octets := make([]byte, s.KeyLen())
	for i := range octets {
		octets[i] = byte(2 * i)
	}
	return keysOf(octets, octets)
}

// A packet of several parts is one packet when it is put together (TS 31.115 §4.2).
func TestConcatenatedVectors(t *testing.T) {
	for _, c := range vectors(t).Concatenated {
		if len(c.KIcKey) > 0 {
			_, payload, err := Open(Modern.Profile(MT, 1), keysOf(c.KIcKey, c.KIDKey), c.Packet)
			if err != nil || len(payload) != c.Length {
				t.Errorf("%s: %d octets, %v", c.ID, len(payload), err)
			}
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
		"neg-kid-des":            ReasonWeak,
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
