package applet

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airtill/airtill/platform/scp80"
)

// Expiry is the last month of a card: year in this century times 100, and month.
type Expiry uint16

// ParseExpiry reads a month as cards show it: MM/YY.
func ParseExpiry(s string) (Expiry, error) {
	month, year, ok := strings.Cut(s, "/")
	if !ok || len(month) != 2 || len(year) != 2 || !isDigits(month+year) || month < "01" || month > "12" {
		return 0, errors.New("a card's expiry is MM/YY")
	}
	d := func(s string) Expiry { return Expiry(s[0]-'0')*10 + Expiry(s[1]-'0') }
	return d(year)*100 + d(month), nil
}

// Valid tells whether it is a month.
func (e Expiry) Valid() bool { return e <= 9912 && e%100 >= 1 && e%100 <= 12 }

// String is the month as cards show it: MM/YY.
func (e Expiry) String() string { return fmt.Sprintf("%02d/%02d", e%100, e/100) }

// MarshalText writes MM/YY.
func (e Expiry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads MM/YY.
func (e *Expiry) UnmarshalText(text []byte) (err error) {
	*e, err = ParseExpiry(string(text))
	return err
}

// CardRecord is what an element keeps of a card's account, encrypted (S3).
type CardRecord struct {
	PAN      PAN
	Expiry   Expiry
	Sequence uint8 // of the card among those of its number
	Slot     int   // of the entry it is bound to, 1 to 255
	Version  uint8 // of the card-data key
}

// CardBlob is a card record as the element keeps it and as it travels: sealed under the
// element's card-data key, with AES-KWP (RFC 5649) in the modern suite, in the legacy
// suite with 3DES-CBC and a [RetailMAC] of the ciphertext.
type CardBlob [lenRecord + 8]byte

// Layout of a card record (wire.md 6): PAN length, PAN in BCD, expiry, sequence, slot, version.
const (
	lenRecord = 16
	lenPAN    = 10
)

// ErrBlob is a blob that holds no card record under this key. It does not say why.
var ErrBlob = errors.New("not a card of this element")

// SealCard wraps a card record.
func SealCard(s scp80.Suite, key CardDataKey, r CardRecord) (CardBlob, error) {
	if r.PAN.digits == nil || !r.Expiry.Valid() || r.Slot < 1 || r.Slot > 0xFF {
		return CardBlob{}, errors.New("wrap a card: number, expiry or slot missing")
	}
	number := r.PAN.Reveal()
	var w writer
	w.octets(byte(len(number)))
	w.digits("PAN", number, lenPAN)
	w.number("expiry", uint64(r.Expiry), 2)
	w.octets(r.Sequence, byte(r.Slot), r.Version)
	sealed, err := sealOctets(s, key.Reveal(), w.b)
	if err != nil {
		return CardBlob{}, fmt.Errorf("wrap a card: %w", err)
	}
	return CardBlob(sealed), nil
}

// OpenCard takes the record out of a blob.
func OpenCard(s scp80.Suite, key CardDataKey, blob CardBlob) (CardRecord, error) {
	plain, err := openOctets(s, key.Reveal(), blob[:])
	switch {
	case errors.Is(err, errTampered) || err == nil && len(plain) != lenRecord:
		return CardRecord{}, ErrBlob
	case err != nil:
		return CardRecord{}, fmt.Errorf("open a card: %w", err)
	}
	return recordOf(plain)
}

func recordOf(plain []byte) (CardRecord, error) {
	r := reader{b: plain}
	length, digits := r.octet(), r.digits(lenPAN)
	rec := CardRecord{Expiry: Expiry(r.number(2)), Sequence: r.octet(), Slot: int(r.octet()), Version: r.octet()}
	pan, err := ParsePAN(digits)
	if err != nil || int(length) != len(digits) || !r.done() || !rec.Expiry.Valid() || rec.Slot == 0 {
		return CardRecord{}, ErrBlob
	}
	rec.PAN = pan
	return rec, nil
}
