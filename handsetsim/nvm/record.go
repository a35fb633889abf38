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

// replay takes all that a file holds.
func (m *Memory) replay(file []byte) error {
	for len(file) > 0 {
		records, rest := readBatch(file)
		if records == nil {
			if !torn(file) {
				return ErrDamaged
			}
			return nil
		}
		for len(records) > 0 {
			n, ok := m.take(records)
			if !ok {
				return ErrDamaged
			}
			records = records[n:]
		}
		file = rest
	}
	return nil
}

// take takes the first of some records and says how long it is.
func (m *Memory) take(records []byte) (n int, ok bool) {
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
		s.values[k] = bytes.Clone(value)
	}
	return n, true
}

// everything is all that is kept, each value once.
func (m *Memory) everything() []byte {
	var records []byte
	for _, s := range m.slots {
		for k := kindContents; k < kinds; k++ {
			if s.values[k] != nil {
				records = appendRecord(records, k, s.id, s.values[k])
			}
		}
		records = appendRecord(records, kindCounters, s.id, appendState(nil, s.reserved))
	}
	return appendBatch(nil, records)
}
