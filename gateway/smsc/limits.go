package smsc

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// bucket is a token bucket without a lock. It keeps the instant at which it would be
// full again: each token moves that on by an interval, and it may be no further off
// than a burst takes to fill.
type bucket struct {
	interval atomic.Int64 // nanoseconds a token; zero is no limit
	burst    atomic.Int64 // tokens in a full bucket
	full     atomic.Int64 // Unix nanoseconds
}

// set changes the tokens a second and the size; the bucket goes on as it is filled.
func (b *bucket) set(rate float64, burst int) {
	if rate <= 0 {
		b.interval.Store(0)
		return
	}
	if burst <= 0 {
		burst = max(1, int(rate))
	}
	b.burst.Store(int64(burst))
	b.interval.Store(max(1, int64(float64(time.Second)/rate)))
}

// rate is the tokens a second; zero is no limit.
func (b *bucket) rate() float64 {
	interval := b.interval.Load()
	if interval == 0 {
		return 0
	}
	return float64(time.Second) / float64(interval)
}

// take takes n tokens if there are so many.
func (b *bucket) take(now time.Time, n int) bool {
	interval := b.interval.Load()
	if interval == 0 {
		return true
	}
	at := now.UnixNano()
	for {
		was := b.full.Load()
		full := max(was, at) + int64(n)*interval
		if full-at > b.burst.Load()*interval {
			return false
		}
		if b.full.CompareAndSwap(was, full) {
			return true
		}
	}
}

// pace slows down who does something futile again and again, so that others do not pay for
// it: what comes too often waits for its turn. It is counted many times at once, and then
// at a steady rate.
type pace struct {
	mu   sync.Mutex
	next time.Time // may be long ago
}

const (
	paceEvery  = 5 * time.Millisecond
	paceCredit = 200 * paceEvery
	futile     = time.Second // is how long a session was that was for nothing
)

// count counts one more.
func (p *pace) count(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if full := now.Add(-paceCredit); p.next.Before(full) {
		p.next = full
	}
	p.next = p.next.Add(paceEvery)
}

// wait is how long the next one waits; zero or less is not at all.
func (p *pace) wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next.Sub(now)
}

// most is the limit for binds of a mode; zero is none.
func (b *Binds) most(m mode) int {
	switch m {
	case transmitter:
		return b.Transmitters
	case receiver:
		return b.Receivers
	case transceiver:
		return b.Transceivers
	default:
		return 0
	}
}

// admit lets a session submit messages, or says why not: over the window or the rate.
func (s *session) admit(a *account, messages int) smpp.Status {
	if s.leaving.Load() {
		return smpp.RSYSERR
	}
	s.submits += messages
	if a.SubmitWindow > 0 && s.submits+int(s.held.Load()) > a.SubmitWindow {
		return smpp.RTHROTTLED
	}
	if !a.rate.take(s.link.Arrived(), messages) {
		return smpp.RTHROTTLED
	}
	return smpp.ROK
}

// SetRate changes how many messages a second an account may submit; zero is no limit.
func (s *Server) SetRate(systemID string, rate float64, burst int) error {
	a, ok := s.byID[systemID]
	if !ok {
		return fmt.Errorf("smsc: set rate: account %q: %w", systemID, ErrUnknownAccount)
	}
	if rate < 0 || burst < 0 {
		return fmt.Errorf("smsc: set rate: account %q: a negative number", systemID)
	}
	a.rate.set(rate, burst)
	return nil
}

// doors counts the connections that are open.
type doors struct {
	mu       sync.Mutex
	all      int
	peers    map[string]int
	mostAll  int
	mostPeer int
}

// enter lets a connection of a peer in, unless there are too many.
func (d *doors) enter(peer string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= d.mostAll || d.mostPeer > 0 && d.peers[peer] >= d.mostPeer {
		return false
	}
	d.all++
	d.peers[peer]++
	return true
}

func (d *doors) leave(peer string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.peers[peer]--; d.peers[peer] == 0 {
		delete(d.peers, peer)
	}
}

// peerOf is the address of a connection's other end, without its port.
func peerOf(conn net.Conn) string {
	address := conn.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// guesses slows down who tries passwords: after a few binds refused in a row, of one
// peer or of one system_id, each further one is looked at later.
type guesses struct {
	most time.Duration // a bind is held up

	mu    sync.Mutex
	wrong map[string]guess
}

type guess struct {
	count int
	last  time.Time
}

const (
	freeGuesses  = 3
	firstDelay   = 50 * time.Millisecond
	guessMemory  = time.Minute
	mostGuessers = 1 << 12
)

// delay is how long a bind has to wait.
func (g *guesses) delay(now time.Time, keys ...string) (d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		w, ok := g.wrong[key]
		if !ok || w.count < freeGuesses || now.Sub(w.last) >= guessMemory {
			continue
		}
		d = max(d, min(firstDelay<<min(w.count-freeGuesses, 10), g.most))
	}
	return d
}

// failed counts a bind that was refused.
func (g *guesses) failed(now time.Time, keys ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wrong) >= mostGuessers {
		clear(g.wrong)
	}
	for _, key := range keys {
		w := g.wrong[key]
		if now.Sub(w.last) >= guessMemory {
			w.count = 0
		}
		g.wrong[key] = guess{w.count + 1, now}
	}
}

// passed forgets what was wrong before.
func (g *guesses) passed(keys ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		delete(g.wrong, key)
	}
}
