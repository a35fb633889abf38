package nvm

import (
	"fmt"
	"io"
)

// image is all that is kept, at one moment: what a file that is written anew holds.
type image struct {
	file   io.ReaderAt // that the values are in which do not wait
	slots  []imageSlot
	values []written // once it is written: where they are
}

type imageSlot struct {
	slot     *Slot
	reserved []byte // counters
	values   [kinds]imageValue
}

// imageValue is a sealed value: in line, or in the file of before.
type imageValue struct {
	waiting
	place
}

// everything is what is kept now. The memory is locked.
func (m *Memory) everything() *image {
	all := &image{file: m.file, slots: make([]imageSlot, 0, len(m.slots))}
	for _, s := range m.slots {
		one := imageSlot{slot: s, reserved: appendState(nil, s.reserved)}
		for k := kindContents; k < kinds; k++ {
			one.values[k] = imageValue{m.waiting[valueOf{s, k}], s.places[k]}
		}
		all.slots = append(all.slots, one)
	}
	return all
}

// least is how long all of an element is in a file, the heads of batches left out.
func (s *Slot) least() int64 {
	n := int64(lenBefore + lenState)
	for k := kindContents; k < kinds; k++ {
		n += s.places[k].record()
	}
	return n
}

// imageBatch is about how long the batches of a file are that is written anew.
const imageBatch = 1 << 20

// write replaces the disk's file, batch by batch, and answers how long it is.
func (i *image) write(d disk) (size int64, err error) {
	err = d.replace(func(add func([]byte) error) error {
		var records []byte
		begun := len(i.values)
		flush := func() error {
			for at := begun; at < len(i.values); at++ {
				i.values[at].at.at += size + int64(lenHead)
			}
			batch := appendBatch(nil, records)
			begun, records, size = len(i.values), records[:0], size+int64(len(batch))
			return add(batch)
		}
		for _, s := range i.slots {
			if records, err = i.append(records, s); err != nil {
				return err
			}
			if len(records) < imageBatch {
				continue
			}
			if err := flush(); err != nil {
				return err
			}
		}
		return flush()
	})
	return size, err
}

// append puts one element's records behind others.
func (i *image) append(records []byte, s imageSlot) ([]byte, error) {
	for k := kindContents; k < kinds; k++ {
		v := s.values[k]
		sealed := v.sealed
		if sealed == nil && v.size > 0 {
			sealed = make([]byte, v.size)
			if _, err := i.file.ReadAt(sealed, v.at); err != nil {
				return nil, fmt.Errorf("read what element %x keeps: %w", s.slot.id, err)
			}
		}
		if sealed == nil {
			continue
		}
		at := place{at: int64(len(records) + lenBefore), size: uint32(len(sealed))}
		i.values = append(i.values, written{valueOf{s.slot, k}, v.number, at})
		records = appendRecord(records, k, s.slot.id, sealed)
	}
	return appendRecord(records, kindCounters, s.slot.id, s.reserved), nil
}
