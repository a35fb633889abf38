// Package link is one SMPP 3.4 connection, seen from either end: frames in, PDUs out.
//
// One goroutine reads and never writes; [Link.Write] runs on another. What is
// sent while a read is being worked through goes out as one write, so that the
// cost of a message is not a system call (hundreds of submit_sm in one read are
// answered by one write). A peer that does not read what is sent to it is not
// read from either: what waits for it is bounded.
//
// The package knows framing and flow only. Binds, windows and what a PDU means
// belong to esme and smsc.
package link

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/trace"
)

// ErrClosed says that nothing can be sent any more.
var ErrClosed = errors.New("link: closed")

// Defaults of Config.
const (
	defaultFrame = 10 * time.Second
	defaultWrite = 30 * time.Second
	defaultQueue = 256 << 10
	keepBuffer   = 512 << 10 // a larger write buffer is let go after use
	lingerFor    = time.Second
)

// Config is what a Link works with. The zero value of all but Conn is usable.
type Config struct {
	Conn   net.Conn
	MaxPDU int           // bound of command_length; zero is smpp.MaxPDU
	Frame  time.Duration // how long a frame that has begun may take; zero is 10 s
	Write  time.Duration // how long a write may take; zero is 30 s
	Queue  int           // octets waiting to be written above which reading stops; zero is 256 KiB
	// Idle is called by the reader, if set, when all that one read brought has
	// been handed out, and what was sent meanwhile is on its way.
	Idle func()
	// Trace records every PDU, if set: when it has been read, and when it is queued to
	// be written.
	Trace *trace.Flow
}

// Link is one connection. Next is for one goroutine, Write for another, the
// rest for any.
type Link struct {
	config Config
	frames *smpp.Reader
	read   atomic.Int64 // when the last octets came, in nanoseconds since started
	start  time.Time
	came   time.Time // as read, for the reader
	slow   bool      // the read deadline of a frame under way is set

	wake chan struct{} // something to write, or closing
	room chan struct{} // the queue was taken by the writer
	done chan struct{} // the writer has ended

	mu      sync.Mutex
	queue   []byte
	held    bool // the reader is working through a read
	closing bool // nothing more is taken
	hung    bool // nothing more is written, the peer may still be heard
}

// New makes a Link over a connection. Write must be run for anything to be sent.
func New(c Config) *Link {
	if c.Frame <= 0 {
		c.Frame = defaultFrame
	}
	if c.Write <= 0 {
		c.Write = defaultWrite
	}
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	l := &Link{
		config: c, start: time.Now(),
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), done: make(chan struct{}),
	}
	l.frames = smpp.NewReader((*source)(l), c.MaxPDU)
	return l
}

// Next returns the next frame, valid until the call after. Its errors are those
// of smpp.Reader.
func (l *Link) Next() ([]byte, error) {
	frame, err := l.frames.Next()
	if l.config.Trace != nil && err == nil {
		l.config.Trace.In(frame, l.came)
	}
	return frame, err
}

// Arrived is when the octets came that are being worked through. It is for the reader.
func (l *Link) Arrived() time.Time { return l.came }

// Quiet is how long nothing has come from the peer.
func (l *Link) Quiet() time.Duration { return time.Since(l.start) - time.Duration(l.read.Load()) }

// Send queues a PDU. It does not block, and fails if the PDU cannot be encoded
// or the link is closed.
func (l *Link) Send(p smpp.PDU) error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return ErrClosed
	}
	before := len(l.queue)
	queue, err := smpp.Append(l.queue, p)
	l.queue = queue
	l.sent(before)
	return err
}

// SendOctets queues what may be no PDU at all, as Send does.
func (l *Link) SendOctets(b []byte) error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return ErrClosed
	}
	before := len(l.queue)
	l.queue = append(l.queue, b...)
	l.sent(before)
	return nil
}

