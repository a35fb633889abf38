//go:build !linux && !darwin

package world

import "math"

// freeSpace is not known on this system.
func freeSpace(string) (uint64, error) { return math.MaxUint64, nil }
