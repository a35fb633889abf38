package se

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// kept is what an element keeps beside its counters: what it was given. An element that is
// made again is given the same again, in the same order. The personalisation is kept open,
// beside the seed that would open it: to open it again at each start is nearly all that a
// start of thousands takes. Sealed is one that was kept before that was so.
type kept struct {
	Form   applet.Form   `json:"form"`
	Seed   []byte        `json:"seed"` // of the key pair
	Opened []byte        `json:"opened,omitempty"`
	Sealed applet.Sealed `json:"sealed,omitempty"`
	Keys   []keptKeys    `json:"keys,omitempty"`   // KEYS messages since: of the version in use last
	Before uint8         `json:"before,omitempty"` // the version that the platform may still use; 0: none
}

type keptKeys struct {
	Version uint8  `json:"version"`
	Wrapped []byte `json:"wrapped"`
}

// maxKept is how many KEYS messages matter: those of the versions in use and of before.
const maxKept = 2

// rekeyed notes a KEYS message and forgets those that do not matter any more.
func (k *kept) rekeyed(m *applet.Keys, before uint8) {
	k.Before = before
	k.Keys = slices.DeleteFunc(k.Keys, func(old keptKeys) bool { return old.Version != before })
	k.Keys = append(k.Keys, keptKeys{Version: m.Version, Wrapped: m.Wrapped})
}

// load is what was kept, nil if nothing was.
func (e *Element) load() (*kept, error) {
	if e.contents == nil {
		return nil, nil
	}
	octets, err := e.contents.LoadContents()
	if err != nil || octets == nil {
		return nil, err
	}
	k := new(kept)
	if err := json.Unmarshal(octets, k); err != nil || k.Form != e.form || len(k.Seed) != lenSeed || len(k.Keys) > maxKept {
		return nil, ErrContents // what it is stays unsaid: it may hold secrets
	}
	return k, nil
}

// save keeps the contents as change leaves them.
func (e *Element) save(change func(*kept)) error {
	if e.contents == nil {
		return nil
	}
	k, err := e.load()
	if err != nil {
		return err
	}
	if k == nil {
		k = e.fresh()
	}
	change(k)
	return e.write(k)
}

// fresh is what a blank element keeps.
func (e *Element) fresh() *kept { return &kept{Form: e.form, Seed: e.seed.Reveal()} }

// write keeps the contents, whatever was kept before.
func (e *Element) write(k *kept) error {
	if e.contents == nil {
		return nil
	}
	octets, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("keep the element's contents: %w", err)
	}
	if err := e.contents.SaveContents(octets); err != nil {
		return fmt.Errorf("keep the element's contents: %w", err)
	}
	return nil
}

// resume makes the element what it was.
func (e *Element) resume(k *kept) error {
	e.seed = scp80.NewKey[pairSeed](k.Seed)
	if k.Opened == nil && k.Sealed == nil {
		return nil
	}
	opened, err := scp80.NewKey[applet.UnsealedPersonalisation](k.Opened), error(nil)
	if k.Opened == nil {
		opened, err = e.unseal(k.Sealed)
	}
	if err != nil {
		return ErrContents
	}
	h, err := e.holdingOf(opened)
	if err != nil {
		return ErrContents
	}
	versions := []packetKeys{h.now}
	for _, keys := range k.Keys {
		next, err := h.unwrap(&applet.Keys{Version: keys.Version, Wrapped: keys.Wrapped})
		if err != nil {
			return ErrContents
		}
		versions = append(versions, next)
	}
	for i, v := range versions {
		if v.version == k.Before {
			h.before = &versions[i]
		}
	}
	h.now = versions[len(versions)-1]
	e.held = h
	return nil
}
