package nvm

import (
	"bytes"
	"errors"
	"io"
	"sync"
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

	mu       sync.Mutex
	before   []byte // that was replaced last
	replaced int
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

func (d *crashDisk) key() ([]byte, error) { return d.secret, nil }
func (d *crashDisk) open() (int64, error) { return int64(len(d.file)), nil }
func (d *crashDisk) close() error         { return nil }

func (d *crashDisk) reader() io.ReaderAt { return &crashReader{d, d.replaced} }

func (d *crashDisk) sync() error {
	if !d.step() {
		return errCrash
	}
	d.syncs++
	return nil
}

// crashReader reads the file as long as it is the same one.
type crashReader struct {
	disk     *crashDisk
	replaced int
}

func (r *crashReader) ReadAt(p []byte, at int64) (int, error) {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	if r.disk.replaced != r.replaced {
		return bytes.NewReader(r.disk.before).ReadAt(p, at)
	}
	return bytes.NewReader(r.disk.file).ReadAt(p, at)
}

func (d *crashDisk) add(batch []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
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

func (d *crashDisk) replace(write func(add func([]byte) error) error) error {
	var all []byte
	if err := write(func(batch []byte) error { all = append(all, batch...); return nil }); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.step() { // before the name changes
		return errCrash
	}
	d.before, d.file = d.file, all
	d.replaced++
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
