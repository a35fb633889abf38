package keys

import (
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"fmt"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Labels of key derivation (vectors scp80.json, project_inputs).
const (
	labelKIC  = "SCP80-KIC"
	labelKID  = "SCP80-KID"
	labelKIK  = "SCP80-KIK"
	labelCard = "CARD-DATA"
)

// version is that of the derived keys that have no versions, part of their context.
const version = 1

// kbkdf is the key derivation function of SP 800-108 §4.1 in counter mode: fixed
// input behind a counter of width octets, l octets out.
func kbkdf(prf *scp80.CMAC, width int, fixed []byte, l int) []byte {
	var out []byte
	for i := uint32(1); len(out) < l; i++ {
		counter := binary.BigEndian.AppendUint32(nil, i)[4-width:]
		out = prf.Append(out, counter, fixed)
	}
	return out[:l]
}

// fixedInput is label || 00 || context || [L]32, L in bits.
func fixedInput(label string, context []byte, l int) []byte {
	fixed := append([]byte(label), 0)
	fixed = append(fixed, context...)
	return binary.BigEndian.AppendUint32(fixed, uint32(8*l))
}

func derive(prf *scp80.CMAC, label string, context []byte) []byte {
	l := scp80.Modern.KeyLen()
	return kbkdf(prf, 4, fixedInput(label, context, l), l)
}

// optionA is EMV book 2 A1.4.1: y and its complement enciphered under the master key,
// with odd parity. y is the 16 rightmost digits of a number.
func optionA(master []byte, y [des.BlockSize]byte) ([]byte, error) {
	block, err := newTDEA(master)
	if err != nil {
		return nil, fmt.Errorf("derive a legacy key: %w", err)
	}
	out := make([]byte, 2*des.BlockSize)
	for i, o := range y {
		out[i], out[i+des.BlockSize] = o, ^o
	}
	block.Encrypt(out, out)
	block.Encrypt(out[des.BlockSize:], out[des.BlockSize:])
	oddParity(out)
	return out, nil
}

// newTDEA makes 3DES of two keys.
func newTDEA(key []byte) (cipher.Block, error) {
	if len(key) != 2*des.BlockSize {
		return nil, des.KeySizeError(len(key))
	}
	return des.NewTripleDESCipher(append(key[:16:16], key[:8]...))
}

// rightmost is what EMV option A takes of an element's number.
func rightmost(id applet.ElementID) (y [des.BlockSize]byte, err error) {
	octets, err := id.Octets()
	if err != nil {
		return y, err
	}
	return [des.BlockSize]byte(octets[len(octets)-len(y):]), nil
}

// legacyKey derives an element's key from a master of the legacy suite.
func legacyKey[K interface{ scp80.Key[P] }, P, M any](master scp80.Key[M], id applet.ElementID) (key K, err error) {
	y, err := rightmost(id)
	if err != nil {
		return key, err
	}
	octets, err := optionA(master.Reveal(), y)
	if err != nil {
		return key, err
	}
	return scp80.NewKey[K, P](octets), nil
}

// modernKey derives an element's key from a master of the modern suite; tail is what
// its context holds after the element's number.
func modernKey[K interface{ scp80.Key[P] }, P any](prf *scp80.CMAC, label string, id applet.ElementID, tail ...byte) (key K, err error) {
	octets, err := id.Octets()
	if err != nil {
		return key, err
	}
	return scp80.NewKey[K, P](derive(prf, label, append(octets[:], tail...))), nil
}

// errSuite is a binding to no suite.
func errSuite(b Binding) error {
	return fmt.Errorf("keys of element %s: %w", b.Element, applet.ErrSuite)
}

// MO are the keys of packets from an element's handset.
func (v *Vault) MO(b Binding) (scp80.Keys, error) { return v.current.Load().packetKeys(b, scp80.MO) }

// MT are the keys of packets to an element's handset.
func (v *Vault) MT(b Binding) (scp80.Keys, error) { return v.current.Load().packetKeys(b, scp80.MT) }

func (s *state) packetKeys(b Binding, d scp80.Direction) (k scp80.Keys, err error) {
	m, err := s.version(b.Version)
	if err != nil {
		return k, fmt.Errorf("version %d: %w", b.Version, err)
	}
	switch b.Suite {
	case scp80.Modern:
		kdf := s.kdf[b.Version]
		if k.KIc, err = modernKey[scp80.CipherKey](kdf.kic, labelKIC, b.Element, b.Version, byte(d)); err != nil {
			return k, err
		}
		k.KID, err = modernKey[scp80.MACKey](kdf.kid, labelKID, b.Element, b.Version, byte(d))
		return k, err
	case scp80.Legacy:
		pair := m.legacyPair(d)
		if k.KIc, err = legacyKey[scp80.CipherKey](pair.kic, b.Element); err != nil {
			return k, err
		}
		k.KID, err = legacyKey[scp80.MACKey](pair.kid, b.Element)
		return k, err
	}
	return k, errSuite(b)
}

// CardDataKey is the key that an element's card records are wrapped with.
func (v *Vault) CardDataKey(b Binding) (applet.CardDataKey, error) {
	return v.current.Load().cardDataKey(b)
}

func (s *state) cardDataKey(b Binding) (applet.CardDataKey, error) {
	switch b.Suite {
	case scp80.Modern:
		return modernKey[applet.CardDataKey](s.card, labelCard, b.Element, version)
	case scp80.Legacy:
		return legacyKey[applet.CardDataKey](s.legacy.card, b.Element)
	}
	return applet.CardDataKey{}, errSuite(b)
}

// keyEncryptionKey is the key that an element's new packet keys are wrapped with.
func (s *state) keyEncryptionKey(b Binding) (applet.KeyEncryptionKey, error) {
	switch b.Suite {
	case scp80.Modern:
		return modernKey[applet.KeyEncryptionKey](s.kik, labelKIK, b.Element, version)
	case scp80.Legacy:
		return legacyKey[applet.KeyEncryptionKey](s.legacy.kik, b.Element)
	}
	return applet.KeyEncryptionKey{}, errSuite(b)
}

// InitialKey is the key that an element's PIN keys come from, and its name.
func (v *Vault) InitialKey(b Binding) (applet.InitialKey, applet.InitialKeyID, error) {
	return v.current.Load().initialKey(b)
}

func (s *state) initialKey(b Binding) (applet.InitialKey, applet.InitialKeyID, error) {
	keyID, err := b.Element.InitialKeyID(b.Suite)
	if err != nil {
		return applet.InitialKey{}, keyID, err
	}
	base := s.modern.base
	if b.Suite == scp80.Legacy {
		base = s.legacy.base
	}
	key, err := applet.DeriveInitialKey(b.Suite, base, keyID)
	return key, keyID, err
}
