package torture

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// disk is a file system of its own for a directory, with a ballast file that fills it.
type disk struct{ dir string }

// diskSize is what fits: more than a run writes.
const diskSize = 256 << 20

// newDisk mounts a disk in memory, which root may.
func newDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("airtill", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskSize)); err != nil {
		return nil, fmt.Errorf("a disk to fill needs a tmpfs, which root may mount: %w", err)
	}
	return &disk{dir}, nil
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill writes until there is no room.
func (d *disk) fill() error {
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

// free makes room again.
func (d *disk) free() error { return os.Remove(d.ballast()) }

// close takes the disk away.
func (d *disk) close() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) } // what is on it goes with it
