package decode

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/scp80"
)

// suiteOf is what a vector's keys are for; a response's header does not say it.
func suiteOf(v vector) scp80.Suite {
	if strings.Contains(v.ID, "3des") || strings.Contains(v.ID, "asterix") || strings.Contains(v.Cipher, "3DES") {
		return scp80.Legacy
	}
	return scp80.Modern
}

// Every vector opens with its keys, and reads as it says (wire.md 1.9).
func TestVectorsOpen(t *testing.T) {
	for _, v := range vectors(t).Vectors {
		t.Run(v.ID, func(t *testing.T) {
			onlyModern(t, suiteOf(v))
			e := Explain(v.Packet, 0, Keyring{keyOf(suiteOf(v), v.KIcKey, v.KIDKey)})
			checkTree(t, e)
			if e.Kind != Packet || e.Refused {
				t.Fatalf("%s, refused %v, %v", e.Kind, e.Refused, e.Fault)
			}
			expect(t, e, "CNTR", strings.TrimLeft(v.CNTR, "0"))
			if f, ok := findAny(e.Fields, "CC", "RC", "RC, CC or DS"); ok && f.Octets != hex.EncodeToString(v.CC) {
				t.Errorf("check %s, want %x", f.Octets, []byte(v.CC))
			} else if ok && f.Name != "RC" && f.Meaning != "right under the keys given" {
				t.Errorf("the check is said to be %q", f.Meaning)
			}
			if f, ok := Find(e.Fields, "padding"); ok && f.Length != v.PCNTR || !ok && v.PCNTR != 0 {
				t.Errorf("%d octets of padding, want %d", f.Length, v.PCNTR)
			}
			if f, ok := Find(e.Fields, "data"); ok && f.Octets != secret && f.Octets != hex.EncodeToString(append(v.SecuredData, v.Answer...)) {
				t.Errorf("data %s, want %x", f.Octets, []byte(v.SecuredData))
			}
		})
	}
}

// expect compares a number given in hexadecimal with a field's octets.
func expect(t *testing.T, e Explanation, name, digits string) {
	t.Helper()
	f, ok := Find(e.Fields, name)
	if !ok || strings.TrimLeft(f.Octets, "0") != digits {
		t.Errorf("%s is %+v, want %s", name, f, digits)
	}
}

func findAny(fields []Field, names ...string) (Field, bool) {
	for _, name := range names {
		if f, ok := Find(fields, name); ok {
			return f, true
		}
	}
	return Field{}, false
}

// What must be refused is not opened, or says what is wrong; what is only old is right.
func TestNegativeVectors(t *testing.T) {
	refused := map[string]bool{
		"neg-cc-bit": true, "neg-header-tar": true, "neg-spi-downgrade": true, "neg-kid-des": true, "neg-chl-cc4": true,
		"neg-not-block-multiple": true, "neg-reflected": true, "neg-cpl": true,
	}
	faults := map[string]string{
		"neg-cpl":             "octet 0: CPL: 122, 120 octets follow",
		"neg-pcntr-too-big":   "octet 15: PCNTR: 16 octets of padding in 98 of data",
		"neg-padding-nonzero": "octet 108: padding: not zero",
	}
	for _, n := range vectors(t).Negative {
		e := Explain(n.Packet, 0, Keyring{keyOf(scp80.Modern, n.KIcKey, n.KIDKey)})
		checkTree(t, e)
		fault := ""
		if e.Fault != nil {
			fault = e.Fault.Error()
		}
		if e.Refused != refused[n.ID] || fault != faults[n.ID] {
			t.Errorf("%s: refused %v, fault %q", n.ID, e.Refused, fault)
		}
		for _, f := range leaves(e.Fields) {
			if e.Refused && strings.Contains(f.Octets, "110105199003") {
				t.Errorf("%s: shows what is not authentic", n.ID)
			}
		}
	}
}

// Keys of a vault are tried one after the other, and the one that opens is named.
func TestKeyringFindsItsKey(t *testing.T) {
	onlyModern(t, scp80.Legacy)
	v := vectors(t)
	modern, legacy, other := v.find(t, "pay-aes256-keyset1"), v.find(t, "pay-3des2-keyset3"), v.Concatenated[0]
	ring := Keyring{
		keyOf(scp80.Modern, other.KIcKey, other.KIDKey), keyOf(scp80.Legacy, legacy.KIcKey, legacy.KIDKey), keyOf(scp80.Modern, modern.KIcKey, modern.KIDKey),
	}
	for i := range ring {
		ring[i].Name = "key " + string(rune('1'+i))
	}
	for packet, name := range map[string]string{string(modern.Packet): "key 3", string(legacy.Packet): "key 2"} {
		e := Explain([]byte(packet), Packet, ring)
		if f, ok := Find(e.Fields, "CC"); !ok || f.Meaning != "right under "+name || e.Refused {
			t.Errorf("%+v, refused %v, want %s", f, e.Refused, name)
		}
	}
	e := Explain(modern.Packet, Packet, ring[:2])
	if f, ok := Find(e.Fields, "secured part"); !ok || !e.Refused || f.Meaning != "not opened: the CC is wrong under each of 2 keys tried" {
		t.Errorf("%+v, refused %v", f, e.Refused)
	}
}

