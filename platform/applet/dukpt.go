package applet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/airtill/airtill/platform/scp80"
)

// InitialKeyID names an element's initial key: the 8 octets of ANSI X9.24-3 §6.2, or
// the 59 bits of X9.24-1 with the counter's bits after them zero.
type InitialKeyID [8]byte

// lenSerial is how many of an element's last digits fit the 59 bits of X9.24-1.
const lenSerial = 17

// InitialKeyID is made of the element's number, which must have been parsed. In the
// modern suite it is the last 16 digits, as EMV option A takes them of a card's. In
// the legacy suite it is the last 17 as a number, so that elements whose numbers
// differ there have different ones.
func (id ElementID) InitialKeyID(s scp80.Suite) (InitialKeyID, error) {
	octets, err := id.Octets()
	if err != nil {
		return InitialKeyID{}, err
	}
	switch s {
	case scp80.Modern:
		return InitialKeyID(octets[lenElementID-8:]), nil
	case scp80.Legacy:
		n, err := strconv.ParseUint(string(id[2*lenElementID-lenSerial:]), 10, 64)
		return InitialKeyID(binary.BigEndian.AppendUint64(nil, n<<5)), err
	}
	return InitialKeyID{}, fmt.Errorf("name an initial key: %w", ErrSuite)
}

// ErrPINCounter is a DUKPT counter that no PIN key belongs to, or the end of them.
var ErrPINCounter = errors.New("no PIN key of this counter")

// dukpt is what the two standards of DUKPT differ in. In both a key is derived from
// another in a step for each one bit of the counter, the highest first.
type dukpt struct {
	bits    int // of a counter
	maxWork int // most one bits in a counter
	initial func(dst, base []byte, id InitialKeyID) error
	from    func(key []byte, id InitialKeyID) (step, error)
	pin     func(dst, transaction []byte, id InitialKeyID, counter uint32) error
}

// step derives the key of a counter from the key that it was made of, which the result
// may be written over.
type step func(dst []byte, counter uint32) error

func dukptOf(s scp80.Suite) (dukpt, error) {
	switch s {
	case scp80.Modern:
		return dukpt{counterBitsAES, maxWorkAES, initialAES, fromAES, pinAES}, nil
	case scp80.Legacy:
		return dukpt{counterBitsTDES, maxWorkTDES, initialTDES, fromTDES, pinTDES}, nil
	}
	return dukpt{}, fmt.Errorf("derive a DUKPT key: %w", ErrSuite)
}

// maxKey is the length of the longest DUKPT key, AES-256.
const maxKey = 32

// checkKey refuses a key that the suite's DUKPT cannot start from.
func checkKey(s scp80.Suite, octets []byte) error {
	if s == scp80.Legacy && len(octets) != s.KeyLen() || len(octets) > maxKey {
		return fmt.Errorf("derive a DUKPT key: from one of %d octets", len(octets))
	}
	return nil
}

// DeriveInitialKey derives an element's initial key from the base key.
func DeriveInitialKey(s scp80.Suite, base BaseKey, id InitialKeyID) (key InitialKey, err error) {
	d, err := dukptOf(s)
	if err != nil {
		return key, err
	}
	octets := base.Reveal()
	if err := checkKey(s, octets); err != nil {
		return key, err
	}
	derived := make([]byte, len(octets))
	if err := d.initial(derived, octets, id); err != nil {
		return key, err
	}
	return scp80.NewKey[InitialKey](derived), nil
}

// DerivePINKey derives the PIN key of a counter as the platform does: from the
// initial key, one step for each one bit of the counter (X9.24-3 §6.3; X9.24-1 annex A).
func DerivePINKey(s scp80.Suite, initial InitialKey, id InitialKeyID, counter uint32) (key PINKey, err error) {
	d, err := dukptOf(s)
	if err != nil {
		return key, err
	}
	if counter == 0 || bits.Len32(counter) > d.bits || bits.OnesCount32(counter) > d.maxWork {
		return key, ErrPINCounter
	}
	octets := initial.Reveal() // a copy, which the steps write over
	if err := checkKey(s, octets); err != nil {
		return key, err
	}
	if err := d.transaction(octets, id, counter); err != nil {
		return key, err
	}
	if err := d.pin(octets, octets, id, counter); err != nil {
		return key, err
	}
	return scp80.NewKey[PINKey](octets), nil
}

