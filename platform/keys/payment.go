package keys

import (
	"crypto/hmac"
	"crypto/sha256"
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
func (v *Vault) OpenMO(id applet.ElementID, packet []byte) (counter uint64, payload []byte, err error) {
	ch, err := v.channel(id, scp80.MO)
	if err != nil {
		return 0, nil, err
	}
	return ch.Open(packet)
}

// WrapMT secures a payload for an element's handset. The counter must be kept
// before and never be used for another payload; the same one gives the same octets.
func (v *Vault) WrapMT(id applet.ElementID, counter uint64, payload []byte) ([]byte, error) {
	ch, err := v.channel(id, scp80.MT)
	if err != nil {
		return nil, err
	}
	return ch.Wrap(counter, payload)
}

// CardRecord opens a card as the element keeps it (S13).
func (v *Vault) CardRecord(id applet.ElementID, blob applet.CardBlob) (applet.CardRecord, error) {
	key, err := v.CardDataKey(id)
	if err != nil {
		return applet.CardRecord{}, err
	}
	return applet.OpenCard(scp80.Modern, key, blob)
}

// PIN opens a PIN block under the element's PIN key of a counter.
func (v *Vault) PIN(id applet.ElementID, counter uint32, token applet.TokenPAN, block applet.PINBlock) (applet.PIN, error) {
	initial, keyID, err := v.InitialKey(id)
	if err != nil {
		return applet.PIN{}, err
	}
	key, err := applet.DerivePINKey(scp80.Modern, initial, keyID, counter)
	if err != nil {
		return applet.PIN{}, err
	}
	return applet.OpenPIN(scp80.Modern, key, block, token)
}

// PINReference is what the platform keeps of a PIN: it can only be compared with, and
// only with the vault.
func (v *Vault) PINReference(token applet.TokenPAN, pin applet.PIN) string {
	return hex.EncodeToString(keyed(v.masters.pin, string(token), pin.Reveal()))
}

// VerifyPIN compares a PIN with a reference in constant time. No PIN is never right.
func (v *Vault) VerifyPIN(reference string, token applet.TokenPAN, pin applet.PIN) bool {
	right := subtle.ConstantTimeCompare([]byte(reference), []byte(v.PINReference(token, pin))) == 1
	return right && !pin.Equal(applet.PIN{})
}

// Fingerprint is a reference to a value of a kind, such as a card number: the same
// value gives the same one, and nothing else can be learnt of it without the vault.
func (v *Vault) Fingerprint(kind, value string) string {
	return hex.EncodeToString(keyed(v.masters.fingerprint, kind, value)[:16])
}

// tokenPrefix is the issuer number of Airtill's card tokens.
const tokenPrefix = "621234"

// Token stands for a card where a PIN block needs a number: 16 digits with a check
// digit, always the same for a card.
func (v *Vault) Token(pan applet.PAN) applet.TokenPAN {
	n := binary.BigEndian.Uint64(keyed(v.masters.token, "", pan.Reveal())) % 1e9
	digits := fmt.Sprintf("%s%09d", tokenPrefix, n)
	return applet.TokenPAN(digits + string(rune(applet.LuhnDigit(digits))))
}

// keyed is HMAC-SHA-256 of two texts under a master key.
func keyed[P any](k scp80.Key[P], kind, value string) []byte {
	h := hmac.New(sha256.New, k.Reveal())
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(kind))))
	h.Write([]byte(kind))
	h.Write([]byte(value))
	return h.Sum(nil)
}
