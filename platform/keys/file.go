package keys

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrMode is a vault file that others than its owner may read or write.
	ErrMode = errors.New("a vault file must be its owner's alone: chmod 600")
	// ErrFile is a file that is not a vault. It does not say what the file holds.
	ErrFile   = errors.New("not a vault file")
	errAtRest = errors.New("not sealed by this vault")
)

const (
	fileMode    = 0o600
	fileVersion = 1
	maxFile     = 64 << 10
)

// vaultFile is the form of a vault file: keys in hexadecimal. It holds them in clear
// and lives only inside Save and Load.
type vaultFile struct {
	Version     int    `json:"version"`
	KIC         string `json:"kic"`
	KID         string `json:"kid"`
	Card        string `json:"card"`
	Base        string `json:"dukpt"`
	PIN         string `json:"pin"`
	Token       string `json:"token"`
	Fingerprint string `json:"fingerprint"`
	Rest        string `json:"rest"`
	Branch      string `json:"branch"`
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
	m := v.masters
	branch, err := m.branch.Bytes()
	if err != nil {
		return errors.New("the branch key cannot be written")
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(vaultFile{
		Version: fileVersion,
		KIC:     text(m.kic), KID: text(m.kid), Card: text(m.card), Base: text(m.base),
		PIN: text(m.pin), Token: text(m.token), Fingerprint: text(m.fingerprint), Rest: text(m.rest),
		Branch: hex.EncodeToString(branch),
	})
}

func text[P any](k scp80.Key[P]) string { return hex.EncodeToString(k.Reveal()) }

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
	var file vaultFile
	if err := json.NewDecoder(r).Decode(&file); err != nil || file.Version != fileVersion {
		return nil, ErrFile
	}
	branchOctets, err := hex.DecodeString(file.Branch)
	if err != nil {
		return nil, ErrFile
	}
	branch, err := applet.ParsePrivateKey(branchOctets)
	if err != nil {
		return nil, ErrFile
	}
	v, err := newVault(masters{
		kic: key[kicMaster](file.KIC), kid: key[kidMaster](file.KID), card: key[cardMaster](file.Card),
		base: key[applet.BaseKey](file.Base), pin: key[pinMaster](file.PIN), token: key[tokenMaster](file.Token),
		fingerprint: key[fingerprintMaster](file.Fingerprint), rest: key[restMaster](file.Rest), branch: branch,
	})
	if err != nil {
		return nil, ErrFile
	}
	return v, nil
}

// key reads hexadecimal digits; what is not any is no key, which newVault refuses.
func key[K interface{ scp80.Key[P] }, P any](digits string) (k K) {
	octets, err := hex.DecodeString(digits)
	if err != nil {
		return k
	}
	return scp80.NewKey[K, P](octets)
}
