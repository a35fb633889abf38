package network

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// stream is one direction of a connection: a bounded buffer with a writer and a
// reader, each of which can close its side and has a deadline.
type stream struct {
	mu       sync.Mutex
	readable sync.Cond // there may be octets, an end, a passed deadline
	writable sync.Cond // there may be room, an end, a passed deadline, nobody writing
	octets   ring
	writing  bool  // a Write is in its course: its octets are not mixed with another's
	last     error // what is read behind the last octet; nil while the writer is open
	refusal  error // what a Write gets once the writer is closed
	deaf     bool  // the reader is closed

	readBy, writeBy deadline
}

func newStream(buffer int) *stream {
	s := &stream{octets: ring{bound: buffer}}
	s.readable.L, s.writable.L = &s.mu, &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.deaf:
			return 0, net.ErrClosed
		case s.readBy.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case s.octets.len() > 0:
			n := s.octets.read(b)
			s.writable.Broadcast()
			return n, nil
		case s.last != nil:
			return 0, s.last
		}
		s.readable.Wait()
	}
}

func (s *stream) write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing && s.mayWrite() == nil {
		s.writable.Wait()
	}
	if err := s.mayWrite(); err != nil {
		return 0, err
	}
	s.writing = true
	defer func() {
		s.writing = false
		s.writable.Broadcast()
	}()
	for len(b) > n {
		if err := s.mayWrite(); err != nil {
			return n, err
		}
		if some := s.octets.write(b[n:]); some > 0 {
			n += some
			s.readable.Broadcast()
			continue
		}
		s.writable.Wait()
	}
	return n, nil
}

// mayWrite tells why nothing can be written any more, if so.
func (s *stream) mayWrite() error {
	switch {
	case s.refusal != nil:
		return s.refusal
	case s.writeBy.passed:
		return os.ErrDeadlineExceeded
	case s.deaf:
		return syscall.EPIPE
	default:
		return nil
	}
}

// closeReader drops what is unread, and tells whether there was any. It does nothing
// but say so if it was closed before.
func (s *stream) closeReader() (unread, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return false, false
	}
	unread = s.octets.len() > 0
	s.deaf = true
	s.octets.drop()
	s.readBy.stop()
	s.wake()
	return unread, true
}

// closeWriter ends the stream. Of two ends the first is read; refusals may change.
func (s *stream) closeWriter(last, refusal error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = last
	}
	s.refusal = refusal
	s.writeBy.stop()
	s.wake()
}

func (s *stream) wake() {
	s.readable.Broadcast()
	s.writable.Broadcast()
}

func (s *stream) setReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return net.ErrClosed
	}
	s.readBy.set(t, &s.readable)
	return nil
}

func (s *stream) setWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal == net.ErrClosed { //nolint:errorlint // it is set here, unwrapped
		return net.ErrClosed
	}
	s.writeBy.set(t, &s.writable)
	return nil
}

// deadline is guarded by its stream's mutex.
type deadline struct {
	timer  *time.Timer
	passed bool
}

// set replaces the deadline; the zero time is none. It wakes who waits on c, whose
// lock the caller holds.
func (d *deadline) set(t time.Time, c *sync.Cond) {
	d.stop()
	left := time.Until(t)
	d.passed = !t.IsZero() && left <= 0
	c.Broadcast()
	if t.IsZero() || d.passed {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		c.L.Lock()
		defer c.L.Unlock()
		if d.timer == timer { // not replaced meanwhile
			d.passed = true
			c.Broadcast()
		}
	})
	d.timer = timer
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
