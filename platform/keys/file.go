package keys

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

var (
	// ErrMode is a vault file that others than its owner may read or write.
	ErrMode = errors.New("a vault file must be its owner's alone: chmod 600")
	// ErrFile is a file that is not a vault. It does not say what the file holds.
	ErrFile = errors.New("not a vault file")
	// ErrChanged is a vault file that somebody else has changed meanwhile.
	ErrChanged = errors.New("the vault file was changed by somebody else meanwhile; nothing was done")
	// ErrOther is another vault than the one that is in use.
	ErrOther = errors.New("this is another vault")
	// ErrOlder is the vault in use as it was before a rotation.
	ErrOlder = errors.New("this vault is older than the one in use: it lacks packet keys that elements have")
)

const (
	fileMode = 0o600
	maxFile  = 1 << 20
)

// Save writes the vault to a new file of mode 0600, whole or not at all. An existing
// file is never replaced: the error is then fs.ErrExist.
func (v *Vault) Save(path string, l Lock) error {
	if err := v.save(path, l); err != nil {
		return fmt.Errorf("save vault: %w", err)
	}
	return nil
}

func (v *Vault) save(path string, l Lock) error {
	m, err := v.current.Load().lockedBy(l)
	if err != nil {
		return err
	}
	return written(path, m, l, func(temporary string) error { return os.Link(temporary, path) })
}

// lockedBy is the masters with the recipients of a lock.
func (s *state) lockedBy(l Lock) (*masters, error) {
	m := s.clone()
	m.recipients = nil
	if !l.Passphrase.IsZero() {
		return m, nil
	}
	var err error
	m.recipients, err = l.recipients()
	return m, err
}

// written writes masters to a temporary file beside path, all the way to the disk, and
// then lets place put it where it belongs.
func written(path string, m *masters, l Lock, place func(temporary string) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".vault-*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if removal := os.Remove(f.Name()); !errors.Is(removal, fs.ErrNotExist) {
			err = errors.Join(err, removal)
		}
	}()
	if err := errors.Join(m.write(f, l), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name()); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in a directory last.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (m *masters) write(w io.Writer, l Lock) error {
	encrypted, err := l.encrypt(w, m.recipients)
	if err != nil {
		return err
	}
	return errors.Join(m.encode(encrypted), encrypted.Close())
}

// Load reads a vault file. A file that others may read is refused with [ErrMode].
func Load(path string, l Lock) (*Vault, error) {
	v, _, err := load(path, l)
	if err != nil {
		return nil, fmt.Errorf("load vault %s: %w", path, err)
	}
	return v, nil
}

// load answers the vault and what it was read from.
func load(path string, l Lock) (*Vault, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Mode().Perm()&^fileMode != 0 {
		return nil, nil, ErrMode
	}
	plain, err := l.decrypt(bufio.NewReader(io.LimitReader(f, maxFile)))
	if err != nil {
		return nil, nil, err
	}
	m, err := decode(plain)
	if err != nil {
		return nil, nil, ErrFile
	}
	v, err := newVault(m)
	if err != nil {
		return nil, nil, ErrFile
	}
	return v, info, nil
}

// Create makes a new vault, notes who made it and saves it.
func Create(path string, l Lock, by By, random io.Reader) (*Vault, error) {
	v, err := Generate(random)
	if err != nil {
		return nil, err
	}
	err = v.change(by, "init", func(m *masters) ([]Slot, error) { return slots(m.places()), nil })
	if err != nil {
		return nil, err
	}
	return v, v.Save(path, l)
}

// Edit changes a vault file: act changes the vault that is in it, and if that went well
// the file is replaced, whole or not at all.
func Edit(path string, l Lock, act func(*Vault) error) error {
	v, before, err := load(path, l)
	if err != nil {
		return fmt.Errorf("load vault %s: %w", path, err)
	}
	if err := act(v); err != nil {
		return err
	}
	if err := replace(path, before, v.current.Load().masters, l); err != nil {
		return fmt.Errorf("save vault %s: %w", path, err)
	}
	return nil
}

// Protect changes the lock of a vault file.
func Protect(path string, from, to Lock, by By) error {
	v, before, err := load(path, from)
	if err != nil {
		return fmt.Errorf("load vault %s: %w", path, err)
	}
	if err := v.Note(by, "protect"); err != nil {
		return err
	}
	m, err := v.current.Load().lockedBy(to)
	if err == nil {
		err = replace(path, before, m, to)
	}
	if err != nil {
		return fmt.Errorf("save vault %s: %w", path, err)
	}
	return nil
}

// replace puts masters in the place of the file that they were read from.
func replace(path string, before fs.FileInfo, m *masters, l Lock) error {
	return written(path, m, l, func(temporary string) error {
		now, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !os.SameFile(before, now) || !before.ModTime().Equal(now.ModTime()) {
			return ErrChanged
		}
		return os.Rename(temporary, path)
	})
}

// Reload takes the keys of a vault file that was changed while the vault is in use. What
// was derived from the old ones is dropped. Another vault is refused with [ErrOther], as
// what the platform keeps could not be read with it, and an older one with [ErrOlder].
func (v *Vault) Reload(path string, l Lock) error {
	loaded, _, err := load(path, l)
	if err != nil {
		return fmt.Errorf("load vault %s: %w", path, err)
	}
	v.changes.Lock()
	defer v.changes.Unlock()
	now, next := v.current.Load(), loaded.current.Load()
	switch {
	case !now.sameVault(next.masters):
		return fmt.Errorf("load vault %s: %w", path, ErrOther)
	case next.inUse() < now.inUse():
		return fmt.Errorf("load vault %s: %w", path, ErrOlder)
	}
	v.current.Store(next)
	return nil
}

// sameVault compares the keys that a vault never changes.
func (m *masters) sameVault(other *masters) bool {
	return m.rest.Equal(other.rest) && m.pin.Equal(other.pin) && m.token.Equal(other.token) &&
		m.fingerprint.Equal(other.fingerprint) && bytes.Equal(m.branch.PublicKey().Bytes(), other.branch.PublicKey().Bytes())
}
