package nvm

import (
	"bytes"
	"errors"
	"testing"
)

var errCrash = errors.New("the machine stopped")

// crashDisk is a disk in memory that stops at one of its steps. What it was asked to
// write at that step is there, not there, or torn.
type crashDisk struct {
	secret []byte
	file   []byte // what would be found after a stop
	steps  int    // until it stops; below 0: never
	torn   int    // octets of the last batch that are found, in eighths
	syncs  int    // fsyncs so far
	stops  bool
}

func newCrashDisk() *crashDisk {
	return &crashDisk{secret: bytes.Repeat([]byte{0x5E}, lenKey), steps: -1}
}

// step says whether the machine still runs.
func (d *crashDisk) step() bool {
	d.stops = d.stops || d.steps == 0
	if d.steps > 0 {
		d.steps--
	}
	return !d.stops
}

func (d *crashDisk) key() ([]byte, error)  { return d.secret, nil }
func (d *crashDisk) read() ([]byte, error) { return bytes.Clone(d.file), nil }
func (d *crashDisk) close() error          { return nil }

func (d *crashDisk) add(batch []byte) error {
	if !d.step() { // while it writes
		d.file = append(d.file, batch[:len(batch)*d.torn/8]...)
		return errCrash
	}
	d.file = append(d.file, batch...)
	if !d.step() { // after the write, before the answer
		return errCrash
	}
	d.syncs++
	return nil
}

func (d *crashDisk) replace(all []byte) error {
	if !d.step() { // before the name changes
		return errCrash
	}
	d.file = bytes.Clone(all)
	if !d.step() { // after it
		return errCrash
	}
	d.syncs++
	return nil
}

// reboot is the disk as it is found after a stop, to stop again after so many steps.
func (d *crashDisk) reboot(steps, torn int) *crashDisk {
	return &crashDisk{secret: d.secret, file: d.file, steps: steps, torn: torn}
}

func loaded(t testing.TB, d disk) *Memory {
	t.Helper()
	m, err := load(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
