package aofstore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/alicebob/miniredis/v2"

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
// in the place of the old one. What is live is read from the old file, beside the store,
// so that clients do not wait for it; it takes as much memory again while it does.
func (s *Store) compact() error { return s.rewrite(s.liveInFile) }

func (s *Store) rewrite(live func(size int64) ([]byte, error)) error {
	defer func() { s.base.Store(s.log.length()) }() // also after a failure, so as not to try at once again
	size, err := s.log.beginRewriting()
	if err != nil {
		return err
	}
	next, err := s.begin(live, size)
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

// begin begins a new file with what is live in so much of the old one.
func (s *Store) begin(live func(size int64) ([]byte, error), size int64) (*rewrite, error) {
	text, err := live(size)
	if err != nil {
		return nil, err
	}
	fault.Point(fault.AfterSnapshot)
	return s.dir.create(text)
}

// liveInFile is what is live in so much of the file.
func (s *Store) liveInFile(size int64) ([]byte, error) {
	f, err := os.Open(s.dir.file(fileName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	twin := &Store{redis: miniredis.NewMiniRedis()}
	first, err := twin.redis.Dial() // starts it without a listener
	if err != nil {
		return nil, err
	}
	_ = first.Close()
	defer twin.redis.Close()
	if _, err := replay(f, size, newSession(twin, nil).run); err != nil {
		return nil, err
	}
	return snapshot(twin.redis)
}

// liveInMemory is what is live when nobody changes it.
func (s *Store) liveInMemory(int64) ([]byte, error) { return snapshot(s.redis) }

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
