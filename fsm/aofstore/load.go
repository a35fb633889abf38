package aofstore

import (
	"errors"
	"fmt"
	"os"
)

// load locks the directory, and runs what its file has.
func (s *Store) load(o Options) error {
	if o.Dir == "" {
		return nil
	}
	dir, err := openDirectory(o.Dir, o.wrap)
	if err != nil {
		return err
	}
	f, err := dir.open(fileName, 0)
	if err != nil {
		return errors.Join(fmt.Errorf("open the append-only file: %w", err), dir.close())
	}
	s.dir = dir
	if err := s.replay(f); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", f.Name(), err), f.Close(), dir.close())
	}
	if s.log.length() < s.floor/growth {
		return nil
	}
	if err := s.rewrite(s.liveInMemory); err != nil {
		s.warn(fmt.Errorf("the append-only file was not compacted: %w", err))
	}
	return nil
}

// replay runs the file and begins its log where it goes on.
func (s *Store) replay(f *os.File) error {
	if err := s.dir.sync(); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	found, err := replay(f, info.Size(), newSession(s, nil).run)
	if err != nil {
		return err
	}
	if torn := info.Size() - found.keep; torn > 0 {
		if err := s.dir.cut(f, found.keep); err != nil {
			return fmt.Errorf("cut off a torn tail: %w", err)
		}
		s.warn(fmt.Errorf("%s: the last %d octets are no whole batch and were never acknowledged: cut off at %d, and put aside in %s",
			f.Name(), torn, found.keep, tornName))
	}
	s.log = newLog(s.dir.disk(f), found.keep, found.since, found.sum)
	s.base.Store(found.keep)
	return nil
}
