package applet

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/airtill/airtill/platform/scp80"
)

// Sealed is something sealed to a public key with HPKE. In JSON it is base64.
type Sealed []byte

// String tells only how much is sealed.
func (s Sealed) String() string { return fmt.Sprintf("sealed(%d octets)", len(s)) }

// ErrSealed is something that was not sealed to this key, or not for this use.
var ErrSealed = errors.New("not sealed to this key")

// What is sealed, bound in as the info of HPKE (RFC 9180 §5.1).
const (
	infoPersonalisation = "airtill personalisation 1"
	infoEnrolment       = "airtill enrolment secrets 1"
	infoEnrolments      = "airtill enrolment secrets of many 1"
)

func kem() hpke.KEM { return hpke.DHKEM(ecdh.P256()) }

// NewKeyPair makes the key pair of an element or a branch from random octets.
func NewKeyPair(random io.Reader) (hpke.PrivateKey, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("make a key pair: %w", err)
	}
	return kem().DeriveKeyPair(seed[:])
}

// ParsePrivateKey reads a private key of the kind that [NewKeyPair] makes.
func ParsePrivateKey(octets []byte) (hpke.PrivateKey, error) { return kem().NewPrivateKey(octets) }

// ParsePublicKey checks a public key of the kind that [NewKeyPair] makes.
func ParsePublicKey(octets []byte) (hpke.PublicKey, error) { return kem().NewPublicKey(octets) }

// CardEntry is a card as it is bound to an element (S3).
type CardEntry struct {
	Slot   int
	Alias  string
	Masked string // first 6 and last 4 digits
	Token  TokenPAN
	Expiry Expiry
	Blob   CardBlob
}

// Personalisation is what makes a blank element a holder's.
type Personalisation struct {
	Element  ElementID
	Suite    scp80.Suite
	Version  uint8      // of the packet keys
	MO, MT   scp80.Keys // packets from and to the handset
	TAR      scp80.TAR
	KIK      KeyEncryptionKey
	Initial  InitialKey // of the PIN keys
	KeyID    InitialKeyID
	CardData CardDataKey
	Identity Identity
	Cards    []CardEntry
}

// SealPersonalisation seals p to an element's public key.
func SealPersonalisation(publicKey []byte, p Personalisation) (Sealed, error) {
	return seal(publicKey, infoPersonalisation, p.wire())
}

// OpenPersonalisation opens what was sealed to an element's key pair.
func OpenPersonalisation(key hpke.PrivateKey, s Sealed) (Personalisation, error) {
	unsealed, err := UnsealPersonalisation(key, s)
	if err != nil {
		return Personalisation{}, err
	}
	return ReadPersonalisation(unsealed)
}

// UnsealPersonalisation opens what was sealed to an element's key pair, and leaves it to
// be read by [ReadPersonalisation]: whoever keeps it where nobody else reads need not
// open it again, which takes many times as long.
func UnsealPersonalisation(key hpke.PrivateKey, s Sealed) (UnsealedPersonalisation, error) {
	plain, err := unseal(key, infoPersonalisation, s)
	return scp80.NewKey[UnsealedPersonalisation](plain), err
}

// ReadPersonalisation reads what [UnsealPersonalisation] opened.
func ReadPersonalisation(u UnsealedPersonalisation) (Personalisation, error) {
	var w personalisationWire
	if json.Unmarshal(u.Reveal(), &w) != nil {
		return Personalisation{}, ErrSealed
	}
	return w.personalisation()
}

// CardSecrets are a card as its holder brings it to the branch.
type CardSecrets struct {
	PAN    PAN
	Expiry Expiry
	Alias  string
}

// EnrolmentSecrets are what a holder tells the branch and nobody else (S1).
type EnrolmentSecrets struct {
	PIN      PIN
	Identity Identity
	Cards    []CardSecrets
}

// SealEnrolment seals s to the branch's public key.
func SealEnrolment(publicKey []byte, s EnrolmentSecrets) (Sealed, error) {
	return seal(publicKey, infoEnrolment, s.wire())
}

// OpenEnrolment opens what was sealed to the branch's key pair.
func OpenEnrolment(key hpke.PrivateKey, s Sealed) (EnrolmentSecrets, error) {
	var w enrolmentWire
	if err := open(key, infoEnrolment, s, &w); err != nil {
		return EnrolmentSecrets{}, err
	}
	return w.secrets()
}

// SealEnrolments seals what many holders tell the branch, in an order that goes without
// saying: for one act of sealing it takes as long as for one holder.
func SealEnrolments(publicKey []byte, all []EnrolmentSecrets) (Sealed, error) {
	wires := make([]enrolmentWire, 0, len(all))
	for _, s := range all {
		wires = append(wires, s.wire())
	}
	return seal(publicKey, infoEnrolments, wires)
}

// OpenEnrolments opens what [SealEnrolments] sealed to the branch's key pair.
func OpenEnrolments(key hpke.PrivateKey, s Sealed) ([]EnrolmentSecrets, error) {
	var wires []enrolmentWire
	if err := open(key, infoEnrolments, s, &wires); err != nil {
		return nil, err
	}
	all := make([]EnrolmentSecrets, 0, len(wires))
	for _, w := range wires {
		one, err := w.secrets()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func seal(publicKey []byte, info string, v any) (Sealed, error) {
	key, err := ParsePublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("seal: read public key: %w", err)
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), plain)
}

// open says nothing of what was inside when it cannot be read.
func open(key hpke.PrivateKey, info string, s Sealed, v any) error {
	plain, err := unseal(key, info, s)
	if err != nil || json.Unmarshal(plain, v) != nil {
		return ErrSealed
	}
	return nil
}

func unseal(key hpke.PrivateKey, info string, s Sealed) ([]byte, error) {
	plain, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), s)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
