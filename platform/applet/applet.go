// Package applet is what the platform and the secure element have agreed on: the
// messages they exchange (wire.md 6), the card as the element keeps it, the PIN as
// it travels, and what personalises an element.
//
// Messages are the payload of a secured packet (platform/scp80): a header of ten
// octets - type, suite, bill reference - and fields of fixed place; numbers are
// big-endian, digits packed BCD, text UTF-8 cut at a rune. Each is one short
// message with either card in the phone, but for the modern suite's KEYS, which is two.
// [Encode] and [Decode] are strict inverses: there is one form of each message in a
// suite, and nothing else decodes.
//
// An element works with one suite ([scp80.Suite]) for life, and whoever encodes or
// decodes for it says which: nothing in a message can change it.
//
// The PIN travels in a PIN block over a token instead of the card number, under a key
// used once: ISO 9564-1 format 4 under AES-DUKPT (ANSI X9.24-3), or in the legacy suite
// format 0 under 3DES-DUKPT (X9.24-1). The card's number lies in the element sealed
// with AES-KWP (RFC 5649, SP 800-38F), or in the legacy suite with 3DES-CBC and a MAC
// of ISO 9797-1 algorithm 3, and leaves it so; the element never shows it (S3, S13).
// New packet keys reach an element sealed in the same way ([WrapKeys]). Enrolment
// secrets go to the branch and personalisations to the element sealed with HPKE (RFC
// 9180: DHKEM P-256, HKDF-SHA256, AES-256-GCM), whatever the suite.
//
// Secret values - [PIN], [PAN], [Identity], keys - print as masks; Reveal is the
// only way to what they hold.
//
// Left out: new keys for cards and PINs (only packet keys have versions), messages in
// more than one packet, PIN change, PIN blocks of formats 1 to 3. This package imports
// the standard library, gateway's and money's nouns and scp80, and does no I/O.
package applet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Port is where payment clients send from and to when the card is outside the SIM
// (TS 23.040 §9.2.3.24.4: 16000 to 16999 are free for applications).
const Port = 16200

// BillRef is the bill's reference on the wire to the phone: the last 8 octets of its id.
type BillRef [8]byte

// String is the reference in hexadecimal.
func (r BillRef) String() string { return hex.EncodeToString(r[:]) }

// MarshalText writes the reference in hexadecimal.
func (r BillRef) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, r[:]), nil }

// UnmarshalText reads 16 hexadecimal digits.
func (r *BillRef) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(make([]byte, len(text)/2), text); err != nil || n != len(r) {
		return errors.New("a bill reference has 16 hexadecimal digits")
	}
	_, err := hex.Decode(r[:], text)
	return err
}

// ElementID is a secure element's number, as printed on it: 20 digits (ITU-T E.118,
// 10 octets of BCD). Use [ParseElementID] for text from outside.
type ElementID string

// lenElementID is the element's number in octets of BCD.
const lenElementID = 10

// ParseElementID checks that s is 20 digits.
func ParseElementID(s string) (ElementID, error) {
	if len(s) != 2*lenElementID || !isDigits(s) {
		return "", errors.New("a secure element's number has 20 digits")
	}
	return ElementID(s), nil
}

// Octets are the number in BCD, as keys are derived from it. It must have been parsed.
func (id ElementID) Octets() ([lenElementID]byte, error) {
	var octets [lenElementID]byte
	if _, err := ParseElementID(string(id)); err != nil {
		return octets, err
	}
	putDigits(octets[:], string(id))
	return octets, nil
}

// UnmarshalText reads 20 digits.
func (id *ElementID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseElementID(string(text))
	return err
}

// MerchantNumber is a merchant's number as messages carry it: 8 digits. In a PAY it
// is the account that is paid (S7).
type MerchantNumber string

// TransactionNumber is a client's own number for a payment. A repeat of the payment
// carries the same one in a new packet; 0 is none.
type TransactionNumber uint64

// Form is how a secure element is built (S2). It decides how packets reach it and
// how many cards fit.
type Form uint8

// The three forms.
const (
	Standalone Form = iota + 1 // a card of its own, reached through an application port
	SIM                        // in the SIM, reached by SIM data download
	SDTF                       // on an SD or TF card, reached through an application port
)

// String is the form as the register and the command line write it.
func (f Form) String() string {
	switch f {
	case Standalone:
		return "standalone"
	case SIM:
		return "sim"
	case SDTF:
		return "sdtf"
	}
	return "unknown"
}

// ParseForm reads a form's name.
func ParseForm(s string) (Form, error) {
	for f := Standalone; f <= SDTF; f++ {
		if strings.EqualFold(s, f.String()) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("a secure element is %s, %s or %s", Standalone, SIM, SDTF)
}

// MarshalText writes the form's name.
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a form's name.
func (f *Form) UnmarshalText(text []byte) (err error) {
	*f, err = ParseForm(string(text))
	return err
}

// InSIM tells whether packets are for the SIM (PID 7F, DCS F6), else for an
// application port of the phone (wire.md 1.7).
func (f Form) InSIM() bool { return f == SIM }

// Capacity is how many card entries fit.
func (f Form) Capacity() int {
	switch f {
	case Standalone:
		return 8
	case SIM:
		return 4
	case SDTF:
		return 16
	}
	return 0
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
