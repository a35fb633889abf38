package keys

import (
	"fmt"
	"io"
	"math/bits"

	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

// Slot names a key of a vault: "kic/modern/1", "card/legacy", "pin".
type Slot string

// algorithm is what a master key is used with.
type algorithm string

const (
	aes256     algorithm = "AES-256"
	tdea2      algorithm = "TDEA-2" // 3DES with two keys
	hmacSHA256 algorithm = "HMAC-SHA-256"
)

func (a algorithm) keyLen() int {
	if a == tdea2 {
		return 16
	}
	return 32
}

// place is where a key lies in a vault's masters.
type place struct {
	slot      Slot
	purpose   string
	suite     scp80.Suite // none: of both
	version   uint8       // 0: it has none
	algorithm algorithm
	usage     tr31.Usage // in key blocks; none: it is not exchanged
	mode      tr31.Mode
	read      func() []byte
	write     func([]byte)
}

// placeOf is the place of a key.
func placeOf[P any](purpose string, a algorithm, k *scp80.Key[P]) place {
	return place{
		slot: Slot(purpose), purpose: purpose, algorithm: a,
		read:  func() []byte { return k.Reveal() },
		write: func(octets []byte) { *k = scp80.NewKey[scp80.Key[P]](octets) },
	}
}

// of says which suite the key is of.
func (p place) of(s scp80.Suite) place {
	p.suite, p.slot = s, p.slot+Slot("/"+s.String())
	return p
}

// at says which version the key is of.
func (p place) at(version uint8) place {
	p.version, p.slot = version, p.slot+Slot(fmt.Sprintf("/%d", version))
	return p
}

// as says how a key block describes the key (X9.143 tables 2 and 4).
func (p place) as(u tr31.Usage, m tr31.Mode) place {
	p.usage, p.mode = u, m
	return p
}

// places are all keys but the branch's, in the order they are shown in. In key blocks
// each is described as the keys that are derived from it: those say what it is for.
func (m *masters) places() []place {
	var all []place
	for _, p := range m.packets {
		all = append(all, p.places()...)
	}
	return append(all,
		placeOf("kik", aes256, &m.modern.kik).of(scp80.Modern).as(tr31.UsageWrapping, tr31.ModeBoth),
		placeOf("card", aes256, &m.modern.card).of(scp80.Modern).as(tr31.UsageData, tr31.ModeBoth),
		placeOf("dukpt", aes256, &m.modern.base).of(scp80.Modern).as(tr31.UsageBaseKey, tr31.ModeDerive),
		placeOf("kik", tdea2, &m.legacy.kik).of(scp80.Legacy).as(tr31.UsageWrapping, tr31.ModeBoth),
		placeOf("card", tdea2, &m.legacy.card).of(scp80.Legacy).as(tr31.UsageData, tr31.ModeBoth),
		placeOf("dukpt", tdea2, &m.legacy.base).of(scp80.Legacy).as(tr31.UsageBaseKey, tr31.ModeDerive),
		placeOf("pin", hmacSHA256, &m.pin),
		placeOf("token", hmacSHA256, &m.token),
		placeOf("fingerprint", hmacSHA256, &m.fingerprint),
		placeOf("rest", aes256, &m.rest),
	)
}

// places are the keys of one version.
func (p *packetMasters) places() []place {
	modern, mo, mt := &p.modern, p.legacyPair(scp80.MO), p.legacyPair(scp80.MT)
	return []place{
		placeOf("kic", aes256, &modern.kic).of(scp80.Modern).at(p.version).as(tr31.UsageData, tr31.ModeBoth),
		placeOf("kid", aes256, &modern.kid).of(scp80.Modern).at(p.version).as(tr31.UsageCMAC, tr31.ModeMAC),
		placeOf("kic-mo", tdea2, &mo.kic).of(scp80.Legacy).at(p.version).as(tr31.UsageData, tr31.ModeBoth),
		placeOf("kid-mo", tdea2, &mo.kid).of(scp80.Legacy).at(p.version).as(tr31.UsageMACAlgorithm, tr31.ModeMAC),
		placeOf("kic-mt", tdea2, &mt.kic).of(scp80.Legacy).at(p.version).as(tr31.UsageData, tr31.ModeBoth),
		placeOf("kid-mt", tdea2, &mt.kid).of(scp80.Legacy).at(p.version).as(tr31.UsageMACAlgorithm, tr31.ModeMAC),
	}
}

// place finds a key by its name.
func (m *masters) place(s Slot) (place, error) {
	for _, p := range m.places() {
		if p.slot == s {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("%q: %w", s, ErrSlot)
}

// generate puts a new key there.
func (p place) generate(random io.Reader) error {
	octets := make([]byte, p.algorithm.keyLen())
	if _, err := io.ReadFull(random, octets); err != nil {
		return err
	}
	p.set(octets)
	return nil
}

// set puts a key there; one of 3DES gets odd parity, which changes nothing of what it does.
func (p place) set(octets []byte) {
	if p.algorithm == tdea2 {
		oddParity(octets)
	}
	p.write(octets)
}

// oddParity makes the number of ones in each octet odd (FIPS 46-3).
func oddParity(key []byte) {
	for i, o := range key {
		if bits.OnesCount8(o)%2 == 0 {
			key[i] = o ^ 1
		}
	}
}
