package aofstore

import (
	"os"
	"syscall"
)

// syncing is a file whose Sync leaves out the times of the file, which need not last.
type syncing struct{ *os.File }

// Sync writes the file's data and size to the disk.
func (f syncing) Sync() error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
