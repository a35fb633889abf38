package nvm

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/scp80"
)

// block is how many counters are kept at once, of those that an element counts itself (wire.md 5).
const block = 64

// Slot is the memory of one element. Its methods are safe for concurrent use; an
// element has it for itself.
type Slot struct {
	memory   *Memory
	id       [10]byte
	reserved se.State     // as kept: no counter over it was used
	used     se.State     // as saved
	places   [kinds]place // of sealed values in the file, by kind; of counters none
}

var (
	_ se.Counters = (*Slot)(nil)
	_ se.Contents = (*Slot)(nil)
)

// Load answers counters that are as high as any that was used, or higher by less than a block.
func (s *Slot) Load() (se.State, error) {
	m := s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.reserved, m.err
}

// Save puts the counters in line. None can go back.
func (s *Slot) Save(state se.State) error {
	m := s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if state.Sent < s.used.Sent || state.Received < s.used.Received || state.PIN < s.used.PIN {
		return ErrBack
	}
	s.used = state
	next := s.reserved
	next.Received = state.Received
	if state.Sent > next.Sent {
		next.Sent = min(state.Sent+block-1, scp80.MaxCounter)
	}
	if state.PIN > next.PIN {
		next.PIN = uint32(min(uint64(state.PIN)+block-1, math.MaxUint32))
	}
	if next != s.reserved {
		s.reserved = next
		m.line(kindCounters, s, appendState(nil, next))
	}
	return nil
}

// LoadContents opens what was saved with SaveContents; nil when nothing was.
func (s *Slot) LoadContents() ([]byte, error) { return s.open(kindContents) }

// SaveContents seals what the element holds and puts it in line.
func (s *Slot) SaveContents(contents []byte) error { return s.seal(kindContents, contents) }

// Note opens the note of whose phone the element is in; nil when there is none.
func (s *Slot) Note() ([]byte, error) { return s.open(kindNote) }

// SetNote seals a note of whose phone the element is in and puts it in line.
func (s *Slot) SetNote(note []byte) error { return s.seal(kindNote, note) }

func (s *Slot) seal(k kind, plain []byte) error {
	m := s.memory
	sealed := m.aead.Seal(nil, nil, plain, s.bound(k))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.waiting[valueOf{s, k}] = waiting{sealed: sealed, number: m.saved + 1}
	m.line(k, s, sealed)
	return nil
}

func (s *Slot) open(k kind) ([]byte, error) {
	m := s.memory
	sealed, err := s.sealed(k)
	if sealed == nil || err != nil {
		return nil, err
	}
	plain, err := m.aead.Open(nil, nil, sealed, s.bound(k))
	if err != nil {
		return nil, fmt.Errorf("open what element %x keeps: not sealed under this device key: %w", s.id, ErrDamaged)
	}
	return plain, nil
}

// sealed is a value as it is kept, nil when there is none. One that is on the disk is read
// from there: of an element that is idle memory holds nothing but where it is.
func (s *Slot) sealed(k kind) ([]byte, error) {
	m := s.memory
	m.mu.Lock()
	w, inLine := m.waiting[valueOf{s, k}]
	at, file, err := s.places[k], m.file, m.err
	m.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case inLine:
		return w.sealed, nil
	case at.size == 0:
		return nil, nil
	}
	sealed := make([]byte, at.size)
	if _, err := file.ReadAt(sealed, at.at); err != nil {
		return nil, fmt.Errorf("read what element %x keeps: %w", s.id, err)
	}
	return sealed, nil
}

// has says whether there is a value of a kind. The memory is locked.
func (s *Slot) has(k kind) bool {
	_, inLine := s.memory.waiting[valueOf{s, k}]
	return inLine || s.places[k].size > 0
}

// bound is what a sealed value belongs to.
func (s *Slot) bound(k kind) []byte { return append([]byte{byte(k)}, s.id[:]...) }

// line puts a record in line.
func (m *Memory) line(k kind, s *Slot, value []byte) {
	if k != kindCounters {
		at := place{at: int64(len(m.pending) + lenBefore), size: uint32(len(value))}
		m.lined = append(m.lined, written{valueOf{s, k}, m.saved + 1, at})
	}
	m.pending = appendRecord(m.pending, k, s.id, value)
	m.saved++
}

func appendState(dst []byte, s se.State) []byte {
	dst = binary.BigEndian.AppendUint64(dst, s.Sent)
	dst = binary.BigEndian.AppendUint64(dst, s.Received)
	return binary.BigEndian.AppendUint32(dst, s.PIN)
}

func readState(b []byte) se.State {
	return se.State{
		Sent: binary.BigEndian.Uint64(b), Received: binary.BigEndian.Uint64(b[8:]), PIN: binary.BigEndian.Uint32(b[16:]),
	}
}

const lenState = 8 + 8 + 4
