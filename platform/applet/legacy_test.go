package applet

import (
	"bytes"
	"crypto/fips140"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// legacy skips a test of 3DES where the process may not have it.
func legacy(t testing.TB) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("3DES is not to be had under crypto/fips140")
	}
}

// suites are those that the process may have.
func suites() []scp80.Suite {
	if fips140.Enforced() {
		return []scp80.Suite{scp80.Modern}
	}
	return []scp80.Suite{scp80.Modern, scp80.Legacy}
}

// someKey is a key of a suite; another n is another key.
func someKey[K interface{ scp80.Key[P] }, P any](s scp80.Suite, n byte) K {
	octets := make([]byte, s.KeyLen())
	for i := range octets {
		octets[i] = n ^ byte(16+4*i)
	}
	return scp80.NewKey[K, P](octets)
}

// X9.24-1:2009 A.4 is the legacy suite's part of the vectors.
type tdesVectors struct {
	BDK      octets
	KSN      octets `json:"initial_ksn"`
	IK       octets
	PIN      string
	PAN      string
	Clear    octets `json:"clear_pin_block"`
	MACData  string `json:"mac_data_ascii"`
	PINMask  octets `json:"pin_variant"`
	MACMask  octets `json:"mac_request_variant"`
	Sequence []tdesStep
	Rollover []tdesStep
}

type tdesStep struct {
	KSN octets
	Key octets `json:"txn_key"`
	PIN octets `json:"pin_enc"`
	MAC octets `json:"mac_request"`
}

func (s tdesStep) counter() uint32 {
	return uint32(s.KSN[7]&0x1F)<<16 | uint32(s.KSN[8])<<8 | uint32(s.KSN[9])
}

// ANSI X9.24-1:2009 A.4: initial key, transaction keys, PIN blocks and MACs, on the
// platform and in the element.
func TestTDESDUKPTVectors(t *testing.T) {
	legacy(t)
	v := vectors(t).TDES
	id := InitialKeyID(v.KSN[:8])
	ik, err := DeriveInitialKey(scp80.Legacy, scp80.NewKey[BaseKey](v.BDK), id)
	if err != nil || !bytes.Equal(ik.Reveal(), v.IK) {
		t.Fatalf("initial key: %v", err)
	}
	element, err := NewPINKeys(scp80.Legacy, ik, id)
	if err != nil {
		t.Fatal(err)
	}
	steps := append(v.Sequence, v.Rollover...)
	if len(steps) != 34 {
		t.Errorf("%d vectors, want 34", len(steps))
	}
	for _, step := range steps {
		checkTransaction(t, v, step, ik, id)
		host, err := DerivePINKey(scp80.Legacy, ik, id, step.counter())
		if err != nil || !bytes.Equal(host.Reveal(), variant(step.Key, v.PINMask)) {
			t.Errorf("%X: platform's PIN key: %v", step.KSN, err)
		}
		if step.counter() <= uint32(len(v.Sequence)) {
			at, key, err := element.Next()
			if err != nil || at != step.counter() || !key.Equal(host) {
				t.Errorf("%X: element's PIN key: at %d, %v", step.KSN, at, err)
			}
		}
		b, err := SealPIN(scp80.Legacy, host, pin(t, v.PIN), TokenPAN(v.PAN), nil)
		if err != nil || !bytes.Equal(b[:8], step.PIN) {
			t.Errorf("%X: PIN block %x, %v", step.KSN, b[:8], err)
		}
		if p, err := OpenPIN(scp80.Legacy, host, b, TokenPAN(v.PAN)); err != nil || p.Reveal() != v.PIN {
			t.Errorf("%X: opened %v", step.KSN, err)
		}
	}
}

func checkTransaction(t *testing.T, v tdesVectors, step tdesStep, ik InitialKey, id InitialKeyID) {
	t.Helper()
	d, err := dukptOf(scp80.Legacy)
	if err != nil {
		t.Fatal(err)
	}
	key := ik.Reveal()
	if err := d.transaction(key, id, step.counter()); err != nil || !bytes.Equal(key, step.Key) {
		t.Errorf("%X: transaction key: %v", step.KSN, err)
	}
	mac, err := RetailMAC(variant(key, v.MACMask), []byte(v.MACData))
	if err != nil || !bytes.Equal(mac[:4], step.MAC) {
		t.Errorf("%X: MAC %x, %v", step.KSN, mac, err)
	}
}

