package se

import (
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// change does to the packet keys what an authentic packet asks for: it brings new
// ones, or shows that the platform has changed to those of now. Contents are kept
// before anything changes.
func (e *Element) change(payload []byte, under *packetKeys) error {
	if err := e.settle(under); err != nil {
		return err
	}
	if len(payload) == 0 || applet.Type(payload[0]) != applet.TypeKeys {
		return nil
	}
	m, err := applet.Decode(e.held.suite, payload)
	if err != nil {
		return ErrKeys
	}
	return e.rekey(m.(*applet.Keys), *under)
}

// settle drops the keys of before when a packet came under those of now.
func (e *Element) settle(under *packetKeys) error {
	if e.held.before == nil || under != &e.held.now {
		return nil
	}
	if err := e.save(func(k *kept) { k.Before = 0 }); err != nil {
		return err
	}
	e.held.before = nil
	return nil
}

// rekey puts the keys of a later version in use, beside those that the platform
// sends them under. The keys in use are taken again and change nothing.
func (e *Element) rekey(m *applet.Keys, under packetKeys) error {
	now := e.held.now
	next, err := e.held.unwrap(m)
	switch {
	case err != nil || next.version < now.version:
		return ErrKeys
	case next.version == now.version && next.same(now):
		return nil
	case next.version == now.version:
		return ErrKeys
	}
	if err := e.save(func(k *kept) { k.rekeyed(m, under.version) }); err != nil {
		return err
	}
	e.held.now, e.held.before = next, &under
	return nil
}

// unwrap takes the packet keys out of a KEYS message.
func (h *holding) unwrap(m *applet.Keys) (packetKeys, error) {
	mo, mt, err := applet.UnwrapKeys(h.suite, h.kik, m.Version, m.Wrapped)
	if err != nil {
		return packetKeys{}, ErrKeys
	}
	return packetKeys{version: m.Version, mo: mo, mt: mt}, nil
}

func (k packetKeys) same(other packetKeys) bool {
	same := func(a, b scp80.Keys) bool { return a.KIc.Equal(b.KIc) && a.KID.Equal(b.KID) }
	return same(k.mo, other.mo) && same(k.mt, other.mt)
}
