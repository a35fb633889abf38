//go:build unix

package nvm

import (
	"errors"
	"os"
	"syscall"
)

// lockFile holds a file for this process until it is closed.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// unlockFile lets it go. To close it is not enough: a process that is being started at this
// moment has a copy of the file until it becomes another program.
func unlockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
