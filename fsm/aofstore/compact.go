package aofstore

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/airtill/airtill/fsm/fault"
)

// When a file is compacted: when it is so many times as long as after the last
// compaction, and at least so long.
const (
	growth       = 4
	defaultFloor = 32 << 20
)

// grownTo says how long the file has to be for the next compaction. A build that is to
// end itself in the middle of compactions makes some.
func (s *Store) grownTo() int64 {
	if fault.Armed {
		return s.base.Load() + 256<<10
	}
	return max(s.floor, growth*s.base.Load())
}

// compactions compacts the file whenever it has grown.
func (s *Store) compactions() {
	for range s.grown {
		if s.log.length() <= s.grownTo() {
			continue // done since
		}
		if err := s.compact(); err != nil {
			s.warn(fmt.Errorf("the append-only file was not compacted, and goes on growing: %w", err))
		}
	}
}

// compact writes what is live to a new file, and what is appended meanwhile, and puts it
// in the place of the old one.
func (s *Store) compact() error {
	defer func() { s.base.Store(s.log.length()) }() // also after a failure, so as not to try at once again
	live, err := s.beginCompaction()
	if err != nil {
		return err
	}
	fault.Point(fault.AfterSnapshot)
	next, err := s.dir.create(live)
	if err != nil {
		s.log.stopRewriting()
		return err
	}
	if err := s.follow(next); err != nil {
		s.log.stopRewriting()
		return errors.Join(err, next.remove())
	}
	return s.log.endRewriting(next.replace)
}

// follow writes what was appended meanwhile, until little is left for the end, when
// everybody waits.
func (s *Store) follow(next *rewrite) error {
	for {
		tail := s.log.takeTail()
		if err := next.append(tail); err != nil || len(tail) <= longTail {
			return err
		}
	}
}

// longTail is what is worth writing while others go on.
const longTail = 1 << 20

// beginCompaction takes the snapshot, while clients wait.
func (s *Store) beginCompaction() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	live, err := snapshot(s.redis)
	if err == nil {
		s.log.beginRewriting()
	}
	return live, err
}

// rewrite is a new file in the making.
type rewrite struct {
	dir  *directory
	disk disk
	size int64
}

// append writes units and their checksum.
func (r *rewrite) append(units []byte) error {
	if len(units) == 0 {
		return nil
	}
	group := appendChecksum(units, crc32.Checksum(units, castagnoli))
	n, err := r.disk.WriteAt(group, r.size)
	r.size += int64(n)
	return err
}

// replace completes the new file and puts it in the place of the old one.
func (r *rewrite) replace(tail []byte) (disk, int64, error) {
	err := r.append(tail)
	if err == nil {
		err = r.disk.Sync()
	}
	if err == nil {
		err = r.dir.rename()
	}
	switch {
	case errors.Is(err, errHalfway):
		return nil, 0, err
	case err != nil:
		return nil, 0, errors.Join(err, r.remove())
	}
	return r.disk, r.size, nil
}

func (r *rewrite) remove() error { return errors.Join(r.disk.Close(), r.dir.removeNew()) }
