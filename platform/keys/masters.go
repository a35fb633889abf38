package keys

import (
	"crypto/hpke"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Purposes of the master keys. The suite decides which algorithm a key is of.
type (
	forKIC         struct{}
	forKID         struct{}
	forKIK         struct{}
	forCard        struct{}
	forPIN         struct{}
	forToken       struct{}
	forFingerprint struct{}
	forRest        struct{}

	kicMaster         = scp80.Key[forKIC]
	kidMaster         = scp80.Key[forKID]
	kikMaster         = scp80.Key[forKIK]
	cardMaster        = scp80.Key[forCard]
	pinMaster         = scp80.Key[forPIN]
	tokenMaster       = scp80.Key[forToken]
	fingerprintMaster = scp80.Key[forFingerprint]
	restMaster        = scp80.Key[forRest]
)

// masters are all that a vault keeps. They do not change once a vault holds them: a
// change makes others.
type masters struct {
	packets        []*packetMasters // by version, rising; the last is in use
	modern, legacy elementMasters
	pin            pinMaster
	token          tokenMaster
	fingerprint    fingerprintMaster
	rest           restMaster
	branch         hpke.PrivateKey

	fixed      map[Slot]bool      // keys that came in a block that is not to go on
	halves     map[Slot]firstHalf // components whose other one is awaited
	recipients []string           // who can open the file, when it is encrypted to recipients
	log        []Act
}

func newMasters(versions ...uint8) *masters {
	m := &masters{fixed: make(map[Slot]bool), halves: make(map[Slot]firstHalf)}
	for _, v := range versions {
		m.packets = append(m.packets, &packetMasters{version: v})
	}
	return m
}

// packetMasters are one version of what packet keys are derived from.
type packetMasters struct {
	version uint8
	modern  packetPair
	legacy  [2]packetPair // MO, MT
}

// packetPair is what a KIc and a KID are derived from.
type packetPair struct {
	kic kicMaster
	kid kidMaster
}

// elementMasters are what a suite's other keys of an element are derived from.
type elementMasters struct {
	kik  kikMaster
	card cardMaster
	base applet.BaseKey
}

func (p *packetMasters) legacyPair(d scp80.Direction) *packetPair {
	if d == scp80.MT {
		return &p.legacy[1]
	}
	return &p.legacy[0]
}

// version finds a version of the packet masters.
func (m *masters) version(n uint8) (*packetMasters, error) {
	for _, p := range m.packets {
		if p.version == n {
			return p, nil
		}
	}
	return nil, ErrVersion
}

func (m *masters) inUse() uint8 { return m.packets[len(m.packets)-1].version }

// clone is a copy that can be changed.
func (m *masters) clone() *masters {
	c := *m
	c.packets = slices.Clone(m.packets)
	for i, p := range c.packets {
		c.packets[i] = new(*p)
	}
	c.fixed, c.halves = maps.Clone(m.fixed), maps.Clone(m.halves)
	c.log = slices.Clip(m.log)
	return &c
}

var errMasters = errors.New("a key of a vault is missing or of a wrong length")

// check makes sure that every key is there.
func (m *masters) check() error {
	if m.branch == nil || len(m.packets) == 0 {
		return errMasters
	}
	for _, p := range m.places() {
		if len(p.read()) != p.algorithm.keyLen() {
			return errMasters
		}
	}
	return nil
}

// generateMasters makes every key of a new vault, with the first version of the packet keys.
func generateMasters(random io.Reader) (*masters, error) {
	m := newMasters(1)
	var err error
	for _, p := range m.places() {
		if err = p.generate(random); err != nil {
			return nil, err
		}
	}
	m.branch, err = applet.NewKeyPair(random)
	return m, err
}
