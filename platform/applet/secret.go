package applet

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/airtill/airtill/platform/scp80"
)

// mask is what a secret value prints when nothing of it may show.
const mask = "****"

// Limits of a PIN (ISO 9564-1 §8.1).
const (
	minPIN = 4
	maxPIN = 12
)

// PIN is a personal identification number of 4 to 12 digits. It prints as a mask;
// the zero PIN is none. Make one with [ParsePIN].
type PIN struct {
	digits *string // behind a pointer: package fmt does not follow it where it ignores methods
}

// ParsePIN reads a PIN as it is typed. Its error does not repeat it.
func ParsePIN(s string) (PIN, error) {
	if len(s) < minPIN || len(s) > maxPIN || !isDigits(s) {
		return PIN{}, errors.New("a PIN has 4 to 12 digits")
	}
	return PIN{digits: &s}, nil
}

// Reveal is the PIN's digits: for a PIN block or a keyed reference, not for printing.
func (p PIN) Reveal() string { return revealed(p.digits) }

// Equal compares two PINs in constant time.
func (p PIN) Equal(other PIN) bool {
	return subtle.ConstantTimeCompare([]byte(p.Reveal()), []byte(other.Reveal())) == 1
}

// String masks the PIN, its length too.
func (PIN) String() string { return mask }

// GoString masks the PIN.
func (PIN) GoString() string { return mask }

// Format masks the PIN, whatever the verb.
func (PIN) Format(f fmt.State, _ rune) { show(f, mask) }

// MarshalText masks the PIN, in JSON too.
func (PIN) MarshalText() ([]byte, error) { return []byte(mask), nil }

// PAN is a card number (ISO/IEC 7812-1): 12 to 19 digits, the last a check digit. It
// prints with its first 6 and last 4 digits only. Make one with [ParsePAN].
type PAN struct{ digits *string }

// ParsePAN reads a card number and checks its check digit. Its error does not repeat it.
func ParsePAN(s string) (PAN, error) {
	s = strings.ReplaceAll(s, " ", "")
	switch {
	case len(s) < 12 || len(s) > 19 || !isDigits(s):
		return PAN{}, errors.New("a card number has 12 to 19 digits")
	case LuhnDigit(s[:len(s)-1]) != s[len(s)-1]:
		return PAN{}, errors.New("the card number's check digit is wrong")
	}
	return PAN{digits: &s}, nil
}

// LuhnDigit is the check digit that belongs after digits (ISO/IEC 7812-1 annex B).
func LuhnDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// Reveal is the whole number: for the card record, not for printing.
func (p PAN) Reveal() string { return revealed(p.digits) }

// Equal compares two card numbers in constant time.
func (p PAN) Equal(other PAN) bool {
	return subtle.ConstantTimeCompare([]byte(p.Reveal()), []byte(other.Reveal())) == 1
}

// Masked is the number with at most its first 6 and last 4 digits (PCI DSS 3.4.1).
func (p PAN) Masked() string { return maskNumber(p.Reveal()) }

func maskNumber(s string) string {
	if len(s) < 12 {
		return mask
	}
	return s[:6] + strings.Repeat("*", len(s)-10) + s[len(s)-4:]
}

// String is the masked number.
func (p PAN) String() string { return p.Masked() }

// GoString is the masked number.
func (p PAN) GoString() string { return p.Masked() }

// Format writes the masked number, whatever the verb.
func (p PAN) Format(f fmt.State, _ rune) { show(f, p.Masked()) }

// MarshalText writes the masked number, in JSON too.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.Masked()), nil }

// TokenPAN stands for a card number where a PIN block needs one. It is no secret
// and opens no account.
type TokenPAN string

// IdentityType is the kind of a person's identity document.
type IdentityType uint8

// The kinds of documents. Others are carried as they are.
const (
	NoIdentity IdentityType = 0
	ResidentID IdentityType = 1 // resident identity card: 18 digits, the last may be X
)

// Identity is a person's identity document. It prints with its last 4 characters
// only. It has no String method on purpose: use Reveal for what it holds and the
// fmt verbs for the mask. The zero Identity is none. Make one with [ParseIdentity].
type Identity struct {
	kind   IdentityType
	number *string
}

// ParseIdentity reads a number of up to 18 digits of which the last may be X. Its
// error does not repeat it.
func ParseIdentity(t IdentityType, number string) (Identity, error) {
	if t == NoIdentity && number == "" {
		return Identity{}, nil
	}
	body, _ := strings.CutSuffix(number, "X")
	if t == NoIdentity || len(number) > 2*lenNumber || body == "" || !isDigits(body) {
		return Identity{}, errors.New("an identity number has a type and 1 to 18 digits, the last may be X")
	}
	return Identity{kind: t, number: &number}, nil
}

// Type is the kind of document.
func (i Identity) Type() IdentityType { return i.kind }

// Reveal is type and number, 1:11010519900307123X: for a keyed fingerprint, not for printing.
func (i Identity) Reveal() string {
	if i.number == nil {
		return ""
	}
	return strconv.Itoa(int(i.kind)) + ":" + *i.number
}

// Masked is the number's last 4 characters, of a short one none.
func (i Identity) Masked() string {
	s := revealed(i.number)
	if len(s) < 8 {
		return mask
	}
	return mask + s[len(s)-4:]
}

// GoString is the masked number.
func (i Identity) GoString() string { return i.Masked() }

// Format writes the masked number, whatever the verb.
func (i Identity) Format(f fmt.State, _ rune) { show(f, i.Masked()) }

// MarshalText writes the masked number, in JSON too.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.Masked()), nil }

// In the message X is the nibble A.
func (i Identity) append(w *writer) {
	w.octets(byte(i.kind))
	packed := make([]byte, lenNumber)
	putDigits(packed, strings.Replace(revealed(i.number), "X", "A", 1))
	w.octets(packed...)
}

func readIdentity(r *reader) Identity {
	kind, number := IdentityType(r.octet()), r.nibbles(lenNumber)
	i, err := ParseIdentity(kind, strings.Replace(number, "A", "X", 1))
	if err != nil {
		r.bad = true
	}
	return i
}

func revealed(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func show(f fmt.State, text string) { _, _ = io.WriteString(f, text) }

// Purposes of the keys that platform and element share besides those of packets.
type (
	forCardData      struct{}
	forBase          struct{}
	forInitial       struct{}
	forPIN           struct{}
	forKeyEncryption struct{}
	forUnsealed      struct{}

	// CardDataKey wraps the card records of one element.
	CardDataKey = scp80.Key[forCardData]
	// BaseKey is the base derivation key of AES-DUKPT. Only the platform has it.
	BaseKey = scp80.Key[forBase]
	// InitialKey is an element's initial DUKPT key.
	InitialKey = scp80.Key[forInitial]
	// PINKey enciphers one PIN block.
	PINKey = scp80.Key[forPIN]
	// KeyEncryptionKey wraps an element's new packet keys on their way to it.
	KeyEncryptionKey = scp80.Key[forKeyEncryption]
	// UnsealedPersonalisation is a personalisation in clear, with all its keys.
	UnsealedPersonalisation = scp80.Key[forUnsealed]
)
