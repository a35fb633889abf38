package applet

import (
	"bytes"
	"errors"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

// FuzzDecode feeds the decoder any octets: what decodes has one form only.
func FuzzDecode(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(Encode(scp80.Modern, m))
	}
	p := vectors(f).Project
	f.Add([]byte(p.Payload))
	f.Add([]byte(p.Legacy))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := Decode(scp80.Modern, payload)
		if err != nil {
			if m != nil || !errors.Is(err, ErrMessage) && !errors.Is(err, ErrSuite) {
				t.Fatalf("%v, %v", m, err)
			}
			return
		}
		again, err := Append(nil, scp80.Modern, m)
		if err != nil || !bytes.Equal(again, payload) {
			t.Fatalf("%x decodes, but encodes as %x (%v)", payload, again, err)
		}
	})
}

// FuzzBlob feeds card blobs, and the record inside one, with any octets.
func FuzzBlob(f *testing.F) {
	p := vectors(f).Project
	f.Add([]byte(p.Blob))
	f.Add([]byte(p.Record))
	key := scp80.NewKey[CardDataKey](p.CardKey)
	f.Fuzz(func(t *testing.T, b []byte) {
		var blob CardBlob
		copy(blob[:], b)
		if r, err := OpenCard(scp80.Modern, key, blob); err == nil {
			checkRecord(t, key, r)
		} else if err != ErrBlob {
			t.Fatal(err)
		}
		if len(b) != lenRecord {
			return
		}
		r, err := OpenCard(scp80.Modern, key, CardBlob(wrap(mustAES(t, p.CardKey), b)))
		if err == nil {
			checkRecord(t, key, r)
		}
	})
}

func checkRecord(t *testing.T, key CardDataKey, r CardRecord) {
	t.Helper()
	blob, err := SealCard(scp80.Modern, key, r)
	if err != nil {
		t.Fatalf("a record opened that cannot be sealed: %v", err)
	}
	again, err := OpenCard(scp80.Modern, key, blob)
	if err != nil || !again.PAN.Equal(r.PAN) {
		t.Fatalf("a record changed on its way: %v", err)
	}
}

// FuzzPINBlock feeds PIN blocks, and the field inside one, with any octets.
func FuzzPINBlock(f *testing.F) {
	for _, v := range vectors(f).PINBlock.Format4 {
		f.Add([]byte(v.Enc))
		f.Add([]byte(v.Field))
	}
	key, token := scp80.NewKey[PINKey](make([]byte, 32)), TokenPAN("6212340000000019")
	f.Fuzz(func(t *testing.T, b []byte) {
		var block PINBlock
		copy(block[:], b)
		p, err := OpenPIN(scp80.Modern, key, block, token)
		if err != nil && err != ErrPINBlock {
			t.Fatal(err)
		}
		if err != nil {
			p, err = pinOf(block)
		}
		if err != nil {
			return
		}
		sealed, err := SealPIN(scp80.Modern, key, p, token, bytes.NewReader(make([]byte, 8)))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := OpenPIN(scp80.Modern, key, sealed, token); err != nil || !again.Equal(p) {
			t.Fatalf("a PIN changed on its way: %v", err)
		}
	})
}

// BenchmarkPINKey derives a PIN key as the platform does.
func BenchmarkPINKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DerivePINKey(scp80.Modern, initialKey(), InitialKeyID{1}, 0x0F0F); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPay encodes and decodes a PAY.
func BenchmarkPay(b *testing.B) {
	m := samplePay(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(scp80.Modern, Encode(scp80.Modern, m)); err != nil {
			b.Fatal(err)
		}
	}
}
