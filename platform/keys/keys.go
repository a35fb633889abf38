// Package keys is the platform's key store: master keys, what is derived from them
// for each secure element, and the branch's key pair.
//
//	master key   derives                                    by
//	KIC, KID     packet keys of an element and direction    SP 800-108 counter mode, CMAC-AES-256
//	CARD         the card-data key of an element            the same
//	DUKPT        the initial PIN key of an element          AES-DUKPT, ANSI X9.24-3
//	PIN          PIN verification references                HMAC-SHA-256
//	TOKEN        card tokens                                HMAC-SHA-256
//	FINGERPRINT  references to card and identity numbers    HMAC-SHA-256
//	REST         what the platform seals in its own store   AES-256-GCM
//
// Each key has a Go type of its own, so that using one for another's purpose does
// not compile. A [Vault] answers what the platform asks of its keys, a method for
// each step of a payment, and never hands out a master key. It prints nothing of
// what it holds; [Vault.Save] writes it to a file that only its owner may read.
//
// Left out: key versions and rotation, key blocks and components, check values, a
// hardware module, and the legacy suite's 3DES keys.
package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"errors"
	"fmt"
	"io"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// lenMaster is the length of every master key: AES-256.
const lenMaster = 32

// Purposes of the master keys.
type (
	forKIC         struct{}
	forKID         struct{}
	forCard        struct{}
	forPIN         struct{}
	forToken       struct{}
	forFingerprint struct{}
	forRest        struct{}

	kicMaster         = scp80.Key[forKIC]
	kidMaster         = scp80.Key[forKID]
	cardMaster        = scp80.Key[forCard]
	pinMaster         = scp80.Key[forPIN]
	tokenMaster       = scp80.Key[forToken]
	fingerprintMaster = scp80.Key[forFingerprint]
	restMaster        = scp80.Key[forRest]
)

// masters are all that a vault needs to keep.
type masters struct {
	kic         kicMaster
	kid         kidMaster
	card        cardMaster
	base        applet.BaseKey
	pin         pinMaster
	token       tokenMaster
	fingerprint fingerprintMaster
	rest        restMaster
	branch      hpke.PrivateKey
}

// Vault is the key store. It is safe for concurrent use and prints as its name.
type Vault struct {
	masters  masters
	kic      *scp80.CMAC
	kid      *scp80.CMAC
	card     *scp80.CMAC
	rest     cipher.AEAD
	channels *cache
}

// Generate makes a vault of new keys out of random octets.
func Generate(random io.Reader) (*Vault, error) {
	octets := make([]byte, 8*lenMaster)
	if _, err := io.ReadFull(random, octets); err != nil {
		return nil, fmt.Errorf("make master keys: %w", err)
	}
	branch, err := applet.NewKeyPair(random)
	if err != nil {
		return nil, err
	}
	next := func() []byte {
		key := octets[:lenMaster]
		octets = octets[lenMaster:]
		return key
	}
	return newVault(masters{
		kic:         scp80.NewKey[kicMaster](next()),
		kid:         scp80.NewKey[kidMaster](next()),
		card:        scp80.NewKey[cardMaster](next()),
		base:        scp80.NewKey[applet.BaseKey](next()),
		pin:         scp80.NewKey[pinMaster](next()),
		token:       scp80.NewKey[tokenMaster](next()),
		fingerprint: scp80.NewKey[fingerprintMaster](next()),
		rest:        scp80.NewKey[restMaster](next()),
		branch:      branch,
	})
}

var errMasters = errors.New("a vault has eight master keys of 32 octets and a branch key")

func newVault(m masters) (*Vault, error) {
	v := &Vault{masters: m, channels: newCache(cachedChannels)}
	var err error
	if v.kic, err = ready(m.kic); err != nil {
		return nil, err
	}
	if v.kid, err = ready(m.kid); err != nil {
		return nil, err
	}
	if v.card, err = ready(m.card); err != nil {
		return nil, err
	}
	for _, other := range [][]byte{m.base.Reveal(), m.pin.Reveal(), m.token.Reveal(), m.fingerprint.Reveal(), m.rest.Reveal()} {
		if len(other) != lenMaster {
			return nil, errMasters
		}
	}
	if m.branch == nil {
		return nil, errMasters
	}
	block, err := aes.NewCipher(m.rest.Reveal())
	if err != nil {
		return nil, fmt.Errorf("ready the key for data at rest: %w", err)
	}
	v.rest, err = cipher.NewGCMWithRandomNonce(block)
	return v, err
}

// ready makes a key derivation function of a master key.
func ready[P any](k scp80.Key[P]) (*scp80.CMAC, error) {
	if len(k.Reveal()) != lenMaster {
		return nil, errMasters
	}
	block, err := aes.NewCipher(k.Reveal())
	if err != nil {
		return nil, fmt.Errorf("ready a master key: %w", err)
	}
	return scp80.NewCMAC(block), nil
}

const name = "keys.Vault"

// String is the vault's name and nothing of what it holds.
func (*Vault) String() string { return name }

// GoString is the vault's name.
func (*Vault) GoString() string { return name }

// Format writes the vault's name, whatever the verb.
func (*Vault) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, name) }

// MarshalText writes the vault's name, in JSON too.
func (*Vault) MarshalText() ([]byte, error) { return []byte(name), nil }
