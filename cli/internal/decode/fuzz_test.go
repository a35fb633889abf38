package decode

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// FuzzExplain explains any octets as anything: every octet is in one field, and what
// the codecs read is what is explained.
func FuzzExplain(f *testing.F) {
	v := vectors(f)
	for _, octets := range golden(f) {
		f.Add(octets, byte(0))
	}
	for _, n := range v.Negative {
		f.Add([]byte(n.Packet), byte(Packet))
	}
	for _, c := range v.Concatenated {
		f.Add([]byte(c.Parts[0]), byte(UserData))
	}
	modern, legacy := v.find(f, "pay-aes256-keyset1"), v.find(f, "pay-3des2-keyset3")
	ring := Keyring{keyOf(scp80.Modern, modern.KIcKey, modern.KIDKey), keyOf(scp80.Legacy, legacy.KIcKey, legacy.KIDKey)}
	f.Fuzz(func(t *testing.T, octets []byte, kind byte) {
		e := Explain(octets, Kind(kind%6), ring)
		checkTree(t, e)
		for _, whole := range Join([]Explanation{e}, ring) {
			checkTree(t, whole.Explanation)
		}
		if len(octets) >= 16 && e.Kind == PDU && len(e.Fields) == 1 {
			agreePDU(t, octets)
		}
		agreeUserData(t, octets)
		agreeMessage(t, octets)
		agreePacket(t, octets)
	})
}

// FuzzReadHex reads any text, and explains what it holds.
func FuzzReadHex(f *testing.F) {
	f.Add("00000000: 0000 0010 0000 0015  ........\n00000008: 00 01")
	f.Add("0000  02 70 00   .p.\n\n0000  00")
	f.Add("0x02, 0x70\n\n00:00")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := ReadHex(text)
		if err != nil {
			return
		}
		digits := 0
		for _, octets := range read.Units(0) {
			digits += 2 * len(octets)
			checkTree(t, Explain(octets, 0, nil))
		}
		if digits > len(strings.ReplaceAll(text, "\n", "")) {
			t.Fatalf("%d digits out of %q", digits, text)
		}
	})
}
