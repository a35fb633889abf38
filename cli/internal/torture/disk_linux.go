package torture

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// disk is a file system of its own for a directory, which root may mount, and which a
// ballast file fills. For others it is a bound on the length of files, at which a write
// fails as well.
type disk struct {
	dir     string
	mounted bool
}

// diskSize is what fits: more than a run writes.
const diskSize = 256 << 20

// newDisk mounts a disk in memory, if that is allowed.
func newDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	err := syscall.Mount("airtill", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskSize))
	if errors.Is(err, syscall.EPERM) {
		return &disk{dir: dir}, nil
	}
	return &disk{dir: dir, mounted: true}, err
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves no room for what a process appends to a file.
func (d *disk) fill(pid int, path string) error {
	if !d.mounted {
		size, err := sizeOf(path)
		if err != nil {
			return err
		}
		return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(size), Max: math.MaxUint64}, nil)
	}
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return nil
}

// free makes room again, for the next process.
func (d *disk) free() error {
	if !d.mounted {
		return nil
	}
	return os.Remove(d.ballast())
}

// close takes the disk away.
func (d *disk) close() {
	if d.mounted {
		_ = syscall.Unmount(d.dir, syscall.MNT_DETACH) // what is on it goes with it
	}
}
