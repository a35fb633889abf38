package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// formVersion is the version of the form of vault files.
const formVersion = 2

// form is what a vault file holds: JSON, keys in hexadecimal. It has them in clear, and
// lives only inside saving and loading.
type form struct {
	Version       int               `json:"version"`
	Packets       []uint8           `json:"packet_keys"` // versions
	Keys          map[Slot]string   `json:"keys"`
	Branch        string            `json:"branch"`
	NotExportable []Slot            `json:"not_exportable,omitempty"`
	Halves        map[Slot]halfForm `json:"components,omitempty"`
	Recipients    []string          `json:"recipients,omitempty"`
	Log           []Act             `json:"log,omitempty"`
}

type halfForm struct {
	Component string `json:"component"`
	Whole     string `json:"whole_kcv"`
	By        string `json:"by"`
}

// firstForm is version 1, which had the modern suite's keys only.
type firstForm struct {
	KIC         string `json:"kic"`
	KID         string `json:"kid"`
	Card        string `json:"card"`
	Base        string `json:"dukpt"`
	PIN         string `json:"pin"`
	Token       string `json:"token"`
	Fingerprint string `json:"fingerprint"`
	Rest        string `json:"rest"`
}

func (m *masters) encode(w io.Writer) error {
	branch, err := m.branch.Bytes()
	if err != nil {
		return errors.New("the branch key cannot be written")
	}
	f := form{
		Version: formVersion, Keys: make(map[Slot]string), Branch: hex.EncodeToString(branch),
		Halves: make(map[Slot]halfForm), Recipients: m.recipients, Log: m.log,
	}
	for _, p := range m.packets {
		f.Packets = append(f.Packets, p.version)
	}
	for _, p := range m.places() {
		f.Keys[p.slot] = hex.EncodeToString(p.read())
	}
	for slot, half := range m.halves {
		f.Halves[slot] = halfForm{Component: hex.EncodeToString(half.component.Reveal()), Whole: half.whole, By: half.by}
	}
	for _, slot := range slices.Sorted(maps.Keys(m.fixed)) {
		if m.fixed[slot] {
			f.NotExportable = append(f.NotExportable, slot)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(f)
}

// decode reads a vault file's content. Its errors tell nothing of what it could not read.
func decode(r io.Reader) (*masters, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, ErrFile
	}
	var f form
	if json.Unmarshal(text, &f) != nil {
		return nil, ErrFile
	}
	if f.Version == 1 {
		if f.Keys, err = readFirst(text); err != nil {
			return nil, ErrFile
		}
		f.Version, f.Packets = formVersion, []uint8{1}
	}
	if f.Version != formVersion {
		return nil, ErrFile
	}
	return f.masters()
}

// masters are the keys of a file, each of which must be there. Which are of the right
// length, newVault checks.
func (f form) masters() (*masters, error) {
	for i, version := range f.Packets {
		if version == 0 || i > 0 && version <= f.Packets[i-1] {
			return nil, ErrFile
		}
	}
	m := newMasters(f.Packets...)
	places := m.places()
	if len(f.Keys) != len(places) {
		return nil, ErrFile
	}
	for _, p := range places {
		octets, err := hex.DecodeString(f.Keys[p.slot])
		if err != nil {
			return nil, ErrFile
		}
		p.set(octets)
	}
	branch, err := hex.DecodeString(f.Branch)
	if err != nil {
		return nil, ErrFile
	}
	if m.branch, err = applet.ParsePrivateKey(branch); err != nil {
		return nil, ErrFile
	}
	m.recipients, m.log = f.Recipients, f.Log
	return m, f.marks(m)
}

// marks reads what is kept of keys besides the keys.
func (f form) marks(m *masters) error {
	for _, slot := range f.NotExportable {
		m.fixed[slot] = true
	}
	for slot, half := range f.Halves {
		octets, err := hex.DecodeString(half.Component)
		if err != nil {
			return ErrFile
		}
		m.halves[slot] = firstHalf{component: scp80.NewKey[Component](octets), whole: half.Whole, by: half.By}
	}
	return nil
}

// readFirst takes the keys of a file of version 1. The keys that came later are derived
// from the one for data at rest, so that the file gives the same vault every time.
func readFirst(text []byte) (map[Slot]string, error) {
	var f firstForm
	if json.Unmarshal(text, &f) != nil {
		return nil, ErrFile
	}
	keys := map[Slot]string{
		"kic/modern/1": f.KIC, "kid/modern/1": f.KID, "card/modern": f.Card, "dukpt/modern": f.Base,
		"pin": f.PIN, "token": f.Token, "fingerprint": f.Fingerprint, "rest": f.Rest,
	}
	rest, err := hex.DecodeString(f.Rest)
	if err != nil {
		return nil, ErrFile
	}
	for _, p := range newMasters(1).places() {
		if _, ok := keys[p.slot]; ok {
			continue
		}
		octets, err := hkdf.Expand(sha256.New, rest, "airtill master key "+string(p.slot), p.algorithm.keyLen())
		if err != nil {
			return nil, ErrFile
		}
		keys[p.slot] = hex.EncodeToString(octets)
	}
	return keys, nil
}
