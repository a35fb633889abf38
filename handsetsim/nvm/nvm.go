// Package nvm is the non-volatile memory of many secure elements, in one directory.
//
// Of each element it keeps the counters (it is their [se.Counters]), what the branch
// has put in (their [se.Contents]) and a note of whose phone it is in. An element
// that is made again over its [Slot] goes on from where it was.
//
// # Before it is used
//
// Saving costs no I/O: it puts a record in line, and [Memory.Position] says how far
// the line reaches. Whatever follows from what was saved must not leave the process
// before [Memory.Sync] has returned for that position; one write and one fsync then
// serve all who wait. So no packet counter and no PIN key that the outside has seen
// can be used again, whenever the process or the machine stops. Counters of what an
// element makes are kept in blocks of 64 (wire.md 5), so that few of its messages
// wait for the disk; what is left of a block at the end is skipped. The counter of
// packets received is kept as it is.
//
// # On disk
//
// The file elements.nvm only grows: batches of records, each whole or not at all.
//
//	batch   "NVM1", length of the records (4), their CRC-32C (4), records
//	record  length (4), kind (1), element (10, BCD), value
//
// Values other than counters are sealed with AES-256-GCM under the key in
// device.key, which plays the chip's shield: who takes the file without the key has
// cards and keys of nobody. Memory holds where they are, not what they are. When the file has grown large it is replaced by one that
// holds each value once. A batch that was torn, which only the last can be, did not
// happen; any other damage keeps the memory from opening, because counters would go
// back. One process at a time opens a directory.
//
// Left out: wear, erasing (a PIN key of before can be derived from what is sealed
// here, as it could not in a chip), and protection from somebody who puts an old
// copy of the directory back: that is a cloned element, which the platform notices.
package nvm

import (
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/airtill/airtill/platform/applet"
)

var (
	// ErrDamaged is a memory file with a fault before its last batch.
	ErrDamaged = errors.New("the memory of the secure elements is damaged")
	// ErrBack is a counter lower than the one that is kept.
	ErrBack = errors.New("a counter cannot go back")
	// ErrInUse is a directory that another process has open.
	ErrInUse = errors.New("another process uses this memory")
	// ErrLost is a memory that could not keep something and takes nothing any more.
	ErrLost = errors.New("the memory of the secure elements cannot be written")
	// ErrClosed is a memory that was closed.
	ErrClosed = errors.New("the memory is closed")
)

// Memory keeps elements. It is safe for concurrent use.
type Memory struct {
	disk disk
	aead cipher.AEAD

	mu      sync.Mutex // not held while the disk works
	synced  sync.Cond
	slots   map[[10]byte]*Slot
	pending []byte              // records that are not on disk
	lined   []written           // the sealed values in them
	waiting map[valueOf]waiting // sealed values that are not on disk
	file    io.ReaderAt         // in which the places are
	saved   uint64              // records put in line so far
	kept    uint64              // of them, those that cannot be lost any more
	working bool                // somebody writes to the disk
	size    int64               // of the file
	least   int64               // about its size if each value that is on disk were in it once
	slack   int64               // how much it may grow beside doubling
	err     error               // why nothing is kept any more
}

// valueOf is one sealed value of one element.
type valueOf struct {
	slot *Slot
	kind kind
}

// waiting is a sealed value in line, and its number in it, from 1.
type waiting struct {
	sealed []byte
	number uint64
}

// place is where a sealed value is in the file; of no size: nowhere.
type place struct {
	at   int64
	size uint32
}

// record is how long the record is whose value is there.
func (p place) record() int64 {
	if p.size == 0 {
		return 0
	}
	return int64(lenBefore) + int64(p.size)
}

// written is a value that is being written: its number in line, and its place, from the
// start of the records or of the file.
type written struct {
	value  valueOf
	number uint64
	at     place
}

// growth is the slack of a file.
const growth = 4 << 20

// Open opens the memory in a directory, which it makes, with its device key, unless
// they are there. Close it in the end.
func Open(dir string) (*Memory, error) {
	d, err := openDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the elements' memory: %w", err)
	}
	m, err := load(d)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the elements' memory in %s: %w", dir, err), d.close())
	}
	return m, nil
}

