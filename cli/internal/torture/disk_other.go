//go:build !linux

package torture

import "errors"

// disk is a file system of its own, which this system has none of.
type disk struct{}

var errDisk = errors.New("a disk to fill needs a tmpfs")

func newDisk(string) (*disk, error) { return nil, errDisk }

func (*disk) fill() error { return errDisk }

func (*disk) free() error { return errDisk }

func (*disk) close() {}
