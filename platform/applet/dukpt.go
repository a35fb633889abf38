package applet

import (
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/airtill/airtill/platform/scp80"
)

// InitialKeyID names an element's initial key (ANSI X9.24-3 §6.2).
type InitialKeyID [8]byte

// InitialKeyID is the last 16 digits of the element's number, as EMV option A takes
// them of a card's. It must have been parsed.
func (id ElementID) InitialKeyID(s scp80.Suite) (InitialKeyID, error) {
	if s != scp80.Modern {
		return InitialKeyID{}, fmt.Errorf("name an initial key: %w", ErrSuite)
	}
	octets, err := id.Octets()
	return InitialKeyID(octets[lenElementID-8:]), err
}

// ErrPINCounter is a DUKPT counter that no PIN key belongs to, or the end of them.
var ErrPINCounter = errors.New("no PIN key of this counter")

// maxWork is the most one bits in a counter, so that no derivation takes more
// steps than that (X9.24-3 §6.2.1).
const maxWork = 16

// Usages in derivation data (X9.24-3 table 5).
const (
	usagePIN     = 0x1000
	usageDerive  = 0x8000
	usageInitial = 0x8001
)

// DeriveInitialKey derives an element's initial key from the base key.
func DeriveInitialKey(s scp80.Suite, base BaseKey, id InitialKeyID) (InitialKey, error) {
	if s != scp80.Modern {
		return InitialKey{}, fmt.Errorf("derive an initial key: %w", ErrSuite)
	}
	data := derivationData(usageInitial, len(base.Reveal()))
	copy(data[8:], id[:])
	return derive[InitialKey](base.Reveal(), data)
}

// DerivePINKey derives the PIN key of a counter as the platform does: from the
// initial key, one step for each one bit of the counter (X9.24-3 §6.3).
func DerivePINKey(s scp80.Suite, initial InitialKey, id InitialKeyID, counter uint32) (PINKey, error) {
	if s != scp80.Modern {
		return PINKey{}, fmt.Errorf("derive a PIN key: %w", ErrSuite)
	}
	if counter == 0 || bits.OnesCount32(counter) > maxWork {
		return PINKey{}, ErrPINCounter
	}
	transaction, err := deriveTransactionKey(initial.Reveal(), id, counter)
	if err != nil {
		return PINKey{}, err
	}
	return derive[PINKey](transaction, stepData(usagePIN, len(transaction), id, counter))
}

func deriveTransactionKey(key []byte, id InitialKeyID, counter uint32) ([]byte, error) {
	working := uint32(0)
	for rest := counter; rest != 0; {
		highest := uint32(1) << (bits.Len32(rest) - 1)
		working, rest = working|highest, rest&^highest
		next, err := deriveStep(key, stepData(usageDerive, len(key), id, working))
		if err != nil {
			return nil, err
		}
		key = next
	}
	return key, nil
}

// PINKeys are an element's PIN keys yet to be used. As X9.24-3 §6.4 has it, it holds
// only keys of counters to come: what is in it opens no PIN block of before.
type PINKeys struct {
	id        InitialKeyID
	counter   uint32
	registers [32][]byte // intermediate keys; nil: used up
}

// NewPINKeys fills the registers from the initial key, which is not kept.
func NewPINKeys(s scp80.Suite, initial InitialKey, id InitialKeyID) (*PINKeys, error) {
	if s != scp80.Modern {
		return nil, fmt.Errorf("make PIN keys: %w", ErrSuite)
	}
	k := &PINKeys{id: id, counter: 1}
	return k, k.fill(initial.Reveal(), 0, len(k.registers))
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
	counter, at := k.counter, bits.TrailingZeros32(k.counter)
	transaction := k.registers[at]
	key, err = derive[PINKey](transaction, stepData(usagePIN, len(transaction), k.id, counter))
	if err != nil {
		return 0, key, err
	}
	return counter, key, k.advance(transaction, at)
}

// Skip moves on to counter without making the keys between: to restore an element
// from its kept counter, and no way back.
func (k *PINKeys) Skip(counter uint32) error {
	for k.counter != 0 && k.counter < counter {
		if _, _, err := k.Next(); err != nil {
			return err
		}
	}
	return nil
}

// advance drops the used key, derives what its later counters need and moves to the
// next counter with at most maxWork one bits.
func (k *PINKeys) advance(used []byte, at int) error {
	k.registers[at] = nil
	if bits.OnesCount32(k.counter) < maxWork {
		if err := k.fill(used, k.counter, at); err != nil {
			return err
		}
		k.counter++
		return nil
	}
	k.counter += k.counter & -k.counter // wraps to 0 at the end
	return nil
}

// fill derives the registers below at: those of the counters base + 2^i.
func (k *PINKeys) fill(key []byte, base uint32, below int) error {
	for i := range below {
		next, err := deriveStep(key, stepData(usageDerive, len(key), k.id, base|1<<i))
		if err != nil {
			return err
		}
		k.registers[i] = next
	}
	return nil
}

// derivationData is the head of derivation data (X9.24-3 §6.3.2): version, block
// counter, usage, algorithm and length of the key that is derived, all AES.
func derivationData(usage uint16, keyLen int) (data [aes.BlockSize]byte) {
	data[0], data[1] = 1, 1
	binary.BigEndian.PutUint16(data[2:], usage)
	binary.BigEndian.PutUint16(data[4:], uint16(keyLen/8)) // 2, 3, 4: AES-128, -192, -256
	binary.BigEndian.PutUint16(data[6:], uint16(keyLen*8))
	return data
}

// stepData is derivation data of a counter: the last 4 octets of the id, then the counter.
func stepData(usage uint16, keyLen int, id InitialKeyID, counter uint32) [aes.BlockSize]byte {
	data := derivationData(usage, keyLen)
	copy(data[8:], id[4:])
	binary.BigEndian.PutUint32(data[12:], counter)
	return data
}

func derive[K interface{ scp80.Key[P] }, P any](from []byte, data [aes.BlockSize]byte) (key K, err error) {
	octets, err := deriveStep(from, data)
	if err != nil {
		return key, err
	}
	return scp80.NewKey[K, P](octets), nil
}

// deriveStep derives a key as long as the one it is derived from: as many blocks of
// enciphered derivation data as that takes (X9.24-3 §6.3.1).
func deriveStep(from []byte, data [aes.BlockSize]byte) ([]byte, error) {
	block, err := aes.NewCipher(from)
	if err != nil {
		return nil, fmt.Errorf("derive a DUKPT key: %w", err)
	}
	var out [2 * aes.BlockSize]byte
	for at := 0; at < len(from); at += aes.BlockSize {
		block.Encrypt(out[at:], data[:])
		data[1]++
	}
	return append([]byte(nil), out[:len(from)]...), nil
}
