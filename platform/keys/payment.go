package keys

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// OpenMO takes counter and payload out of a packet from an element's handset. The
// counter is to be compared and kept by the caller. A packet that is refused is
// answered with nothing; scp80.ReasonOf tells why, for counters.
func (v *Vault) OpenMO(b Binding, packet []byte) (counter uint64, payload []byte, err error) {
	ch, err := v.current.Load().channel(b, scp80.MO)
	if err != nil {
		return 0, nil, err
	}
	return ch.Open(packet)
}

// WrapMT secures a payload for an element's handset. The counter must be kept
// before and never be used for another payload; the same one gives the same octets.
func (v *Vault) WrapMT(b Binding, counter uint64, payload []byte) ([]byte, error) {
	ch, err := v.current.Load().channel(b, scp80.MT)
	if err != nil {
		return nil, err
	}
	return ch.Wrap(counter, payload)
}

// Rekey is the next version of an element's packet keys, wrapped under its key
// encryption key: what a KEYS message takes to it.
func (v *Vault) Rekey(b Binding, next uint8) (wrapped []byte, err error) {
	s := v.current.Load()
	kik, err := s.keyEncryptionKey(b)
	if err != nil {
		return nil, err
	}
	b.Version = next
	mo, err := s.packetKeys(b, scp80.MO)
	if err != nil {
		return nil, err
	}
	mt, err := s.packetKeys(b, scp80.MT)
	if err != nil {
		return nil, err
	}
	return applet.WrapKeys(b.Suite, kik, next, mo, mt)
}

// CardRecord opens a card as the element keeps it (S13).
func (v *Vault) CardRecord(b Binding, blob applet.CardBlob) (applet.CardRecord, error) {
	key, err := v.CardDataKey(b)
	if err != nil {
		return applet.CardRecord{}, err
	}
	return applet.OpenCard(b.Suite, key, blob)
}

// PIN opens a PIN block under the element's PIN key of a counter.
func (v *Vault) PIN(b Binding, counter uint32, token applet.TokenPAN, block applet.PINBlock) (applet.PIN, error) {
	initial, keyID, err := v.InitialKey(b)
	if err != nil {
		return applet.PIN{}, err
	}
	key, err := applet.DerivePINKey(b.Suite, initial, keyID, counter)
	if err != nil {
		return applet.PIN{}, err
	}
	return applet.OpenPIN(b.Suite, key, block, token)
}

// PINReference is what the platform keeps of a PIN: it can only be compared with, and
// only with the vault.
func (v *Vault) PINReference(token applet.TokenPAN, pin applet.PIN) string {
	sum := v.current.Load().pins.sum(string(token), pin.Reveal())
	return hex.EncodeToString(sum[:])
}

// VerifyPIN compares a PIN with a reference in constant time. No PIN is never right.
func (v *Vault) VerifyPIN(reference string, token applet.TokenPAN, pin applet.PIN) bool {
	right := subtle.ConstantTimeCompare([]byte(reference), []byte(v.PINReference(token, pin))) == 1
	return right && !pin.Equal(applet.PIN{})
}

// Fingerprint is a reference to a value of a kind, such as a card number: the same
// value gives the same one, and nothing else can be learnt of it without the vault.
func (v *Vault) Fingerprint(kind, value string) string {
	sum := v.current.Load().fingerprints.sum(kind, value)
	return hex.EncodeToString(sum[:16])
}

// tokenPrefix is the issuer number of Airtill's card tokens.
const tokenPrefix = "621234"

// Token stands for a card where a PIN block needs a number: 16 digits with a check
// digit, always the same for a card.
func (v *Vault) Token(pan applet.PAN) applet.TokenPAN {
	sum := v.current.Load().tokens.sum("", pan.Reveal())
	digits := fmt.Sprintf("%s%09d", tokenPrefix, binary.BigEndian.Uint64(sum[:])%1e9)
	return applet.TokenPAN(digits + string(rune(applet.LuhnDigit(digits))))
}
