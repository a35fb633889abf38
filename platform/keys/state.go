package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrVersion is a version of the packet keys that the vault does not have (any more).
	ErrVersion = errors.New("no packet keys of this version")
	// ErrSlot is a name that no key of the vault has.
	ErrSlot = errors.New("no key of this name")
)

// state is a vault's masters made ready, and the channels derived from them. A change
// of the masters makes another state, so that nothing derived outlives them.
type state struct {
	*masters
	kdf      map[uint8]packetKDF // by version
	kik      *scp80.CMAC
	card     *scp80.CMAC
	rest     cipher.AEAD
	texts    textSealer
	channels *cache

	pins, tokens, fingerprints *hasher
}

// packetKDF derives the modern suite's packet keys of a version.
type packetKDF struct{ kic, kid *scp80.CMAC }

// newState makes the modern suite's keys ready. The legacy ones are made ready for each
// derivation: not every system has 3DES.
func newState(m *masters) (*state, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	s := &state{masters: m, kdf: make(map[uint8]packetKDF), channels: newCache(cachedChannels)}
	for _, p := range m.packets {
		s.kdf[p.version] = packetKDF{kic: ready(p.modern.kic), kid: ready(p.modern.kid)}
	}
	s.kik, s.card = ready(m.modern.kik), ready(m.modern.card)
	s.pins, s.tokens, s.fingerprints = newHasher(m.pin), newHasher(m.token), newHasher(m.fingerprint)
	block, err := aes.NewCipher(m.rest.Reveal())
	if err != nil {
		return nil, fmt.Errorf("ready the key for data at rest: %w", err)
	}
	if s.rest, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("ready the key for data at rest: %w", err)
	}
	s.texts, err = newTextSealer(m.rest)
	return s, err
}

// ready makes a key derivation function of an AES master key, whose length was checked.
func ready[P any](k scp80.Key[P]) *scp80.CMAC {
	block, err := aes.NewCipher(k.Reveal())
	if err != nil {
		panic("keys: a master key was not checked")
	}
	return scp80.NewCMAC(block)
}

// Version is the version of the packet keys in use: what new elements get, and what
// others are moved to.
func (v *Vault) Version() uint8 { return v.current.Load().inUse() }