// ISO 9564-1 §9.3.2: the clear format 0 blocks, both ways.
func TestFormat0Vectors(t *testing.T) {
	f := vectors(t).PINBlock
	for i, v := range f.Format0 {
		field, pan := format0.field(pin(t, v.PIN)), panField0(TokenPAN(v.PAN))
		if got := variant(field[:], pan[:]); !bytes.Equal(got, v.Clear) {
			t.Errorf("%d: %x, want %x", i, got, []byte(v.Clear))
		}
		if got, err := format0.pin([8]byte(variant(v.Clear, pan[:]))); err != nil || got.Reveal() != v.PIN {
			t.Errorf("%d: read %v", i, err)
		}
	}
	if len(f.Format0) != 3 {
		t.Errorf("%d vectors", len(f.Format0))
	}
	for _, token := range []TokenPAN{"1", "1234567890123", "123456789012"} {
		if field := panField0(token); field[0] != 0 || field[1] != 0 {
			t.Errorf("%s: %x", token, field)
		}
	}
	for _, bad := range []string{"441234FFFFFFFFFF", "031234FFFFFFFFFF", "0D1234FFFFFFFFFF", "041234AAAAAAAAAA", "04123AFFFFFFFFFF"} {
		var field octets
		if err := field.UnmarshalText([]byte(bad)); err != nil {
			t.Fatal(err)
		}
		if p, err := format0.pin([8]byte(field)); err != ErrPINBlock || !p.Equal(PIN{}) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// ISO 9797-1:2011 B.4 and psec: algorithm 3, with padding 1 and with 2, which is an 80
// in front of padding 1.
func TestRetailMACVectors(t *testing.T) {
	legacy(t)
	all := vectors(t).MAC.Alg3
	for i, v := range all {
		message := []byte(v.Data)
		if v.Pad == 2 {
			message = append(message, 0x80)
		}
		if got, err := RetailMAC(v.Key, message); err != nil || !bytes.Equal(got, v.MAC) {
			t.Errorf("%d: %x, %v", i, got, err)
		}
	}
	if len(all) != 4 {
		t.Errorf("%d vectors", len(all))
	}
	for _, n := range []int{0, 8, 15, 24} {
		if _, err := RetailMAC(make([]byte, n), nil); err == nil {
			t.Errorf("a key of %d octets", n)
		}
	}
}

// The legacy card blob of the project's vectors, both ways.
func TestLegacyCardVector(t *testing.T) {
	legacy(t)
	p := vectors(t).Project
	key := scp80.NewKey[CardDataKey](p.LegacyCardKey)
	r := CardRecord{PAN: pan(t, "6212340000000019"), Expiry: 3012, Sequence: 1, Slot: 1, Version: 1}
	blob, err := SealCard(scp80.Legacy, key, r)
	if err != nil || !bytes.Equal(blob[:], p.LegacyBlob) {
		t.Fatalf("%x, %v", blob[:], err)
	}
	if plain, err := openTDES(p.LegacyCardKey, blob[:]); err != nil || !bytes.Equal(plain, p.Record) {
		t.Errorf("record %x, %v", plain, err)
	}
	got, err := OpenCard(scp80.Legacy, key, blob)
	if err != nil || !got.PAN.Equal(r.PAN) || got.Expiry != r.Expiry || got.Slot != 1 || got.Sequence != 1 || got.Version != 1 {
		t.Errorf("opened %+v, %v", got, err)
	}
}

// The whole legacy PAY of wire.md 6 from its inputs.
func TestLegacyPayVector(t *testing.T) {
	legacy(t)
	p := vectors(t).Project
	v := p.TDES
	id := InitialKeyID(v.KSN[:8])
	ik, err := DeriveInitialKey(scp80.Legacy, scp80.NewKey[BaseKey](v.BDK), id)
	if err != nil {
		t.Fatal(err)
	}
	counter := tdesStep{KSN: v.KSN}.counter()
	key, err := DerivePINKey(scp80.Legacy, ik, id, counter)
	if err != nil || !bytes.Equal(key.Reveal(), v.PINKey) {
		t.Fatalf("PIN key: %v", err)
	}
	block, err := SealPIN(scp80.Legacy, key, pin(t, p.PIN), p.Token, nil)
	if err != nil || !bytes.Equal(block[:8], p.Format0) {
		t.Fatalf("PIN block: %x, %v", block[:], err)
	}
	m := samplePay(t, scp80.Legacy)
	m.Blob, m.PINBlock, m.PINCounter = CardBlob(p.LegacyBlob), block, counter
	m.Payee, m.Transaction = "", 0
	if got := Encode(scp80.Legacy, m); !bytes.Equal(got, p.Legacy) {
		t.Errorf("%x\nwant %x", got, []byte(p.Legacy))
	}
	if _, err := Decode(scp80.Legacy, p.Legacy); err != nil {
		t.Error(err)
	}
}

// Elements have different initial keys as far as their last 17 digits differ, and the
// counter's bits of the key serial number are free.
func TestLegacyInitialKeyID(t *testing.T) {
	seen := make(map[InitialKeyID]ElementID)
	for _, id := range []ElementID{
		"89800000000000000000", "89800000000000000001", "89810000000000000000", "89899999999999999999",
		"89812345678901234567", "89812345678901234568", "89802345678901234567", "89890000000000000000",
	} {
		got, err := id.InitialKeyID(scp80.Legacy)
		if err != nil || got[7]&0x1F != 0 {
			t.Errorf("%s: %x, %v", id, got, err)
		}
		if other, found := seen[got]; found {
			t.Errorf("%s and %s have the same", id, other)
		}
		seen[got] = id
	}
	if _, err := ElementID("8981").InitialKeyID(scp80.Legacy); err == nil {
		t.Error("a number of 4 digits")
	}
	for _, s := range []scp80.Suite{0, 3} {
		if _, err := ElementID("89812345678901234567").InitialKeyID(s); err == nil {
			t.Errorf("suite %d", s)
		}
	}
}
