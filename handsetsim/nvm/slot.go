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
	reserved se.State      // as kept: no counter over it was used
	used     se.State      // as saved
	values   [kinds][]byte // sealed, by kind; of counters none
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
	s.values[k] = sealed
	m.line(k, s, sealed)
	return nil
}

func (s *Slot) open(k kind) ([]byte, error) {
	m := s.memory
	m.mu.Lock()
	sealed, err := s.values[k], m.err
	m.mu.Unlock()
	if sealed == nil || err != nil {
		return nil, err
	}
	plain, err := m.aead.Open(nil, nil, sealed, s.bound(k))
	if err != nil {
		return nil, fmt.Errorf("open what element %x keeps: not sealed under this device key: %w", s.id, ErrDamaged)
	}
	return plain, nil
}

// bound is what a sealed value belongs to.
func (s *Slot) bound(k kind) []byte { return append([]byte{byte(k)}, s.id[:]...) }

// line puts a record in line.
func (m *Memory) line(k kind, s *Slot, value []byte) {
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
