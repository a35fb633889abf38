//go:build !linux

package aofstore

import "os"

// syncing is a file whose Sync writes it to the disk.
type syncing struct{ *os.File }
