package peers

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/airtill/airtill/cli/internal/decode"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/scp80"
)

// opener is a suite as openssl computes it, from the master keys on.
type opener struct {
	suite            scp80.Suite
	block            int
	kic, kid, card   func(o OpenSSL, c *captured, t *testing.T) []byte
	decipher         func(o OpenSSL, key, ciphered []byte) []byte
	checksum         func(o OpenSSL, key, message []byte) []byte
	record           func(o OpenSSL, t *testing.T, key, blob []byte) []byte // of the card
	header           string                                                 // CHL to TAR
	payload, counter int                                                    // octets of a PAY with its tail, and of its DUKPT counter
}

func openers() []opener {
	kbkdf := func(slot, label string, tail ...byte) func(OpenSSL, *captured, *testing.T) []byte {
		return func(o OpenSSL, c *captured, t *testing.T) []byte {
			return o.KBKDF(c.master(t, slot), label, append(elementOctets(t, c), tail...))
		}
	}
	optionA := func(slot string) func(OpenSSL, *captured, *testing.T) []byte {
		return func(o OpenSSL, c *captured, t *testing.T) []byte {
			return o.OptionA(c.master(t, slot), elementOctets(t, c)[2:])
		}
	}
	return []opener{
		{
			suite: scp80.Modern, block: 16, header: "15" + "1600" + "1212" + "b10001", payload: 96, counter: 4,
			kic: kbkdf("kic/modern/1", "SCP80-KIC", 1, 1), kid: kbkdf("kid/modern/1", "SCP80-KID", 1, 1), card: kbkdf("card/modern", "CARD-DATA", 1),
			decipher: func(o OpenSSL, key, ciphered []byte) []byte { return o.Decipher("aes-256-cbc", key, ciphered) },
			checksum: func(o OpenSSL, key, message []byte) []byte { return o.CMAC(key, message)[:8] },
			record:   func(o OpenSSL, _ *testing.T, key, blob []byte) []byte { return o.Unwrap(key, blob) },
		},
		{
			suite: scp80.Legacy, block: 8, header: "15" + "1600" + "3535" + "b10001", payload: 87, counter: 3,
			kic: optionA("kic-mo/legacy/1"), kid: optionA("kid-mo/legacy/1"), card: optionA("card/legacy"),
			decipher: func(o OpenSSL, key, ciphered []byte) []byte { return o.Decipher("des-ede-cbc", key, ciphered) },
			checksum: func(o OpenSSL, key, message []byte) []byte { return o.CBCMAC("des-ede-cbc", key, message) },
			record:   legacyRecord,
		},
	}
}

// elementOctets are the element's number in BCD.
func elementOctets(t *testing.T, c *captured) []byte {
	t.Helper()
	octets, err := c.element.Octets()
	if err != nil {
		t.Fatal(err)
	}
	return octets[:]
}

// legacyRecord checks the blob's retail MAC, and deciphers the record.
func legacyRecord(o OpenSSL, t *testing.T, key, blob []byte) []byte {
	t.Helper()
	macKey := bytes.Clone(key)
	macKey[1] ^= 0xFF
	macKey[9] ^= 0xFF
	if mac := o.RetailMAC(macKey, blob[:16]); !bytes.Equal(mac, blob[16:]) {
		t.Errorf("openssl makes the retail MAC %x, the blob has %x", mac, blob[16:])
	}
	return o.Decipher("des-ede-cbc", key, blob[:16])
}

// openssl, which nobody here wrote, derives the keys of an element from the masters,
// deciphers the payment that its handset sent to the carrier, makes the same checksum,
// and finds the bill, the amount and the card in it (wire.md 7.3).
func TestOpenSSLOpensAPayment(t *testing.T) {
	for _, suite := range openers() {
		t.Run(suite.suite.String(), func(t *testing.T) {
			o := NewOpenSSL(t)
			c := payOnce(t, suite.suite, "")
			kic, kid := suite.kic(o, c, t), suite.kid(o, c, t)
			paid := 0
			for _, packet := range c.packets {
				payload := suite.open(t, o, packet, kic, kid)
				suite.checkExplained(t, packet, kic, kid, payload)
				if payload[0] == 3 { // a PAY
					paid++
					suite.checkPay(t, o, c, payload)
				}
			}
			if paid != 1 {
				t.Errorf("%d payments among %d packets", paid, len(c.packets))
			}
		})
	}
}

