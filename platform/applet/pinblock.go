package applet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/airtill/airtill/platform/scp80"
)

// PINBlock is an enciphered PIN block: ISO 9564-1 format 4 in the modern suite, format
// 0 in its first 8 octets, zeros after them, in the legacy suite. It prints as a mask:
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

// blockLen is how many octets of a PIN block travel.
func blockLen(s scp80.Suite) int {
	if s == scp80.Legacy {
		return des.BlockSize
	}
	return aes.BlockSize
}

// ErrPINBlock is a block that holds no PIN under this key and token. It does not
// say what was wrong.
var ErrPINBlock = errors.New("not a PIN block of this key and card")

// pinFormat is the clear PIN field of a format: control nibble and filler differ.
type pinFormat struct{ control, fill byte }

// Formats 0 and 4 (ISO 9564-1 §9.3.2, §9.3.5).
var (
	format0 = pinFormat{0, 0xF}
	format4 = pinFormat{4, 0xA}
)

// lenPINField is control nibble, length, PIN and filler. In format 4 as many random
// octets follow.
const lenPINField = 8

// SealPIN makes the PIN block of a PIN for a card's token. Random fills the second half
// of a format 4 block; format 0 has nothing random, which is why a key is used once.
func SealPIN(s scp80.Suite, key PINKey, pin PIN, token TokenPAN, random io.Reader) (PINBlock, error) {
	block, err := pinCipher(s, key, token)
	if err != nil {
		return PINBlock{}, err
	}
	if pin.digits == nil {
		return PINBlock{}, errors.New("make PIN block: no PIN")
	}
	if s == scp80.Legacy {
		return sealFormat0(block, pin, token), nil
	}
	return sealFormat4(block, pin, token, random)
}

// OpenPIN takes the PIN out of a block made for the same token.
func OpenPIN(s scp80.Suite, key PINKey, b PINBlock, token TokenPAN) (PIN, error) {
	block, err := pinCipher(s, key, token)
	if err != nil {
		return PIN{}, err
	}
	if s == scp80.Legacy {
		return openFormat0(block, b, token)
	}
	return openFormat4(block, b, token)
}

// pinCipher makes a PIN key ready and checks the token that it is used for.
func pinCipher(s scp80.Suite, key PINKey, token TokenPAN) (block cipher.Block, err error) {
	if token == "" || len(token) > maxToken || !isDigits(string(token)) {
		return nil, errors.New("a card token has 1 to 19 digits")
	}
	switch s {
	case scp80.Modern:
		block, err = aes.NewCipher(key.Reveal())
	case scp80.Legacy:
		block, err = scp80.NewTripleDES(key.Reveal())
	default:
		err = ErrSuite
	}
	if err != nil {
		return nil, fmt.Errorf("ready the PIN key: %w", err)
	}
	return block, nil
}

func sealFormat4(block cipher.Block, pin PIN, token TokenPAN, random io.Reader) (b PINBlock, err error) {
	field, pan := format4.field(pin), panField4(token)
	copy(b[:], field[:])
	if _, err := io.ReadFull(random, b[lenPINField:]); err != nil {
		return PINBlock{}, fmt.Errorf("make PIN block: %w", err)
	}
	block.Encrypt(b[:], b[:])
	subtle.XORBytes(b[:], b[:], pan[:])
	block.Encrypt(b[:], b[:])
	return b, nil
}

func openFormat4(block cipher.Block, b PINBlock, token TokenPAN) (PIN, error) {
	pan := panField4(token)
	block.Decrypt(b[:], b[:])
	subtle.XORBytes(b[:], b[:], pan[:])
	block.Decrypt(b[:], b[:])
	return format4.pin([lenPINField]byte(b[:lenPINField]))
}

func sealFormat0(block cipher.Block, pin PIN, token TokenPAN) (b PINBlock) {
	field, pan := format0.field(pin), panField0(token)
	subtle.XORBytes(b[:], field[:], pan[:])
	block.Encrypt(b[:], b[:])
	return b
}

func openFormat0(block cipher.Block, b PINBlock, token TokenPAN) (PIN, error) {
	if [aes.BlockSize - lenPINField]byte(b[lenPINField:]) != [aes.BlockSize - lenPINField]byte{} {
		return PIN{}, ErrPINBlock
	}
	field, pan := [lenPINField]byte{}, panField0(token)
	block.Decrypt(field[:], b[:])
	subtle.XORBytes(field[:], field[:], pan[:])
	return format0.pin(field)
}

// field is the clear PIN field: control, length, PIN, filler.
func (f pinFormat) field(pin PIN) (field [lenPINField]byte) {
	digits := pin.Reveal()
	field[0] = f.control<<4 | byte(len(digits))
	filler := string(rune('A' + f.fill - 0xA))
	putDigits(field[1:], digits+strings.Repeat(filler, maxPIN+2-len(digits)))
	return field
}

// pin reads a clear PIN field. Every fault is the same error.
func (f pinFormat) pin(field [lenPINField]byte) (PIN, error) {
	n := int(field[0] & 0xF)
	ok := field[0]>>4 == f.control && n >= minPIN && n <= maxPIN
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
		ok = ok && d == f.fill
	}
	if !ok {
		return PIN{}, ErrPINBlock
	}
	return PIN{digits: new(string(digits))}, nil
}

// Digits of a card number, or of a token for one, in the PAN fields.
const (
	maxToken = 19
	minToken = 12 // a shorter one has zeros in front
)

// panField4 is the token as it masks a field of format 4: its length over 12, itself,
// zeros (ISO 9564-1 §9.3.5.3).
func panField4(token TokenPAN) (field PINBlock) {
	s := string(token)
	s = strings.Repeat("0", max(0, minToken-len(s))) + s
	s = string(rune('0'+len(s)-minToken)) + s
	putDigits(field[:], s+strings.Repeat("0", 2*len(field)-len(s)))
	return field
}

// panField0 is the token as it masks a field of format 0: 4 zeros, then the last 12
// digits without the check digit (ISO 9564-1 §9.3.2.3).
func panField0(token TokenPAN) (field [lenPINField]byte) {
	const digits = 2*lenPINField - 4
	s := string(token[:len(token)-1])
	s = s[max(0, len(s)-digits):]
	putDigits(field[:], strings.Repeat("0", 2*lenPINField-len(s))+s)
	return field
}
