package keys

import (
	"encoding/binary"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Labels of key derivation (vectors scp80.json, project_inputs).
const (
	labelKIC  = "SCP80-KIC"
	labelKID  = "SCP80-KID"
	labelCard = "CARD-DATA"
)

// version is the version of the derived keys, part of the context.
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
	return kbkdf(prf, 4, fixedInput(label, context, lenMaster), lenMaster)
}

// MO are the keys of packets from an element's handset.
func (v *Vault) MO(id applet.ElementID) (scp80.Keys, error) { return v.packetKeys(id, scp80.MO) }

// MT are the keys of packets to an element's handset.
func (v *Vault) MT(id applet.ElementID) (scp80.Keys, error) { return v.packetKeys(id, scp80.MT) }

func (v *Vault) packetKeys(id applet.ElementID, d scp80.Direction) (scp80.Keys, error) {
	octets, err := id.Octets()
	if err != nil {
		return scp80.Keys{}, err
	}
	context := append(octets[:], version, byte(d))
	return scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](derive(v.kic, labelKIC, context)),
		KID: scp80.NewKey[scp80.MACKey](derive(v.kid, labelKID, context)),
	}, nil
}

// CardDataKey is the key that an element's card records are wrapped with.
func (v *Vault) CardDataKey(id applet.ElementID) (applet.CardDataKey, error) {
	octets, err := id.Octets()
	if err != nil {
		return applet.CardDataKey{}, err
	}
	return scp80.NewKey[applet.CardDataKey](derive(v.card, labelCard, append(octets[:], version))), nil
}

// InitialKey is the key that an element's PIN keys come from, and its name.
func (v *Vault) InitialKey(id applet.ElementID) (applet.InitialKey, applet.InitialKeyID, error) {
	keyID, err := id.InitialKeyID(scp80.Modern)
	if err != nil {
		return applet.InitialKey{}, keyID, err
	}
	key, err := applet.DeriveInitialKey(scp80.Modern, v.masters.base, keyID)
	return key, keyID, err
}
