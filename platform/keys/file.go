package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/airtill/airtill/platform/applet"
)

var (
	// ErrMode is a vault file that others than its owner may read or write.
	ErrMode = errors.New("a vault file must be its owner's alone: chmod 600")
	// ErrFile is a file that is not a vault. It does not say what the file holds.
	ErrFile = errors.New("not a vault file")
)

const (
	fileMode    = 0o600
	fileVersion = 2
	maxFile     = 1 << 20
)

// vaultFile is the form of a vault file: keys in hexadecimal. It holds them in clear
// and lives only inside saving and loading.
type vaultFile struct {
	Version int             `json:"version"`
	Packets []uint8         `json:"packet_keys"` // versions
	Keys    map[Slot]string `json:"keys"`
	Branch  string          `json:"branch"`
}

// firstFile is the form of version 1, which had the modern suite's keys only.
type firstFile struct {
	KIC         string `json:"kic"`
	KID         string `json:"kid"`
	Card        string `json:"card"`
	Base        string `json:"dukpt"`
	PIN         string `json:"pin"`
	Token       string `json:"token"`
	Fingerprint string `json:"fingerprint"`
	Rest        string `json:"rest"`
}

// Save writes the vault to a new file of mode 0600, whole or not at all. An existing
// file is never replaced: the error is then fs.ErrExist.
func (v *Vault) Save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".vault-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("save vault: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	if err := errors.Join(v.write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save vault: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil {
		return fmt.Errorf("save vault: %w", err)
	}
	return nil
}

func (v *Vault) write(w io.Writer) error {
	m := v.current.Load().masters
	branch, err := m.branch.Bytes()
	if err != nil {
		return errors.New("the branch key cannot be written")
	}
	file := vaultFile{Version: fileVersion, Keys: make(map[Slot]string), Branch: hex.EncodeToString(branch)}
	for _, p := range m.packets {
		file.Packets = append(file.Packets, p.version)
	}
	for _, p := range m.places() {
		file.Keys[p.slot] = hex.EncodeToString(p.read())
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(file)
}

// Load reads a vault file. A file that others may read is refused with [ErrMode].
func Load(path string) (*Vault, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load vault: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("load vault: %w", err)
	}
	if info.Mode().Perm()&^fileMode != 0 {
		return nil, fmt.Errorf("load vault %s: %w", path, ErrMode)
	}
	v, err := read(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("load vault %s: %w", path, err)
	}
	return v, nil
}

// LoadOrGenerate reads a vault file, or makes a new vault and saves it when there is none.
func LoadOrGenerate(path string, random io.Reader) (*Vault, error) {
	v, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if v, err = Generate(random); err != nil {
		return nil, err
	}
	return v, v.Save(path)
}

// read tells nothing of what it could not read.
func read(r io.Reader) (*Vault, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, ErrFile
	}
	var file vaultFile
	if json.Unmarshal(text, &file) != nil {
		return nil, ErrFile
	}
	if file.Version == 1 {
		if file.Keys, err = readFirst(text); err != nil {
			return nil, ErrFile
		}
		file.Packets = []uint8{1}
	} else if file.Version != fileVersion {
		return nil, ErrFile
	}
	m, err := file.masters()
	if err != nil {
		return nil, ErrFile
	}
	v, err := newVault(m)
	if err != nil {
		return nil, ErrFile
	}
	return v, nil
}

// masters are the keys of a file, each of which must be there. Which are of the right
// length, newVault checks.
func (f vaultFile) masters() (*masters, error) {
	m := new(masters)
	for i, version := range f.Packets {
		if version == 0 || i > 0 && version <= f.Packets[i-1] {
			return nil, ErrFile
		}
		m.packets = append(m.packets, &packetMasters{version: version})
	}
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
	m.branch, err = applet.ParsePrivateKey(branch)
	return m, err
}

// readFirst takes the keys of a file of version 1. The keys that came later are derived
// from the one for data at rest, so that the file gives the same vault every time.
func readFirst(text []byte) (map[Slot]string, error) {
	var f firstFile
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
	for _, p := range (&masters{packets: []*packetMasters{{version: 1}}}).places() {
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