// open deciphers a packet and checks its checksum and padding.
func (s opener) open(t *testing.T, o OpenSSL, packet, kic, kid []byte) []byte {
	t.Helper()
	clear := packet[:10]
	if int(binary.BigEndian.Uint16(clear)) != len(packet)-2 || hex.EncodeToString(clear[2:]) != s.header {
		t.Fatalf("a packet of %d octets begins with %x", len(packet), clear)
	}
	plain := s.decipher(o, kic, packet[10:])
	counter, cc, data := plain[:6], plain[6:14], plain[14:]
	if want := s.checksum(o, kid, slices.Concat(clear, counter, data)); !bytes.Equal(want, cc) {
		t.Fatalf("openssl makes the checksum %x, the packet has %x", want, cc)
	}
	padding := int(counter[5])
	if padding >= s.block || !bytes.Equal(data[len(data)-padding:], make([]byte, padding)) {
		t.Fatalf("%d octets of padding in %x", padding, data)
	}
	return data[:len(data)-padding]
}

// checkPay looks for what a PAY holds at its offsets (wire.md 6).
func (s opener) checkPay(t *testing.T, o OpenSSL, c *captured, payload []byte) {
	t.Helper()
	ref := platform.BillID(c.order.Bill).Ref()
	amount := fmt.Sprintf("%012d", int64(c.order.Item.Price().Amount))
	blob := payload[40:64]
	tail := payload[64+s.counter:]
	for _, field := range []struct{ name, got, want string }{
		{"length", fmt.Sprint(len(payload)), fmt.Sprint(s.payload)},
		{"type and suite", hex.EncodeToString(payload[:2]), fmt.Sprintf("03%02x", uint8(s.suite)<<4)},
		{"bill reference", hex.EncodeToString(payload[2:10]), hex.EncodeToString(ref[:])},
		{"amount", hex.EncodeToString(payload[10:16]), amount},
		{"currency", hex.EncodeToString(payload[16:18]), "0156"},
		{"phone", hex.EncodeToString(payload[22:30]), payerPhone + "fff"},
		{"identity", hex.EncodeToString(payload[30:40]), "01" + payerID[:17] + "a"},
		{"DUKPT counter", hex.EncodeToString(payload[64 : 64+s.counter]), fmt.Sprintf("%0*x", 2*s.counter, 1)},
		{"payee", hex.EncodeToString(tail[len(tail)-12 : len(tail)-8]), "10000001"},
		{"card", hex.EncodeToString(s.record(o, t, s.card(o, c, t), blob)[:11]), "10" + payerCard + "ffff"},
	} {
		if field.got != field.want {
			t.Errorf("%s is %s, want %s", field.name, field.got, field.want)
		}
	}
}

// checkExplained compares what airtill decode says with what openssl has deciphered.
func (s opener) checkExplained(t *testing.T, packet, kic, kid, payload []byte) {
	t.Helper()
	e := decode.Explain(packet, decode.Packet, decode.Keyring{{Name: "openssl's keys", Suite: s.suite, Keys: scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](kic), KID: scp80.NewKey[scp80.MACKey](kid),
	}}})
	if e.Refused || e.Fault != nil {
		t.Fatalf("decode: refused %v, %v", e.Refused, e.Fault)
	}
	for name, want := range map[string][]byte{"type": payload[:1], "suite and layout": payload[1:2], "bill reference": payload[2:10]} {
		if f, ok := decode.Find(e.Fields, name); !ok || f.Octets != hex.EncodeToString(want) {
			t.Errorf("decode: %s is %+v, openssl deciphers %x", name, f, want)
		}
	}
}
