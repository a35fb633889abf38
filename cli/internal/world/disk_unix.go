//go:build linux || darwin

package world

import (
	"fmt"
	"syscall"
)

// freeSpace is how many octets the disk of a directory has left for us.
func freeSpace(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at the disk: %w", err)
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:unconvert // it differs by system
}
