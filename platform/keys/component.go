package keys

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrSameOfficer is a second component from who gave the first.
	ErrSameOfficer = errors.New("the other component must come from another officer")
	// ErrComponent is a component that is none: of a wrong length, or all zeros.
	ErrComponent = errors.New("not a component of this key")
	// ErrNoComponent is a component that nobody has given.
	ErrNoComponent = errors.New("no component of this key is waiting")
)

type (
	forComponent struct{}
	// Component is one of the two halves, as long as the key, whose exclusive or is the
	// key. It tells nothing of the key without the other one.
	Component = scp80.Key[forComponent]
)

// Half is one officer's component of a key, with what the officer says of it.
type Half struct {
	Key        Slot
	Component  Component
	CheckValue string // of the component
	Whole      string // check value of the key that both make
	Replaces   string // check value of the key that goes
}

// firstHalf is a component that waits for the other one.
type firstHalf struct {
	component Component
	whole     string
	by        string
}

// Component takes an officer's component. The first one is kept in the vault; with the
// second, which must come from somebody else, the key is made and takes its place. All
// check values must be as said: those of the components, of the key they make, and of
// the key that goes.
func (v *Vault) Component(by By, h Half) (c CheckValue, done bool, err error) {
	err = v.change(by, fmt.Sprintf("component of %s", h.Key), func(m *masters) ([]Slot, error) {
		p, err := m.exchanged(h.Key)
		if err != nil {
			return nil, err
		}
		if err := p.checkHalf(h); err != nil {
			return nil, err
		}
		first, waiting := m.halves[p.slot]
		if !waiting {
			m.halves[p.slot] = firstHalf{component: h.Component, whole: h.Whole, by: by.Name}
			return nil, nil
		}
		done = true
		c, err = m.join(p, first, h, by)
		return []Slot{p.slot}, err
	})
	return c, done && err == nil, err
}

// checkHalf checks what can be checked of a component alone.
func (p place) checkHalf(h Half) error {
	octets := h.Component.Reveal()
	if len(octets) != p.algorithm.keyLen() || subtle.ConstantTimeCompare(octets, make([]byte, len(octets))) == 1 {
		return fmt.Errorf("%w: %s takes %d octets, not all zero", ErrComponent, p.slot, p.algorithm.keyLen())
	}
	c, err := checkValue(p.algorithm, octets)
	if err != nil {
		return err
	}
	if !c.matches(h.CheckValue) {
		return fmt.Errorf("the component of %s: %w", p.slot, ErrCheckValue)
	}
	old, err := p.checkValue()
	if err == nil && !old.matches(h.Replaces) {
		err = fmt.Errorf("%s, which is to be replaced: %w", p.slot, ErrCheckValue)
	}
	return err
}

// join makes the key of two components and puts it in its place.
func (m *masters) join(p place, first firstHalf, second Half, by By) (CheckValue, error) {
	switch {
	case first.by == by.Name:
		return CheckValue{}, fmt.Errorf("%s gave one for %s: %w", by.Name, p.slot, ErrSameOfficer)
	case !strings.EqualFold(first.whole, second.Whole):
		return CheckValue{}, fmt.Errorf("%s: the officers say two: %w", p.slot, ErrCheckValue)
	}
	octets, err := JoinComponents(first.component, second.Component)
	if err != nil {
		return CheckValue{}, err
	}
	c, err := m.replace(p, octets.Reveal(), second.Replaces)
	if err == nil && !c.matches(second.Whole) {
		err = fmt.Errorf("%s, made of both components: %w", p.slot, ErrCheckValue)
	}
	delete(m.fixed, p.slot)
	return c, err
}

// DropComponent forgets a component that waits.
func (v *Vault) DropComponent(by By, key Slot) error {
	return v.change(by, fmt.Sprintf("drop the component of %s", key), func(m *masters) ([]Slot, error) {
		if _, ok := m.halves[key]; !ok {
			return nil, ErrNoComponent
		}
		delete(m.halves, key)
		return nil, nil
	})
}

// JoinComponents makes a key that protects key blocks of its two components.
func JoinComponents(a, b Component) (tr31.ProtectionKey, error) {
	x, y := a.Reveal(), b.Reveal()
	if len(x) == 0 || len(x) != len(y) || a.Equal(b) {
		return tr31.ProtectionKey{}, fmt.Errorf("join two components: %w", ErrComponent)
	}
	subtle.XORBytes(x, x, y)
	return scp80.NewKey[tr31.ProtectionKey](x), nil
}
