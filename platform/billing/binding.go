package billing

import (
	"fmt"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// An element has one version of its packet keys until it is offered the next: KEYS goes
// out under the old ones, before a bill, again and again. Until the first authentic
// packet under the new ones comes, packets from the element may be under either, and
// those to it are under the old. That packet ends it: the old ones are refused from
// then on. No other key of an element has a version.

// binding is what the vault finds the keys of the phone's element by.
func (ph *phone) binding() keys.Binding { return ph.bound(ph.counters.Version) }

func (ph *phone) bound(version uint8) keys.Binding {
	return keys.Binding{Element: ph.Element, Suite: ph.Suite, Version: version}
}

// bindingOf is the binding whose packet keys a packet names. It goes by lengths and clear
// header and uses no key; what is not bound to this element is none.
func (ph *phone) bindingOf(packet []byte) (keys.Binding, bool) {
	for _, version := range [...]uint8{ph.counters.Version, ph.counters.Pending} {
		if version != 0 && ph.Suite.Profile(scp80.MO, version).Admits(packet) {
			return ph.bound(version), true
		}
	}
	return keys.Binding{}, false
}

// mostAhead is how far the offered version may be ahead of the one in use: three on has
// the same key set, and the header could not tell them apart.
const mostAhead = 2

// offered is the version of packet keys that a phone's element is to be offered; 0 is none.
// An offer stands until the element has taken it.
func (p *Partition) offered(ph *phone) uint8 {
	c := &ph.counters
	if newest := p.config.Vault.Version(); c.Pending == 0 && newest > c.Version {
		c.Pending = c.Version + min(mostAhead, newest-c.Version)
	}
	return c.Pending
}

// proven ends the overlap of two versions when a packet came under the new one.
func (p *Partition) proven(tx *engine.Tx, ph *phone, version uint8) {
	c := &ph.counters
	if version == c.Version {
		return
	}
	tx.Record(engine.Event{
		Subject: ph.subject(), Name: "rekey", From: versionName(c.Version), To: versionName(version), Cause: CausePhone,
	})
	c.Version, c.Pending = version, 0
	p.keepCounters(ph)
}

func versionName(version uint8) string { return fmt.Sprintf("keys %d", version) }
