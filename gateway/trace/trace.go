// Package trace writes down every PDU that passes, as a capture file that Wireshark
// and tshark open: pcapng (draft-ietf-opsawg-pcapng), link type RAW, times in
// nanoseconds. PDUs are put into TCP packets with the connection's own addresses and
// ports, a handshake before the first and a FIN after the last, so that streams can
// be followed and PDUs over a segment are put together again. The packets are made
// here: no capture rights are needed, and of connections under TLS the file has the
// plain text.
//
// Wireshark knows SMPP by its port 2775 and mostly by its look. [DecodeAs] has what
// to tell it of another port, which belongs into the file's comment too.
//
// A session is never made to wait: what cannot be written in time is left out and
// counted, and the file says so at the next packet and at its end. The file is
// written in whole packets and readable at any time, also after a crash.
//
// Passwords in binds, and what users type in USSD sessions, which may be a PIN, are
// written as asterisks; a code that is dialled is not. Texts of messages are not
// either: a trace is as secret as the messages in it.
//
// Wireshark takes no PDU of more than 64 KiB for SMPP.
//
// Left out: TCP's own doings (retransmissions, acknowledgements without data, real
// segment edges), and a bound on the file's size.
package trace

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Trace works with. Only To is needed.
type Config struct {
	To          io.Writer // the file; each Write brings whole blocks
	Queue       int       // octets waiting to be written, above which PDUs are left out; zero is 8 MiB
	KeepSecrets bool      // write passwords and what users type as they are
	Comment     string    // what the file says about itself
}

const (
	defaultQueue = 8 << 20
	flushAfter   = 250 * time.Millisecond // what waits is written then, if not before
	entryCost    = 64                     // octets that an entry takes in the queue beside its PDU
)

// DecodeAs tells Wireshark and tshark which ports have SMPP: "-d tcp.port==12775,smpp".
func DecodeAs(ports ...int) string {
	var options []string
	for _, port := range ports {
		options = append(options, fmt.Sprintf("-d tcp.port==%d,smpp", port))
	}
	return strings.Join(options, " ")
}

// Trace is a capture file being written. A nil Trace writes nothing.
type Trace struct {
	config Config
	flows  atomic.Uint32
	wake   chan struct{} // something waits
	hurry  chan struct{} // much waits

	mu      sync.Mutex
	waiting queue
	missing tally  // since the last entry
	left    uint64 // PDUs left out, in all
	ended   bool
}

// tally is what was left out.
type tally struct{ pdus, octets int }

// queue is what waits to be written: entries in order, and their octets one behind
// the other.
type queue struct {
	entries []entry
	octets  []byte
}

// entry is one thing that happened on a flow.
type entry struct {
	flow   *Flow
	at     time.Time
	what   event
	length int   // of its octets in the queue
	before tally // what was left out before it
}

type event uint8

const (
	opened event = iota
	received
	sent
	closed
)

// New makes a Trace. What happens before Serve runs waits for it.
func New(c Config) *Trace {
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	return &Trace{config: c, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
}

// Serve writes what happens, at least every second, until ctx ends, and then what
// still waits. If the file cannot be written it returns why, and nothing more is
// recorded. End what is traced before ctx.
func (t *Trace) Serve(ctx context.Context) error {
	w := &writer{to: t.config.To, keep: t.config.KeepSecrets}
	w.buf = appendHead(nil, t.config.Comment)
	err := w.flush()
	for err == nil && ctx.Err() == nil {
		t.rest(ctx)
		err = t.write(w)
	}
	left := t.end()
	if err == nil {
		err = t.write(w)
	}
	if err == nil {
		w.buf = appendStatistics(w.buf, w.last, w.pdus, left)
		err = w.flush()
	}
	if err != nil {
		return fmt.Errorf("trace: write: %w", err)
	}
	return nil
}

// rest waits until something is there and has gathered for a while.
func (t *Trace) rest(ctx context.Context) {
	select {
	case <-t.wake:
	case <-ctx.Done():
		return
	}
	timer := time.NewTimer(flushAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.hurry:
	case <-ctx.Done():
	}
}

// write takes what waits and writes it.
func (t *Trace) write(w *writer) error {
	t.mu.Lock()
	q := t.waiting
	t.waiting = w.spare
	t.mu.Unlock()
	w.all(q)
	clear(q.entries) // flows that ended can go
	w.spare = queue{q.entries[:0], q.octets[:0]}
	return w.flush()
}

// end stops recording, and says how many PDUs were left out.
func (t *Trace) end() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	return t.left
}

// Left is how many PDUs were left out, because they came faster than the file took them.
func (t *Trace) Left() uint64 {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left
}

// add records, unless too much waits.
func (t *Trace) add(f *Flow, at time.Time, what event, octets []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	q := &t.waiting
	size := len(q.octets) + len(octets) + (len(q.entries)+1)*entryCost
	if size > t.config.Queue {
		if len(octets) > 0 {
			t.leaveOut(octets)
		}
		return
	}
	q.entries = append(q.entries, entry{f, at, what, len(octets), t.missing})
	q.octets = append(q.octets, octets...)
	t.missing = tally{}
	if len(q.entries) == 1 {
		nudge(t.wake)
	}
	if size > t.config.Queue/2 {
		nudge(t.hurry)
	}
}

func (t *Trace) leaveOut(octets []byte) {
	n := 0
	for rest := octets; len(rest) > 0; n++ {
		_, rest = cut(rest)
	}
	t.left += uint64(n) //nolint:gosec // a count
	t.missing.pdus += n
	t.missing.octets += len(octets)
}

// Flow is one connection in a Trace. Its methods may be called from any goroutine.
// A nil Flow records nothing.
type Flow struct {
	trace         *Trace
	number        uint32
	local, remote netip.AddrPort
	dialled       bool

	// What follows is the writer's alone.
	shown, over bool
	out, in     uint32 // the next sequence number of the local end, and of the remote
}

// Accepted begins a connection that the remote end opened.
func (t *Trace) Accepted(local, remote net.Addr, at time.Time) *Flow {
	return t.open(local, remote, false, at)
}

// Dialled begins a connection that the local end opened.
func (t *Trace) Dialled(local, remote net.Addr, at time.Time) *Flow {
	return t.open(local, remote, true, at)
}

func (t *Trace) open(local, remote net.Addr, dialled bool, at time.Time) *Flow {
	if t == nil {
		return nil
	}
	f := &Flow{trace: t, number: t.flows.Add(1), dialled: dialled}
	f.local, f.remote = ends(local, remote, f.number, dialled)
	t.add(f, at, opened, nil)
	return f
}

// In records what came from the remote end: one PDU or several, or octets that are
// none. It copies what it keeps.
func (f *Flow) In(octets []byte, at time.Time) {
	if f != nil && len(octets) > 0 {
		f.trace.add(f, at, received, octets)
	}
}

// Out records what went to the remote end, like In.
func (f *Flow) Out(octets []byte, at time.Time) {
	if f != nil && len(octets) > 0 {
		f.trace.add(f, at, sent, octets)
	}
}

// Close records the end of the connection.
func (f *Flow) Close(at time.Time) {
	if f != nil {
		f.trace.add(f, at, closed, nil)
	}
}

// nudge wakes a channel's receiver, unless it is awake already.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