// sent gives the lock back after something was queued, and has it written unless the
// reader will.
func (l *Link) sent(before int) {
	if l.config.Trace != nil && len(l.queue) > before {
		l.config.Trace.Out(l.queue[before:], time.Now())
	}
	wake := !l.held
	l.mu.Unlock()
	if wake {
		nudge(l.wake)
	}
}

// Close lets what is queued be written, and then ends the connection. It does
// not wait; it may be called twice.
func (l *Link) Close() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	nudge(l.wake)
}

// Write writes what is sent until the link is closed or a write fails, then ends
// the connection, so that Next fails.
func (l *Link) Write() error {
	defer close(l.done)
	var spare []byte
	for range l.wake {
		batch, closing := l.take(spare[:0])
		nudge(l.room)
		if err := l.write(batch); err != nil {
			l.Abort()
			return err
		}
		if spare = batch; cap(spare) > keepBuffer {
			spare = nil
		}
		if closing {
			l.hangUp()
			return nil
		}
	}
	return nil
}

func (l *Link) take(spare []byte) (batch []byte, closing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch, l.queue = l.queue, spare
	return batch, l.closing
}

func (l *Link) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := l.config.Conn.SetWriteDeadline(time.Now().Add(l.config.Write)); err != nil {
		return err
	}
	_, err := l.config.Conn.Write(b)
	return err
}

// Abort ends the connection at once. What is queued is lost.
func (l *Link) Abort() {
	l.mu.Lock()
	l.closing = true
	l.queue = nil
	l.mu.Unlock()
	_ = l.config.Conn.Close()
	nudge(l.wake)
}

// hangUp ends the connection so that the peer still gets what was written: a
// TCP connection closed with octets unread would be reset, and the last answer lost.
func (l *Link) hangUp() {
	half, ok := l.config.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		_ = l.config.Conn.Close()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hung = true
	_ = l.config.Conn.SetReadDeadline(time.Now().Add(lingerFor))
}

// Drain discards what still comes until the peer or hangUp ends it. The reader
// calls it once it will not call Next again.
func (l *Link) Drain() {
	var waste [4096]byte
	for {
		if _, err := l.config.Conn.Read(waste[:]); err != nil {
			return
		}
	}
}

// source is a Link as its frames.Reader reads it: the moment between two reads
// is when what was sent goes out.
type source Link

func (s *source) Read(p []byte) (int, error) {
	l := (*Link)(s)
	l.release()
	if l.config.Idle != nil {
		l.config.Idle()
	}
	if err := l.waitForRoom(); err != nil {
		return 0, err
	}
	if err := l.deadline(); err != nil {
		return 0, err
	}
	n, err := l.config.Conn.Read(p)
	if n > 0 {
		l.came = time.Now()
		l.read.Store(int64(l.came.Sub(l.start)))
		l.hold()
	}
	return n, err
}

func (l *Link) hold() {
	l.mu.Lock()
	l.held = true
	l.mu.Unlock()
}

func (l *Link) release() {
	l.mu.Lock()
	l.held = false
	some := len(l.queue) > 0
	l.mu.Unlock()
	if some {
		nudge(l.wake)
	}
}

// waitForRoom stops the reader while more waits for the peer than it may.
func (l *Link) waitForRoom() error {
	for {
		l.mu.Lock()
		full, closing := len(l.queue) > l.config.Queue, l.closing
		l.mu.Unlock()
		if closing || !full {
			return nil
		}
		select {
		case <-l.room:
		case <-l.done:
			return io.ErrClosedPipe
		}
	}
}

// deadline bounds the time that a frame may take from its first octet on.
func (l *Link) deadline() error {
	partial := l.frames.Partial()
	if partial == l.slow {
		return nil
	}
	l.slow = partial
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hung {
		return nil // hangUp has set its own
	}
	if partial {
		return l.config.Conn.SetReadDeadline(time.Now().Add(l.config.Frame))
	}
	return l.config.Conn.SetReadDeadline(time.Time{})
}

// nudge wakes a channel's receiver, unless it is awake already.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
