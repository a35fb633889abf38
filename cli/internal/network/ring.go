package network

// ring holds octets in their order, as many as its bound. Its memory grows with what
// it holds, and a large one is given back when it is empty.
type ring struct {
	bound int
	buf   []byte
	start int // of the octets in buf
	held  int
}

const (
	leastRing = 4 << 10
	keptRing  = 64 << 10
)

func (r *ring) len() int { return r.held }

// write takes as much of b as there is room for.
func (r *ring) write(b []byte) int {
	b = b[:min(len(b), r.bound-r.held)]
	r.grow(r.held + len(b))
	for rest := b; len(rest) > 0; {
		end := (r.start + r.held) % len(r.buf)
		n := copy(r.buf[end:min(len(r.buf), end+len(r.buf)-r.held)], rest)
		r.held += n
		rest = rest[n:]
	}
	return len(b)
}

// grow makes sure of memory for n octets.
func (r *ring) grow(n int) {
	if n <= len(r.buf) {
		return
	}
	size := max(len(r.buf), leastRing)
	for size < n {
		size *= 2
	}
	buf := make([]byte, min(size, max(r.bound, n)))
	held := r.held
	r.read(buf)
	r.buf, r.start, r.held = buf, 0, held
}

// read moves octets into b, as many as it takes.
func (r *ring) read(b []byte) int {
	n := 0
	for n < len(b) && r.held > 0 {
		some := copy(b[n:], r.buf[r.start:min(len(r.buf), r.start+r.held)])
		n += some
		r.held -= some
		r.start = (r.start + some) % len(r.buf)
	}
	if r.held == 0 {
		r.start = 0
		if len(r.buf) > keptRing {
			r.buf = nil
		}
	}
	return n
}

func (r *ring) drop() {
	r.buf, r.start, r.held = nil, 0, 0
}