// No key is in an explanation, however it is printed.
func TestExplanationHoldsNoKey(t *testing.T) {
	v := vectors(t).find(t, "pay-aes256-keyset1")
	ring := Keyring{keyOf(scp80.Modern, v.KIcKey, v.KIDKey)}
	printed := strings.Join([]string{dump(ring), dump(Explain(v.Packet, 0, ring))}, "\n")
	for _, key := range []octets{v.KIcKey, v.KIDKey} {
		if strings.Contains(printed, hex.EncodeToString(key)) || strings.Contains(printed, string(key)) {
			t.Error("a key is printed")
		}
	}
}

// Whatever the codec wraps is explained with the same header, and opens to the same payload.
func TestPacketsAgree(t *testing.T) {
	onlyModern(t, scp80.Legacy)
	v := vectors(t)
	modern, legacy := v.find(t, "pay-aes256-keyset1"), v.find(t, "pay-3des2-keyset3")
	keys := map[scp80.Suite]Key{
		scp80.Modern: keyOf(scp80.Modern, modern.KIcKey, modern.KIDKey), scp80.Legacy: keyOf(scp80.Legacy, legacy.KIcKey, legacy.KIDKey),
	}
	rapid.Check(t, func(rt *rapid.T) {
		suite := rapid.SampledFrom([]scp80.Suite{scp80.Modern, scp80.Legacy}).Draw(rt, "suite")
		p := suite.Profile(rapid.SampledFrom([]scp80.Direction{scp80.MO, scp80.MT}).Draw(rt, "way"), rapid.Uint8Range(1, 9).Draw(rt, "version"))
		p.TAR = scp80.TAR(rapid.SampledFrom([]uint32{0, 0xB00001}).Draw(rt, "tar"))
		payload := rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(rt, "payload")
		counter := rapid.Uint64Range(0, scp80.MaxCounter).Draw(rt, "counter")
		packet, err := scp80.Wrap(p, keys[suite].Keys, counter, payload)
		if err != nil {
			rt.Fatal(err)
		}
		agreePacket(rt, packet)
		e := Explain(packet, 0, Keyring{keys[suite]})
		checkTree(t, e)
		data, _ := Find(e.Fields, "data")
		if e.Fault != nil || e.Refused || data.Octets != hex.EncodeToString(payload) {
			rt.Fatalf("%v, refused %v, data %s, want %x", e.Fault, e.Refused, data.Octets, payload)
		}
		at := rapid.IntRange(0, len(packet)-1).Draw(rt, "at")
		packet[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if packet[3] == 0x15 {
			return // it asks for a RC now, of which nothing can be said
		}
		if e := Explain(packet, Packet, Keyring{keys[suite]}); !e.Refused && e.Fault == nil {
			rt.Fatalf("a damaged packet opens: %x", packet)
		}
	})
}

// agreePacket compares the clear part with what the codec reads.
func agreePacket(t rapid.TB, packet []byte) {
	e := Explain(packet, Packet, nil)
	if isHeader(at(packet, 2), lenAnswer) {
		r, err := scp80.ParseResponse(packet)
		agreeFields(t, e, err, map[string][]byte{"RPL": at2(packet, 0, 2), "TAR": {byte(r.TAR >> 16), byte(r.TAR >> 8), byte(r.TAR)}})
		return
	}
	c, err := scp80.ParseCommand(packet)
	agreeFields(t, e, err, map[string][]byte{
		"CPL": {byte(c.CPL >> 8), byte(c.CPL)}, "CHL": {byte(c.CHL)}, "SPI": {byte(c.SPI >> 8), byte(c.SPI)},
		"KIc": {byte(c.KIc)}, "KID": {byte(c.KID)}, "TAR": {byte(c.TAR >> 16), byte(c.TAR >> 8), byte(c.TAR)},
	})
}

func agreeFields(t rapid.TB, e Explanation, err error, want map[string][]byte) {
	if err != nil {
		if e.Fault == nil {
			t.Fatalf("no fault, the codec says %v", err)
		}
		return
	}
	for name, octets := range want {
		if f, ok := Find(e.Fields, name); !ok || f.Octets != hex.EncodeToString(octets) {
			t.Fatalf("%s is %+v, the codec reads %x", name, f, octets)
		}
	}
}

func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func at2(b []byte, i, j int) []byte { return bytes.Clone(b[min(i, len(b)):min(j, len(b))]) }
