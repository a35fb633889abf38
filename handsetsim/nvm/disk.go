package nvm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what the memory is on. Its methods are called one at a time. After an
// error of add or replace nothing else is asked of it but close.
type disk interface {
	// key is the device key, made when there is none.
	key() ([]byte, error)
	// open opens the file and says how long it is; 0 when there is none.
	open() (size int64, err error)
	// reader reads the file as it is now, and goes on to when it is replaced, once.
	reader() io.ReaderAt
	// sync sees to it that what is in the file cannot be lost any more.
	sync() error
	// add appends a batch; it cannot be lost any more when add returns.
	add(batch []byte) error
	// replace makes all the file's content of the batches that are added, or leaves it as it is.
	replace(write func(add func(batch []byte) error) error) error
	close() error
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("ready the device key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// The files of a directory.
const (
	fileName = "elements.nvm"
	newName  = "elements.new"
	keyName  = "device.key"
	lockName = "lock"

	lenKey = 32
)

// directory is a disk that is a directory of a file system.
type directory struct {
	path string
	dir  *os.File // to sync what names are in it
	lock *os.File

	file   *os.File // open for appending; nil: there is none
	before *os.File // that it has replaced, which somebody may be reading yet
}

func openDir(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), lock.Close())
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &directory{path: path, dir: dir, lock: lock}, nil
}

func (d *directory) name(file string) string { return filepath.Join(d.path, file) }

func (d *directory) key() ([]byte, error) {
	key, err := os.ReadFile(d.name(keyName))
	if errors.Is(err, fs.ErrNotExist) {
		return d.makeKey()
	}
	if err == nil && len(key) != lenKey {
		return nil, fmt.Errorf("%s has %d octets, not %d: %w", keyName, len(key), lenKey, ErrDamaged)
	}
	return key, err
}

// makeKey makes a device key, unless there is something that was sealed under one.
func (d *directory) makeKey() ([]byte, error) {
	if _, err := os.Stat(d.name(fileName)); err == nil {
		return nil, fmt.Errorf("%s is there and %s is not: put the key back: %w", fileName, keyName, ErrDamaged)
	}
	key := make([]byte, lenKey)
	_, _ = rand.Read(key) // never fails
	return key, d.put(keyName, func(add func([]byte) error) error { return add(key) })
}

func (d *directory) open() (int64, error) {
	file, err := os.OpenFile(d.name(fileName), os.O_APPEND|os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	d.file = file
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (d *directory) reader() io.ReaderAt { return d.file }

func (d *directory) sync() error { return d.file.Sync() }

func (d *directory) add(batch []byte) error {
	if _, err := d.file.Write(batch); err != nil {
		return err
	}
	return d.file.Sync()
}

func (d *directory) replace(write func(add func([]byte) error) error) error {
	if err := d.put(fileName, write); err != nil {
		return err
	}
	file, err := os.OpenFile(d.name(fileName), os.O_APPEND|os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if d.before != nil {
		_ = d.before.Close() // it has no name any more
	}
	d.before, d.file = d.file, file
	return nil
}

// put writes a file as a whole: under another name, which it changes when its octets are safe.
func (d *directory) put(name string, write func(add func([]byte) error) error) error {
	file, err := os.OpenFile(d.name(newName), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(func(octets []byte) error {
		_, err := file.Write(octets)
		return err
	})
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(d.name(newName), d.name(name)); err != nil {
		return err
	}
	return d.dir.Sync()
}

func (d *directory) close() error {
	var err error
	for _, file := range []*os.File{d.file, d.before} {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	return errors.Join(err, d.dir.Close(), unlockFile(d.lock), d.lock.Close())
}