// transaction turns the initial key into the transaction key of a counter.
func (d dukpt) transaction(key []byte, id InitialKeyID, counter uint32) error {
	working := uint32(0)
	for rest := counter; rest != 0; {
		highest := uint32(1) << (bits.Len32(rest) - 1)
		working, rest = working|highest, rest&^highest
		next, err := d.from(key, id)
		if err != nil {
			return err
		}
		if err := next(key, working); err != nil {
			return err
		}
	}
	return nil
}

// PINKeys are an element's PIN keys yet to be used. As X9.24-3 §6.4 and X9.24-1 A.2 have
// it, it holds only keys of counters to come: what is in it opens no PIN block of before.
// It holds them in place, with nothing behind a pointer.
type PINKeys struct {
	suite     scp80.Suite
	length    uint8 // of a key
	id        InitialKeyID
	counter   uint32
	registers [counterBitsAES][maxKey]byte // intermediate keys; zero: used up
}

// NewPINKeys fills the registers from the initial key, which is not kept.
func NewPINKeys(s scp80.Suite, initial InitialKey, id InitialKeyID) (*PINKeys, error) {
	d, err := dukptOf(s)
	if err != nil {
		return nil, err
	}
	octets := initial.Reveal()
	if err := checkKey(s, octets); err != nil {
		return nil, err
	}
	k := &PINKeys{suite: s, length: uint8(len(octets)), id: id, counter: 1}
	return k, k.fill(d, octets, 0, d.bits)
}

// Format prints no key.
func (k *PINKeys) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "applet.PINKeys{counter %d}", k.counter)
}

// Counter is the counter of the next PIN key; 0 when there is none any more.
func (k *PINKeys) Counter() uint32 { return k.counter }

// Next is the PIN key of [PINKeys.Counter]. The key is forgotten here, and the
// counter has moved on.
func (k *PINKeys) Next() (counter uint32, key PINKey, err error) {
	if k.counter == 0 {
		return 0, key, ErrPINCounter
	}
	d, err := dukptOf(k.suite)
	if err != nil {
		return 0, key, err
	}
	counter = k.counter
	octets := make([]byte, k.length)
	if err := d.pin(octets, k.register(bits.TrailingZeros32(counter)), k.id, counter); err != nil {
		return 0, key, err
	}
	return counter, scp80.NewKey[PINKey](octets), k.advance(d)
}

// Skip moves on to counter without handing out the keys between: to restore an element
// from its kept counter, and no way back.
func (k *PINKeys) Skip(counter uint32) error {
	d, err := dukptOf(k.suite)
	for err == nil && k.counter != 0 && k.counter < counter {
		err = k.advance(d)
	}
	return err
}

func (k *PINKeys) register(i int) []byte { return k.registers[i][:k.length] }

// advance drops the key of the counter, derives from it what later counters need and
// moves to the next one with no more one bits than there may be.
func (k *PINKeys) advance(d dukpt) error {
	at := bits.TrailingZeros32(k.counter)
	used := k.registers[at]
	k.registers[at] = [maxKey]byte{}
	if bits.OnesCount32(k.counter) < d.maxWork {
		if err := k.fill(d, used[:k.length], k.counter, at); err != nil {
			return err
		}
		k.counter++
	} else {
		k.counter += k.counter & -k.counter
	}
	if bits.Len32(k.counter) > d.bits { // of 32 bits it has become 0 by itself
		k.counter = 0
	}
	return nil
}

// fill derives the registers below at: those of the counters base + 2^i.
func (k *PINKeys) fill(d dukpt, key []byte, base uint32, below int) error {
	if below == 0 {
		return nil
	}
	next, err := d.from(key, k.id)
	for i := 0; err == nil && i < below; i++ {
		err = next(k.register(i), base|1<<i)
	}
	return err
}
