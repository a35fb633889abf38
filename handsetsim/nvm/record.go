package nvm

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"

	"github.com/airtill/airtill/platform/applet"
)

// kind is what a record holds.
type kind uint8

const (
	kindCounters kind = iota // in clear
	kindContents             // sealed, as the rest
	kindNote
	kinds
)

// Layout of the file.
const (
	magic     = "NVM1"
	lenHead   = len(magic) + 4 + 4 // of a batch
	lenBefore = 4 + 1 + 10         // of a record, before its value
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendBatch makes one of records. No records make no batch.
func appendBatch(dst, records []byte) []byte {
	if len(records) == 0 {
		return dst
	}
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(records)))
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(records, castagnoli()))
	return append(dst, records...)
}

// readBatch takes the batch at the start of file; nil if there is no whole one.
func readBatch(file []byte) (records, rest []byte) {
	if len(file) < lenHead || string(file[:len(magic)]) != magic {
		return nil, nil
	}
	n := uint64(binary.BigEndian.Uint32(file[len(magic):]))
	sum := binary.BigEndian.Uint32(file[len(magic)+4:])
	file = file[lenHead:]
	if n == 0 || n > uint64(len(file)) || crc32.Checksum(file[:n], castagnoli()) != sum {
		return nil, nil
	}
	return file[:n], file[n:]
}

// torn says whether what follows the last whole batch is only the beginning of
// another one: no whole one comes after it.
func torn(file []byte) bool {
	for {
		at := bytes.Index(file, []byte(magic))
		if at < 0 {
			return true
		}
		if records, _ := readBatch(file[at:]); records != nil {
			return false
		}
		file = file[at+1:]
	}
}

func appendRecord(dst []byte, k kind, id [10]byte, value []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(lenBefore-4+len(value)))
	dst = append(dst, byte(k))
	dst = append(dst, id[:]...)
	return append(dst, value...)
}

// replay takes all that the file holds and says where its last whole batch ends.
func (m *Memory) replay(size int64) (end int64, err error) {
	for end < size {
		records, err := m.batchAt(end, size)
		if err != nil {
			return end, err
		}
		if records == nil {
			return end, m.onlyTorn(end, size)
		}
		at := end + int64(lenHead)
		end = at + int64(len(records))
		for len(records) > 0 {
			n, ok := m.take(records, at)
			if !ok {
				return end, ErrDamaged
			}
			records, at = records[n:], at+int64(n)
		}
	}
	return end, nil
}

// batchAt reads the records of the batch at a place of the file; nil if there is no whole one.
func (m *Memory) batchAt(at, size int64) ([]byte, error) {
	batch := make([]byte, min(int64(lenHead), size-at))
	if _, err := m.file.ReadAt(batch, at); err != nil {
		return nil, err
	}
	n := int64(lengthOf(batch))
	if n == 0 || n > size-at-int64(lenHead) {
		return nil, nil
	}
	batch = append(batch, make([]byte, n)...)
	if _, err := m.file.ReadAt(batch[lenHead:], at+int64(lenHead)); err != nil {
		return nil, err
	}
	records, _ := readBatch(batch)
	return records, nil
}

// lengthOf is how long the records are that a head announces; 0 if it is none.
func lengthOf(head []byte) uint32 {
	if len(head) < lenHead || string(head[:len(magic)]) != magic {
		return 0
	}
	return binary.BigEndian.Uint32(head[len(magic):])
}

// onlyTorn refuses a file that has a fault before its last batch.
func (m *Memory) onlyTorn(at, size int64) error {
	rest := make([]byte, size-at)
	if _, err := m.file.ReadAt(rest, at); err != nil {
		return err
	}
	if !torn(rest) {
		return ErrDamaged
	}
	return nil
}

// take takes the first of some records, which are at a place of the file, and says how
// long it is.
func (m *Memory) take(records []byte, at int64) (n int, ok bool) {
	if len(records) < lenBefore {
		return 0, false
	}
	n = 4 + int(binary.BigEndian.Uint32(records))
	if n < lenBefore || n > len(records) {
		return 0, false
	}
	k, value := kind(records[4]), records[lenBefore:n]
	s, err := m.slot(applet.ElementID(hex.EncodeToString(records[5:lenBefore])))
	if err != nil || k >= kinds || k == kindCounters && len(value) != lenState {
		return 0, false
	}
	if k == kindCounters {
		s.reserved = readState(value)
	} else {
		s.places[k] = place{at: at + int64(lenBefore), size: uint32(len(value))}
	}
	return n, true
}
