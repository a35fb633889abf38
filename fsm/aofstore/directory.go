package aofstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/airtill/airtill/fsm/fault"
)

// Names in the data directory. The file has the name under which a redis-server that is
// started there takes it over.
const (
	fileName = "appendonly.aof"
	newName  = "appendonly.aof.new"
	tornName = "appendonly.aof.torn"
	lockName = "lock"
)

// ErrInUse is for a data directory that another process uses.
var ErrInUse = errors.New("the data directory is in use")

// ErrServers is for a data directory that a redis-server has taken over.
var ErrServers = errors.New("a redis-server keeps its data in the directory")

// directory is a data directory that is locked.
type directory struct {
	path string
	lock *Lock
	wrap func(disk) disk
}

func openDirectory(path string, wrap func(disk) disk) (*directory, error) {
	lock, err := LockDirectory(path)
	if err != nil {
		return nil, err
	}
	d := &directory{path: path, lock: lock, wrap: wrap}
	if _, err := os.Stat(filepath.Join(path, "appendonlydir")); err == nil {
		return nil, errors.Join(fmt.Errorf("%s: %w, in appendonlydir", path, ErrServers), d.close())
	}
	if err := d.removeNew(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *directory) close() error { return d.lock.Close() }

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

func (d *directory) open(name string, flags int) (*os.File, error) {
	return os.OpenFile(d.file(name), os.O_RDWR|os.O_CREATE|flags, 0o600)
}

// disk is the file as the log uses it.
func (d *directory) disk(f *os.File) disk {
	if d.wrap == nil {
		return syncing{f}
	}
	return d.wrap(syncing{f})
}

// create begins a new file with a snapshot.
func (d *directory) create(live []byte) (*rewrite, error) {
	f, err := d.open(newName, os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	r := &rewrite{dir: d, disk: d.disk(f)}
	if err := r.append(live); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

func (d *directory) removeNew() error {
	if err := os.Remove(d.file(newName)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// rename puts the new file in the place of the old one, for good.
func (d *directory) rename() error {
	fault.Point(fault.BeforeRename)
	if err := os.Rename(d.file(newName), d.file(fileName)); err != nil {
		return err
	}
	fault.Point(fault.AfterRename)
	if err := d.sync(); err != nil {
		return fmt.Errorf("%w: %w", errHalfway, err)
	}
	return nil
}

// sync makes the directory's names last.
func (d *directory) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// cut takes a torn tail off the file, and puts it aside.
func (d *directory) cut(f *os.File, keep int64) error {
	aside, err := d.open(tornName, os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := f.Seek(keep, io.SeekStart); err != nil {
		return errors.Join(err, aside.Close())
	}
	if _, err = io.Copy(aside, f); err == nil {
		err = aside.Sync()
	}
	if err = errors.Join(err, aside.Close()); err != nil {
		return err
	}
	return errors.Join(f.Truncate(keep), f.Sync())
}

// Lock is a data directory's: one process at a time may use it.
type Lock struct {
	file      *os.File
	inherited bool // by another process, which may go on
}

// LockDirectory makes the directory if it is not there, and locks it until the lock is
// closed or the process ends. ErrInUse names the process that has it.
func LockDirectory(path string) (*Lock, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := lockFile(f); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32)) // without it, somebody
		if errors.Is(err, ErrInUse) {
			err = fmt.Errorf("%s: %w by process %s: stop it, or use another directory", path, ErrInUse, strings.TrimSpace(string(holder)))
		}
		return nil, errors.Join(err, f.Close())
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the data directory: %w", err), f.Close())
	}
	return &Lock{file: f}, nil
}

// File is what is locked: a process that inherits it keeps the directory locked too.
func (l *Lock) File() *os.File {
	l.inherited = true
	return l.file
}

// Close lets others use the directory.
func (l *Lock) Close() error {
	if l.inherited {
		return l.file.Close()
	}
	return errors.Join(unlockFile(l.file), l.file.Close())
}
