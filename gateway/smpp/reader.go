package smpp

import (
	"encoding/binary"
	"io"
)

// FrameError says that a stream's command_length cannot be: less than a header
// or more than the bound. The stream cannot be followed after it; the answer is
// a generic_nack with ESME_RINVCMDLEN and Sequence, and then the end, §3.2, §4.3.
type FrameError struct {
	Length   uint32
	Sequence uint32 // the PDU's, zero if it could not be read
}

// Error says what length was claimed.
func (e *FrameError) Error() string {
	return (&StatusError{RINVCMDLEN, "command_length"}).Error()
}

// Unwrap gives the status to answer with.
func (e *FrameError) Unwrap() error { return &StatusError{RINVCMDLEN, "command_length"} }

const (
	readerStart = 4 << 10  // a quiet session's buffer
	readerMost  = 64 << 10 // a busy one's: hundreds of PDUs a read
)

// Reader cuts a stream of octets into frames. Messages have no edges in TCP: a
// frame may come an octet at a time, or hundreds of them in one read.
type Reader struct {
	r     io.Reader
	most  int
	buf   []byte
	start int // first octet not handed out
	end   int // after the last octet read
}

// NewReader reads frames of at most most octets, MaxPDU if it is zero.
func NewReader(r io.Reader, most int) *Reader {
	if most <= 0 {
		most = MaxPDU
	}
	return &Reader{r: r, most: most, buf: make([]byte, readerStart)}
}

// Next returns the next frame, valid until the call after. The error is a
// *FrameError, io.EOF between frames, io.ErrUnexpectedEOF within one, or the
// underlying reader's.
func (r *Reader) Next() ([]byte, error) {
	for {
		n, err := r.frame()
		if err != nil {
			return nil, err
		}
		if n > 0 && r.end-r.start >= n {
			f := r.buf[r.start : r.start+n : r.start+n]
			r.start += n
			return f, nil
		}
		if err := r.fill(n); err != nil {
			return nil, err
		}
	}
}

// Buffered says whether Next would return at once, without reading.
func (r *Reader) Buffered() bool {
	n, err := r.frame()
	return err != nil || n > 0 && r.end-r.start >= n
}

// Partial says whether a frame has begun that is not whole yet.
func (r *Reader) Partial() bool { return r.end > r.start && !r.Buffered() }

// frame reads command_length and bounds it. It is zero while not all there.
func (r *Reader) frame() (int, error) {
	have := r.buf[r.start:r.end]
	if len(have) < 4 {
		return 0, nil
	}
	n := binary.BigEndian.Uint32(have)
	if n >= HeaderLen && uint64(n) <= uint64(r.most) {
		return int(n), nil
	}
	if len(have) >= HeaderLen {
		return 0, &FrameError{n, binary.BigEndian.Uint32(have[12:])}
	}
	if n >= HeaderLen {
		return 0, nil // too long, but its sequence number is still to come
	}
	return 0, &FrameError{Length: n}
}

// fill reads once, after making room for a frame of n octets.
func (r *Reader) fill(n int) error {
	r.makeRoom(max(n, HeaderLen))
	for range 100 {
		got, err := r.r.Read(r.buf[r.end:])
		r.end += got
		if got > 0 {
			return nil
		}
		if err == io.EOF && r.end > r.start {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves what is left to the front, and grows the buffer for a frame
// that does not fit, or after a read that filled it.
func (r *Reader) makeRoom(n int) {
	full := r.end == len(r.buf)
	left := copy(r.buf, r.buf[r.start:r.end])
	size := len(r.buf)
	if full && size < readerMost {
		size *= 2
	}
	if size = max(size, n); size > len(r.buf) {
		grown := make([]byte, size)
		copy(grown, r.buf[:left])
		r.buf = grown
	}
	r.start, r.end = 0, left
}
