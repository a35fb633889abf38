//go:build unix

package cputime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Self is what this process has used, in user and in system mode; zero if the system
// does not say.
func Self() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
