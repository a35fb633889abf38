//go:build !linux

package torture

import "errors"

// disk is one that can be filled, which this system has none of.
type disk struct{}

var errDisk = errors.New("a disk to fill needs Linux")

func newDisk(string) (*disk, error) { return nil, errDisk }

func (*disk) fill(int, string) error { return errDisk }

func (*disk) free() error { return errDisk }

func (*disk) close() {}
