package aofstore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/fsm/fault"
)

// disk is the file of a log, as far as the log uses it.
type disk interface {
	WriteAt(b []byte, at int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// checksum begins the command that ends each group: ECHO of the CRC-32C of the group's
// octets. A server that loads the file runs it, to no effect.
const checksum = "ECHO"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendChecksum ends a group.
func appendChecksum(group []byte, sum uint32) []byte {
	return appendCommand(group, checksum, fmt.Sprintf("%08x", sum))
}

// log is the append-only file. Units are appended in memory; whoever needs them kept
// waits for the sync that covers them. While one sync is in flight what is appended
// gathers, and goes with the next: group commit without a timer.
type log struct {
	mu      sync.Mutex
	turn    sync.Cond // the writing has ended
	writing bool

	disk    disk
	size    atomic.Int64 // of the file, as far as it is synced; who writes changes it
	pending []byte       // appended, not yet synced
	since   int          // octets of it after its last checksum
	sum     uint32       // of those
	spare   []byte       // for the next pending

	appended, synced int64 // octets of units, ever
	failed           error // of the last writing
	lost             error // for good

	rewriting bool
	tail      []byte // units appended since the snapshot of the rewriting
}

func newLog(d disk, size int64, since int, sum uint32) *log {
	l := &log{disk: d, since: since, sum: sum}
	l.size.Store(size)
	l.turn.L = &l.mu
	return l
}

// append adds a unit, and answers the mark to wait for.
func (l *log) append(unit []byte) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, unit...)
	l.since += len(unit)
	l.sum = crc32.Update(l.sum, castagnoli, unit)
	l.appended += int64(len(unit))
	if l.rewriting {
		l.tail = append(l.tail, unit...)
	}
	return l.appended
}

// mark is what to wait for so that all that was appended is kept.
func (l *log) mark() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appended
}

// await returns when all up to the mark is synced. After an error nothing is lost: it
// is written again when somebody waits again.
func (l *log) await(mark int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.synced < mark {
		if l.writing {
			l.turn.Wait()
			continue
		}
		if err := l.write(l.flush); err != nil {
			return err
		}
	}
	return l.lost
}

// ailing says that the last writing failed; what was appended may not be kept yet.
func (l *log) ailing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed != nil
}

// write has all that is pending written by the function, with mu let go meanwhile.
func (l *log) write(by func(group []byte) error) error {
	if l.lost != nil {
		return l.lost
	}
	group, end := l.pending, l.appended
	if l.since > 0 {
		group = appendChecksum(group, l.sum)
	}
	l.pending, l.spare, l.since, l.sum = l.spare[:0], nil, 0, 0
	l.writing = true
	l.mu.Unlock()
	err := by(group)
	l.mu.Lock()
	l.writing, l.failed = false, err
	l.turn.Broadcast()
	if err != nil {
		l.pending = append(group, l.pending...)
		return err
	}
	l.synced, l.spare = end, group[:0]
	return nil
}

// flush appends a group to the file. What a failed attempt left is cut off first: pages
// of a failed sync are not written by the next, but those of a new write are.
func (l *log) flush(group []byte) error {
	fault.Point(fault.BeforeWrite)
	_, err := l.disk.WriteAt(group, l.size.Load())
	if err == nil {
		fault.Point(fault.AfterWrite)
		err = l.disk.Sync()
	}
	fault.Point(fault.AfterSync)
	if err != nil {
		return errors.Join(fmt.Errorf("write the append-only file: %w", err), l.disk.Truncate(l.size.Load()))
	}
	l.size.Add(int64(len(group)))
	return nil
}

// beginRewriting collects what is appended for the new file: all that is not in the old
// one, whose size it answers, yet.
func (l *log) beginRewriting() (size int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing {
		l.turn.Wait()
	}
	if l.failed != nil {
		return 0, l.failed // what is pending ends in a checksum
	}
	l.rewriting, l.tail = true, slices.Clone(l.pending)
	return l.size.Load(), nil
}

// takeTail takes what was collected so far.
func (l *log) takeTail() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := l.tail
	l.tail = nil
	return tail
}

// endRewriting puts the new file, which holds the snapshot and the tails taken so far, in
// the place of the old one: replace completes it with the last tail and renames it. An
// error that is errHalfway leaves it open which of them is there.
func (l *log) endRewriting(replace func(tail []byte) (disk, int64, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing {
		l.turn.Wait()
	}
	tail := l.tail
	l.rewriting, l.tail = false, nil
	before := l.failed
	err := l.write(func([]byte) error {
		next, size, err := replace(tail)
		if err != nil {
			return err
		}
		old := l.disk
		l.disk = next
		l.size.Store(size)
		_ = old.Close() // it has no name any more
		return nil
	})
	switch {
	case errors.Is(err, errHalfway):
		l.lost = err
	case err != nil:
		l.failed = before // the old file is as good as it was
	}
	return err
}

// stopRewriting gives the new file up.
func (l *log) stopRewriting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rewriting, l.tail = false, nil
}

// errHalfway is for a new file that is in place, perhaps not for good.
var errHalfway = errors.New("the data directory could not be synced; start again, on a disk that works")

// close writes what is left, and closes the file.
func (l *log) close() error {
	err := l.await(l.mark())
	return errors.Join(err, l.disk.Close())
}

// length is the length of the file, as far as it is synced.
func (l *log) length() int64 { return l.size.Load() }
