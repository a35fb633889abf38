package applet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/airtill/airtill/platform/scp80"
)

// PINBlock is an enciphered PIN block of ISO 9564-1 format 4. It prints as a mask:
// not even an enciphered PIN block belongs into a log (PCI DSS 3.3.1.3).
type PINBlock [aes.BlockSize]byte

// String masks the block.
func (PINBlock) String() string { return mask }

// GoString masks the block.
func (PINBlock) GoString() string { return mask }

// Format masks the block, whatever the verb.
func (PINBlock) Format(f fmt.State, _ rune) { show(f, mask) }

// MarshalText masks the block, in JSON too.
func (PINBlock) MarshalText() ([]byte, error) { return []byte(mask), nil }

// ErrPINBlock is a block that holds no PIN under this key and token. It does not
// say what was wrong.
var ErrPINBlock = errors.New("not a PIN block of this key and card")

// Parts of a clear PIN field (ISO 9564-1 §9.3.5).
const (
	controlFormat4 = 4
	fillDigit      = 0xA
	lenPINField    = 8 // the second half is random
)

// SealPIN makes the PIN block of a PIN for a card's token; random fills its second half.
func SealPIN(s scp80.Suite, key PINKey, pin PIN, token TokenPAN, random io.Reader) (PINBlock, error) {
	block, pan, err := pinCipher(s, key, token)
	if err != nil {
		return PINBlock{}, err
	}
	if pin.digits == nil {
		return PINBlock{}, errors.New("make PIN block: no PIN")
	}
	b := pinField(pin)
	if _, err := io.ReadFull(random, b[lenPINField:]); err != nil {
		return PINBlock{}, fmt.Errorf("make PIN block: %w", err)
	}
	block.Encrypt(b[:], b[:])
	subtle.XORBytes(b[:], b[:], pan[:])
	block.Encrypt(b[:], b[:])
	return b, nil
}

// OpenPIN takes the PIN out of a block made for the same token.
func OpenPIN(s scp80.Suite, key PINKey, b PINBlock, token TokenPAN) (PIN, error) {
	block, pan, err := pinCipher(s, key, token)
	if err != nil {
		return PIN{}, err
	}
	block.Decrypt(b[:], b[:])
	subtle.XORBytes(b[:], b[:], pan[:])
	block.Decrypt(b[:], b[:])
	return pinOf(b)
}

func pinCipher(s scp80.Suite, key PINKey, token TokenPAN) (cipher.Block, PINBlock, error) {
	if s != scp80.Modern {
		return nil, PINBlock{}, fmt.Errorf("ready the PIN key: %w", ErrSuite)
	}
	pan, err := panField(token)
	if err != nil {
		return nil, pan, err
	}
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		return nil, pan, fmt.Errorf("ready the PIN key: %w", err)
	}
	return block, pan, nil
}

// pinField is the clear PIN field with its second half zero: 4, length, PIN, A to 8 octets.
func pinField(pin PIN) (field PINBlock) {
	digits := pin.Reveal()
	field[0] = controlFormat4<<4 | byte(len(digits))
	putDigits(field[1:lenPINField], digits+strings.Repeat("A", maxPIN+2-len(digits)))
	return field
}

// panField is the token as it masks a PIN field: its length over 12, itself, zeros
// (ISO 9564-1 §9.3.5.3). A token of less than 12 digits has zeros in front.
func panField(token TokenPAN) (field PINBlock, err error) {
	s := string(token)
	if s == "" || len(s) > 19 || !isDigits(s) {
		return field, errors.New("a card token has 1 to 19 digits")
	}
	s = strings.Repeat("0", max(0, 12-len(s))) + s
	s = string(rune('0'+len(s)-12)) + s
	putDigits(field[:], s+strings.Repeat("0", 2*len(field)-len(s)))
	return field, nil
}

// pinOf reads a clear PIN field. Every fault is the same error.
func pinOf(field PINBlock) (PIN, error) {
	n := int(field[0] & 0xF)
	ok := field[0]>>4 == controlFormat4 && n >= minPIN && n <= maxPIN
	digits := make([]byte, 0, maxPIN)
	for i := range maxPIN + 2 {
		d := field[1+i/2] >> 4
		if i%2 == 1 {
			d = field[1+i/2] & 0xF
		}
		if i < n {
			ok = ok && d <= 9
			digits = append(digits, '0'+d)
			continue
		}
		ok = ok && d == fillDigit
	}
	if !ok {
		return PIN{}, ErrPINBlock
	}
	return PIN{digits: new(string(digits))}, nil
}
