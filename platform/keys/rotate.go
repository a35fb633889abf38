package keys

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

var (
	// ErrInUse is a version of the packet keys that new elements get: it cannot be retired.
	ErrInUse = errors.New("this version is in use")
	// ErrOverlap is a rotation with too many versions: key sets could not tell them apart.
	ErrOverlap = errors.New("three versions are kept already")
	// ErrLastVersion is the end of the versions.
	ErrLastVersion = errors.New("there are no more versions")
)

// Overlapping versions have different key sets (scp80.Suite.Profile), of which there
// are three for each suite and direction.
const mostVersions = 3

// Rotate makes the next version of the packet masters of both suites and puts it in use.
// The versions before it stay until they are retired: elements have them until they have
// taken the next one ([Vault.Rekey]).
func (v *Vault) Rotate(by By, random io.Reader) (version uint8, err error) {
	err = v.change(by, "rotate", func(m *masters) ([]Slot, error) {
		switch {
		case m.inUse() == 0xFF:
			return nil, ErrLastVersion
		case len(m.packets) == mostVersions:
			return nil, fmt.Errorf("%w: retire version %d first", ErrOverlap, m.packets[0].version)
		}
		version = m.inUse() + 1
		next := &packetMasters{version: version}
		for _, p := range next.places() {
			if err := p.generate(random); err != nil {
				return nil, err
			}
		}
		m.packets = append(m.packets, next)
		return slots(next.places()), nil
	})
	return version, err
}

// Retire drops a version of the packet masters. Elements that still have it are out of
// reach from then on, so see first that all have moved.
func (v *Vault) Retire(by By, version uint8) error {
	return v.change(by, fmt.Sprintf("retire version %d", version), func(m *masters) ([]Slot, error) {
		p, err := m.version(version)
		switch {
		case err != nil:
			return nil, err
		case version == m.inUse():
			return nil, ErrInUse
		}
		for _, slot := range slots(p.places()) {
			delete(m.fixed, slot)
			delete(m.halves, slot)
		}
		m.packets = slices.DeleteFunc(m.packets, func(p *packetMasters) bool { return p.version == version })
		return nil, nil
	})
}
