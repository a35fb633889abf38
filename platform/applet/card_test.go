package applet

import (
	"errors"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

func TestSealCardRefuses(t *testing.T) {
	good := CardRecord{PAN: pan(t, secretPAN), Expiry: 3012, Slot: 1}
	for _, s := range suites() {
		key := someKey[CardDataKey](s, 1)
		for name, r := range map[string]CardRecord{
			"no number": {Expiry: 3012, Slot: 1}, "no expiry": {PAN: good.PAN, Slot: 1}, "no slot": {PAN: good.PAN, Expiry: 3012},
			"slot 256": {PAN: good.PAN, Expiry: 3012, Slot: 256},
		} {
			if _, err := SealCard(s, key, r); err == nil {
				t.Errorf("%s: %s", s, name)
			}
		}
		blob, err := SealCard(s, key, good)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(blob) {
			forged := blob
			forged[i/8] ^= 1 << (i % 8)
			if _, err := OpenCard(s, key, forged); err != ErrBlob {
				t.Errorf("%s: bit %d changed: %v", s, i, err)
			}
		}
		if _, err := OpenCard(s, someKey[CardDataKey](s, 2), blob); err != ErrBlob {
			t.Errorf("%s: another element's key: %v", s, err)
		}
		if _, err := OpenCard(s, CardDataKey{}, blob); err == nil || err == ErrBlob {
			t.Errorf("%s: no key: %v", s, err)
		}
	}
	if _, err := SealCard(0, someKey[CardDataKey](scp80.Modern, 1), good); !errors.Is(err, ErrSuite) {
		t.Errorf("sealed without a suite: %v", err)
	}
	if _, err := OpenCard(0, someKey[CardDataKey](scp80.Modern, 1), CardBlob{}); !errors.Is(err, ErrSuite) {
		t.Errorf("opened without a suite: %v", err)
	}
}

// Longest and shortest card numbers keep their place in a record.
func TestCardNumberLengths(t *testing.T) {
	for _, s := range suites() {
		key := someKey[CardDataKey](s, 1)
		for n := 12; n <= 19; n++ {
			digits := strings.Repeat("7", n-1)
			r := CardRecord{PAN: pan(t, digits+string(rune(LuhnDigit(digits)))), Expiry: 2607, Slot: 255}
			blob, err := SealCard(s, key, r)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := OpenCard(s, key, blob); err != nil || !got.PAN.Equal(r.PAN) || got.Slot != 255 {
				t.Errorf("%s %d digits: %v", s, n, err)
			}
		}
	}
}
