package keys

import (
	"fmt"
	"slices"
	"time"
)

// By is who changes a vault, and when.
type By struct {
	Name string
	At   time.Time
}

// Act is a change of a vault as its log keeps it: who, when, what, and the check values
// of the keys it was about. No key is in it.
type Act struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Did  string    `json:"did"` // "rotate", "import"
	Keys []Checked `json:"keys,omitempty"`
}

// Checked is a key with its check value.
type Checked struct {
	Key   Slot   `json:"key"`
	Value string `json:"kcv"`
}

// Log lists what was done to the vault, oldest first.
func (v *Vault) Log() []Act { return slices.Clone(v.current.Load().log) }

// Note adds an act to the log that changes no key.
func (v *Vault) Note(by By, did string) error {
	return v.change(by, did, func(*masters) ([]Slot, error) { return nil, nil })
}

// change makes other masters of the vault's and notes it. Whatever was derived from the
// old ones is dropped; calls that have begun end with them.
func (v *Vault) change(by By, did string, act func(*masters) (touched []Slot, err error)) error {
	v.changes.Lock()
	defer v.changes.Unlock()
	m := v.current.Load().clone()
	touched, err := act(m)
	if err != nil {
		return fmt.Errorf("%s: %w", did, err)
	}
	m.note(by, did, touched)
	s, err := newState(m)
	if err != nil {
		return fmt.Errorf("%s: %w", did, err)
	}
	v.current.Store(s)
	return nil
}

// note adds an act with the keys that are there after it.
func (m *masters) note(by By, did string, touched []Slot) {
	a := Act{At: by.At.UTC().Truncate(time.Second), By: by.Name, Did: did}
	for _, p := range m.places() {
		if !slices.Contains(touched, p.slot) {
			continue
		}
		c, _ := p.checkValue() // without one where only FIPS 140 algorithms may be used
		a.Keys = append(a.Keys, Checked{Key: p.slot, Value: c.Value})
	}
	m.log = append(m.log, a)
}

// slots are the names of keys.
func slots(places []place) []Slot {
	var all []Slot
	for _, p := range places {
		all = append(all, p.slot)
	}
	return all
}