// load reads the file. One that was torn, or that has grown, it writes anew, each value once.
func load(d disk) (*Memory, error) {
	key, err := d.key()
	if err != nil {
		return nil, err
	}
	m := &Memory{disk: d, slots: make(map[[10]byte]*Slot), waiting: make(map[valueOf]waiting), slack: growth}
	m.synced.L = &m.mu
	if m.aead, err = newAEAD(key); err != nil {
		return nil, err
	}
	size, err := d.open()
	if err != nil {
		return nil, err
	}
	m.file = d.reader()
	if m.size, err = m.replay(size); err != nil {
		return nil, err
	}
	m.least = 0
	for _, s := range m.slots {
		s.used = s.reserved
		m.least += s.least()
	}
	if whole := m.size == size; whole && size > 0 && !m.grown(0) {
		return m, d.sync()
	}
	all := m.everything()
	if m.size, err = all.write(d); err != nil {
		return nil, err
	}
	m.replaced(all)
	return m, nil
}

// Slot is the memory of one element, made when it is asked for first.
func (m *Memory) Slot(id applet.ElementID) (*Slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.slot(id)
}

func (m *Memory) slot(id applet.ElementID) (*Slot, error) {
	octets, err := id.Octets()
	if err != nil {
		return nil, err
	}
	if s, ok := m.slots[octets]; ok {
		return s, nil
	}
	s := &Slot{memory: m, id: octets}
	m.slots[octets] = s
	m.least += int64(lenBefore + lenState) // of the counters, which every element has
	return s, nil
}

// Elements lists the elements that have a note of whose phone they are in, in order.
func (m *Memory) Elements() []applet.ElementID {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []applet.ElementID
	for id, s := range m.slots {
		if s.has(kindNote) {
			all = append(all, applet.ElementID(hex.EncodeToString(id[:])))
		}
	}
	slices.Sort(all)
	return all
}

// Position is where what was saved last stands in line.
func (m *Memory) Position() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved
}

// Sync waits until what stands in line up to a position cannot be lost. With an
// error it may be lost, and the memory takes nothing any more ([ErrLost]): after a
// failed fsync nobody knows what the disk holds.
func (m *Memory) Sync(position uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.kept < position && m.err == nil {
		if m.working {
			m.synced.Wait()
			continue
		}
		m.write()
	}
	if m.kept < position {
		return m.err
	}
	return nil
}

// grown says whether the file is worth writing anew before so many octets are added.
func (m *Memory) grown(more int) bool { return m.size+int64(more) > 2*m.least+m.slack }

// write brings all that is in line to the disk. The mutex is free meanwhile.
func (m *Memory) write() {
	if m.grown(len(m.pending)) {
		m.writeAll()
		return
	}
	batch, lined, upTo := appendBatch(nil, m.pending), m.lined, m.saved
	m.pending, m.lined, m.working = nil, nil, true
	m.mu.Unlock()
	err := m.disk.add(batch)
	m.mu.Lock()
	if m.wrote(upTo, err) {
		for _, w := range lined {
			w.at.at += m.size + int64(lenHead)
			m.settle(w)
		}
		m.size += int64(len(batch))
	}
}

// writeAll writes the file anew, with each value once.
func (m *Memory) writeAll() {
	all, upTo := m.everything(), m.saved
	m.pending, m.lined, m.working = nil, nil, true
	m.mu.Unlock()
	size, err := all.write(m.disk)
	m.mu.Lock()
	if m.wrote(upTo, err) {
		m.size = size
		m.replaced(all)
	}
}

// wrote ends a write.
func (m *Memory) wrote(upTo uint64, err error) bool {
	m.working = false
	if err != nil {
		m.err = fmt.Errorf("%w: %w", ErrLost, err)
	} else {
		m.kept = upTo
	}
	m.synced.Broadcast()
	return err == nil
}

// settle notes where a value is now, unless a newer one waits for its place.
func (m *Memory) settle(w written) {
	if m.waiting[w.value].number == w.number {
		delete(m.waiting, w.value)
	}
	at := &w.value.slot.places[w.value.kind]
	m.least += w.at.record() - at.record()
	*at = w.at
}

// replaced notes where all values are in a file that was written anew.
func (m *Memory) replaced(all *image) {
	m.file = m.disk.reader()
	for _, w := range all.values {
		m.settle(w)
	}
	m.least = m.size
}

// Close keeps what is in line and lets the directory go.
func (m *Memory) Close() error {
	err := m.Sync(m.Position())
	m.mu.Lock()
	for m.working {
		m.synced.Wait()
	}
	closed := errors.Is(m.err, ErrClosed)
	m.err = ErrClosed
	m.mu.Unlock()
	if closed {
		return nil
	}
	return errors.Join(err, m.disk.close())
}
