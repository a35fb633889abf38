package keys

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrNotExchanged is a key that stays in its vault.
	ErrNotExchanged = errors.New("this key does not leave its vault, nor comes from elsewhere")
	// ErrNotExportable is a key that came in a block which says that it is not to go on.
	ErrNotExportable = errors.New("this key came as not exportable")
	// ErrUnfit is a key block whose header does not fit the key's place.
	ErrUnfit = errors.New("the key block does not fit")
	// ErrCheckValue is a check value that is not the one that was said.
	ErrCheckValue = errors.New("the check value is another one")
)

// labelMark begins the label that Airtill gives a key block: its key's name follows.
const labelMark = "airtill:"

// Outgoing is a key that is to leave the vault.
type Outgoing struct {
	Key           Slot
	KBPK          tr31.ProtectionKey
	Exportability tr31.Exportability // what the receiver may do with it
}

// Export wraps a key in a key block of version D.
func (v *Vault) Export(by By, out Outgoing, random io.Reader) (block string, err error) {
	err = v.change(by, "export", func(m *masters) ([]Slot, error) {
		p, err := m.exchanged(out.Key)
		switch {
		case err != nil:
			return nil, err
		case m.fixed[p.slot]:
			return nil, fmt.Errorf("%s: %w", p.slot, ErrNotExportable)
		}
		block, err = tr31.Seal(out.KBPK, p.header(out.Exportability), scp80.NewKey[tr31.Key](p.read()), random)
		return []Slot{p.slot}, err
	})
	return block, err
}

// Incoming is a key block whose key is to take the place of one of the vault's.
type Incoming struct {
	Key      Slot
	KBPK     tr31.ProtectionKey
	Block    string
	Replaces string // check value of the key that goes
}

// Import puts the key of a block in its place. The block's usage, algorithm and mode must
// be the place's; one of version B is taken for legacy keys only. What was derived from
// the key that goes is lost with it, so this is for before elements are personalised.
func (v *Vault) Import(by By, in Incoming) (CheckValue, error) {
	var c CheckValue
	err := v.change(by, "import", func(m *masters) ([]Slot, error) {
		p, err := m.exchanged(in.Key)
		if err != nil {
			return nil, err
		}
		h, err := tr31.Parse(in.Block)
		if err != nil {
			return nil, err
		}
		if err := p.fits(h); err != nil {
			return nil, err
		}
		_, key, err := tr31.Open(in.KBPK, in.Block)
		if err != nil {
			return nil, err
		}
		if c, err = m.replace(p, key.Reveal(), in.Replaces); err != nil {
			return nil, err
		}
		m.fixed[p.slot] = h.Exportability == tr31.NonExportable
		return []Slot{p.slot}, nil
	})
	return c, err
}

// exchanged finds a key that may come and go.
func (m *masters) exchanged(s Slot) (place, error) {
	p, err := m.place(s)
	if err == nil && p.usage == "" {
		err = fmt.Errorf("%s: %w", s, ErrNotExchanged)
	}
	return p, err
}

// replace puts a key in the place of the one that has the check value.
func (m *masters) replace(p place, octets []byte, replaces string) (CheckValue, error) {
	old, err := p.checkValue()
	switch {
	case err != nil:
		return CheckValue{}, err
	case !old.matches(replaces):
		return CheckValue{}, fmt.Errorf("%s, which is to be replaced: %w", p.slot, ErrCheckValue)
	case len(octets) != p.algorithm.keyLen():
		return CheckValue{}, fmt.Errorf("%s takes a key of %d octets: %w", p.slot, p.algorithm.keyLen(), ErrUnfit)
	}
	p.set(slices.Clone(octets))
	if p.algorithm == tdea2 && slices.Equal(p.read()[:8], p.read()[8:]) {
		return CheckValue{}, fmt.Errorf("both halves of the key are the same, which is single DES: %w", ErrUnfit)
	}
	delete(m.halves, p.slot)
	return p.checkValue()
}

// letter is the algorithm as a key block's header has it.
func (a algorithm) letter() tr31.Algorithm {
	if a == tdea2 {
		return tr31.TDEA
	}
	return tr31.AES
}

func (p place) header(x tr31.Exportability) tr31.Header {
	return tr31.Header{
		Version: tr31.VersionD, Usage: p.usage, Algorithm: p.algorithm.letter(), Mode: p.mode, Exportability: x,
		KeyVersion: fmt.Sprintf("%02X", p.version),
		Optional:   []tr31.Field{{ID: tr31.FieldLabel, Data: labelMark + string(p.slot)}},
	}
}

// fits compares a block's header with what the key is. A base key may also come without
// a mode of its own (X9.143 table 4, N).
func (p place) fits(h tr31.Header) error {
	anyMode := h.Mode == tr31.ModeNoLimits && p.usage == tr31.UsageBaseKey
	switch {
	case h.Usage != p.usage:
		return fmt.Errorf("%w: its usage is %s, and that of %s %s", ErrUnfit, h.Usage, p.slot, p.usage)
	case h.Algorithm != p.algorithm.letter():
		return fmt.Errorf("%w: its algorithm is %s, and that of %s %s", ErrUnfit, h.Algorithm, p.slot, p.algorithm.letter())
	case h.Mode != p.mode && !anyMode:
		return fmt.Errorf("%w: its mode is %s, and that of %s %s", ErrUnfit, h.Mode, p.slot, p.mode)
	case h.Version == tr31.VersionB && p.algorithm != tdea2:
		return fmt.Errorf("%w: version B is taken for legacy keys only", ErrUnfit)
	}
	for _, f := range h.Optional {
		label, ours := strings.CutPrefix(f.Data, labelMark)
		if f.ID == tr31.FieldLabel && ours && label != string(p.slot) {
			return fmt.Errorf("%w: its label says that it is %q", ErrUnfit, label)
		}
	}
	return nil
}
