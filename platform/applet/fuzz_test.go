package applet

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// FuzzDecode feeds the decoder of either suite any octets: what decodes has one form
// only, and belongs to one suite.
func FuzzDecode(f *testing.F) {
	both := []scp80.Suite{scp80.Modern, scp80.Legacy}
	for _, s := range both {
		for _, m := range samples(f, s) {
			f.Add(Encode(s, m))
		}
	}
	p := vectors(f).Project
	f.Add([]byte(p.Payload))
	f.Add([]byte(p.Legacy))
	f.Fuzz(func(t *testing.T, payload []byte) {
		decoded := 0
		for _, s := range both {
			m, err := Decode(s, payload)
			if err != nil {
				if m != nil || !errors.Is(err, ErrMessage) && !errors.Is(err, ErrSuite) {
					t.Fatalf("%v, %v", m, err)
				}
				continue
			}
			decoded++
			again, err := Append(nil, s, m)
			if err != nil || !bytes.Equal(again, payload) {
				t.Fatalf("%x decodes, but encodes as %x (%v)", payload, again, err)
			}
		}
		if decoded > 1 {
			t.Fatalf("%x is a message of two suites", payload)
		}
	})
}

// FuzzBlob feeds card blobs, and the record inside one, with any octets.
func FuzzBlob(f *testing.F) {
	p := vectors(f).Project
	f.Add([]byte(p.Blob))
	f.Add([]byte(p.LegacyBlob))
	f.Add([]byte(p.Record))
	keys := map[scp80.Suite]CardDataKey{scp80.Modern: scp80.NewKey[CardDataKey](p.CardKey), scp80.Legacy: scp80.NewKey[CardDataKey](p.LegacyCardKey)}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range suites() {
			checkBlob(t, s, keys[s], b)
		}
	})
}

func checkBlob(t *testing.T, s scp80.Suite, key CardDataKey, b []byte) {
	var blob CardBlob
	copy(blob[:], b)
	if r, err := OpenCard(s, key, blob); err == nil {
		checkRecord(t, s, key, r)
	} else if err != ErrBlob {
		t.Fatal(err)
	}
	if len(b) != lenRecord {
		return
	}
	sealed, err := sealOctets(s, key.Reveal(), b)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := OpenCard(s, key, CardBlob(sealed)); err == nil {
		checkRecord(t, s, key, r)
	}
}

func checkRecord(t *testing.T, s scp80.Suite, key CardDataKey, r CardRecord) {
	t.Helper()
	blob, err := SealCard(s, key, r)
	if err != nil {
		t.Fatalf("a record opened that cannot be sealed: %v", err)
	}
	again, err := OpenCard(s, key, blob)
	if err != nil || !again.PAN.Equal(r.PAN) {
		t.Fatalf("a record changed on its way: %v", err)
	}
}

// FuzzPINBlock feeds PIN blocks, and the field inside one, with any octets.
func FuzzPINBlock(f *testing.F) {
	v := vectors(f)
	for _, v := range v.PINBlock.Format4 {
		f.Add([]byte(v.Enc))
		f.Add([]byte(v.Field))
	}
	for _, v := range v.PINBlock.Format0 {
		f.Add([]byte(v.Clear))
	}
	f.Add([]byte(v.Project.Format0))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range suites() {
			checkPINBlock(t, s, b)
		}
	})
}

func checkPINBlock(t *testing.T, s scp80.Suite, b []byte) {
	key, token := someKey[PINKey](s, 1), TokenPAN("6212340000000019")
	var block PINBlock
	copy(block[:], b)
	p, err := OpenPIN(s, key, block, token)
	if err != nil && err != ErrPINBlock {
		t.Fatal(err)
	}
	if err != nil {
		format := map[scp80.Suite]pinFormat{scp80.Modern: format4, scp80.Legacy: format0}[s]
		if p, err = format.pin([8]byte(block[:8])); err != nil {
			return
		}
	}
	sealed, err := SealPIN(s, key, p, token, bytes.NewReader(make([]byte, 8)))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := OpenPIN(s, key, sealed, token); err != nil || !again.Equal(p) {
		t.Fatalf("a PIN changed on its way: %v", err)
	}
}

// FuzzUnwrapKeys feeds an element wrapped keys: none but its own are keys.
func FuzzUnwrapKeys(f *testing.F) {
	for _, s := range suites() {
		mo, mt := packetKeysOf(s, 1), packetKeysOf(s, 2)
		wrapped, err := WrapKeys(s, someKey[KeyEncryptionKey](s, 3), 2, mo, mt)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wrapped, uint8(2))
	}
	f.Fuzz(func(t *testing.T, wrapped []byte, version uint8) {
		for _, s := range suites() {
			kik := someKey[KeyEncryptionKey](s, 3)
			mo, mt, err := UnwrapKeys(s, kik, version, wrapped)
			if err != nil {
				if err != ErrWrappedKeys || !mo.KIc.IsZero() || !mt.KID.IsZero() {
					t.Fatal(err)
				}
				continue
			}
			if again, err := WrapKeys(s, kik, version, mo, mt); err != nil || !bytes.Equal(again, wrapped) {
				t.Fatalf("unwrapped keys wrap as other octets: %v", err)
			}
		}
	})
}

// FuzzPersonalisation feeds the form that is sealed to an element: what is read is
// written the same way, and nothing else is read.
func FuzzPersonalisation(f *testing.F) {
	for _, s := range suites() {
		text, err := json.Marshal(personalisation(f, s).wire())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"suite":"none","version":1}`))
	f.Add([]byte(`{"suite":"legacy","version":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var w personalisationWire
		if json.Unmarshal(text, &w) != nil {
			return
		}
		p, err := w.personalisation()
		if err != nil {
			if !errors.Is(err, ErrSealed) {
				t.Fatal(err)
			}
			return
		}
		if !p.Suite.Valid() || p.Version == 0 {
			t.Fatalf("suite %s, version %d", p.Suite, p.Version)
		}
		again, err := json.Marshal(p.wire())
		if err != nil {
			t.Fatal(err)
		}
		var second personalisationWire
		if err := json.Unmarshal(again, &second); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if _, err := second.personalisation(); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
