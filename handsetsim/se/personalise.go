package se

import (
	"math"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// holding is what the branch has put into an element. Keys are kept as they are and
// made ready when they are used: thousands of elements lie idle at a time.
type holding struct {
	suite    scp80.Suite
	kik      applet.KeyEncryptionKey
	now      packetKeys
	before   *packetKeys // that the platform may still use; nil: it uses those of now
	pins     *applet.PINKeys
	identity applet.Identity
	cards    []applet.CardEntry // in the order of their slots
}

// packetKeys are a version of the keys that packets are secured with.
type packetKeys struct {
	version uint8
	mo, mt  scp80.Keys
}

// Personalise takes the keys and cards that the branch has sealed to this element.
// A repeat replaces them; counters go on from where they are, the suite is the same as
// before, and the version of the packet keys is not an earlier one.
func (e *Element) Personalise(sealed applet.Sealed) error {
	opened, err := e.unseal(sealed)
	if err != nil {
		return err
	}
	h, err := e.holdingOf(opened)
	if err != nil {
		return err
	}
	if e.held != nil && (h.suite != e.held.suite || h.now.version < e.held.now.version) {
		return ErrPersonalisation
	}
	k := e.fresh()
	k.Opened = opened.Reveal()
	if err := e.write(k); err != nil {
		return err
	}
	e.held, e.pair = h, nil
	return nil
}

// unseal opens what was sealed to this element.
func (e *Element) unseal(sealed applet.Sealed) (opened applet.UnsealedPersonalisation, err error) {
	key, err := e.keyPair()
	if err != nil {
		return opened, err
	}
	if opened, err = applet.UnsealPersonalisation(key, sealed); err != nil {
		return opened, ErrPersonalisation
	}
	return opened, nil
}

// holdingOf reads a personalisation and checks all that is in it.
func (e *Element) holdingOf(opened applet.UnsealedPersonalisation) (*holding, error) {
	p, err := applet.ReadPersonalisation(opened)
	if err != nil || p.Element != e.id || p.TAR != scp80.TARPayment {
		return nil, ErrPersonalisation
	}
	if err := e.check(p); err != nil {
		return nil, err
	}
	pins, err := applet.NewPINKeys(p.Suite, p.Initial, p.KeyID)
	if err != nil || e.state.PIN == math.MaxUint32 || pins.Skip(e.state.PIN+1) != nil {
		return nil, ErrPersonalisation
	}
	return &holding{
		suite: p.Suite, kik: p.KIK, now: packetKeys{version: p.Version, mo: p.MO, mt: p.MT},
		pins: pins, identity: p.Identity, cards: p.Cards,
	}, nil
}

// check refuses keys that make no packets, and cards that do not fit or whose blobs
// are not what they say.
func (e *Element) check(p applet.Personalisation) error {
	if len(p.Cards) > e.form.Capacity() {
		return ErrCapacity
	}
	for d, keys := range map[scp80.Direction]scp80.Keys{scp80.MO: p.MO, scp80.MT: p.MT} {
		if _, err := scp80.NewChannel(p.Suite.Profile(d, p.Version), keys); err != nil {
			return ErrPersonalisation
		}
	}
	last := 0
	for _, c := range p.Cards {
		r, err := applet.OpenCard(p.Suite, p.CardData, c.Blob)
		if err != nil || r.Slot != c.Slot || r.PAN.Masked() != c.Masked || c.Slot <= last {
			return ErrPersonalisation
		}
		last = c.Slot
	}
	return nil
}
