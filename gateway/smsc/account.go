package smsc

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/internal/due"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// account is who binds, the messages that wait for its numbers, and the receipts
// that wait for it. What a lock's holder causes elsewhere (receipts for other
// accounts, answers that wait) is gathered and done after the lock is given back.
type account struct {
	Account
	server       *Server
	match        *regexp.Regexp // the numbers it owns
	sources      *regexp.Regexp // it may send from; nil is any
	destinations *regexp.Regexp // it may send to; nil is any
	number       string         // the only one it owns, if so
	rate         bucket
	brief        pace          // of sessions that ended soon
	stored       atomic.Int64  // messages for its numbers
	owed         atomic.Int64  // receipts for it, not taken yet
	kick         chan struct{} // the first timer has changed
	call         chan struct{} // something waits and nobody is bound

	mu        sync.Mutex
	sessions  map[*session]struct{}
	binds     [transceiver + 1]int // of each mode
	receivers []*session           // bound to receive
	free      int                  // receivers whose window has room
	turn      int                  // whose turn it is among them
	boxes     map[string]*mailbox
	spare     []*mailbox
	receipts  *mailbox
	direct    *mailbox   // what is handed over at once
	ready     []*mailbox // with something to send, from head on
	head      int
	due       due.Heap[pending]
	order     uint64
	alerts    map[string][]alert // who waits for a subscriber to be back
	counts    Counts
	caused    []effect       // to do once unlocked
	changes   msgstore.Batch // to keep first
	clerk     clerk
}

func newAccount(s *Server, c Account) *account {
	a := &account{
		Account: c, server: s, number: oneNumber(c.AddressRange),
		match: expression(c.AddressRange), sources: expression(c.Sources), destinations: expression(c.Destinations),
		kick: make(chan struct{}, 1), call: make(chan struct{}, 1), sessions: make(map[*session]struct{}),
		boxes: make(map[string]*mailbox), alerts: make(map[string][]alert),
	}
	a.rate.set(c.Rate, c.Burst)
	a.receipts, a.direct = a.newBox(""), a.newBox("")
	a.receipts.most, a.direct.most = 0, 0
	return a
}

func (a *account) newBox(key string) *mailbox {
	b := &mailbox{}
	if n := len(a.spare); n > 0 {
		b, a.spare = a.spare[n-1], a.spare[:n-1]
	}
	b.key = key
	if a.Kind == Subscribers {
		b.most = 1
	}
	a.order++
	b.timer = timer{Of: pending{box: b}, Order: a.order}
	return b
}

// mostSpare is how many empty mailboxes are kept to be used again.
const mostSpare = 1 << 10

func (a *account) dropBox(b *mailbox) {
	delete(a.boxes, b.key)
	if len(a.spare) < mostSpare {
		*b = mailbox{}
		a.spare = append(a.spare, b)
	}
}

// owns says whether a number is in the account's range.
func (a *account) owns(number string) bool { return a.match != nil && a.match.MatchString(number) }

// lock takes the lock and says when the first timer is due.
func (a *account) lock() (first time.Time) {
	a.mu.Lock()
	return a.due.Next()
}

// unlock gives the lock back, wakes the timer if it has to, and does what was
// caused: at once, or when the changes that go with it are kept.
func (a *account) unlock(first time.Time) {
	caused := a.caused
	a.caused = nil
	kept := a.server.keep(&a.changes, caused)
	wake := a.due.Len() > 0 && !a.due.Next().Equal(first)
	a.mu.Unlock()
	if wake {
		nudge(a.kick)
	}
	if !kept {
		perform(caused)
	}
}

// put takes messages for the account's numbers, or receipts for itself.
func (a *account) put(ms ...*message) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	for _, m := range ms {
		a.order++
		m.order = a.order
		a.place(m, now)
	}
	a.pump(now)
	if len(a.receivers) == 0 {
		nudge(a.call)
	}
}

// place puts a message where it waits.
func (a *account) place(m *message, now time.Time) {
	if m.replaces {
		a.displace(m, now)
	}
	if m.kind == receipt && !m.struck && !a.strike(m, now) {
		return
	}
	if m.deliver.After(now) {
		a.hold(m, scheduled, m.deliver)
		return
	}
	if m.once && len(a.receivers) == 0 {
		a.missed(m, now)
		return
	}
	a.enqueue(m, now)
}

// strike lets faults happen to a receipt. It is false if it is lost.
func (a *account) strike(m *message, now time.Time) bool {
	m.struck = true
	f := a.server.config.Faults.DecideReceipt(now, a.SystemID, m.sm.Source.Digits)
	if f.Lose {
		m.place = over
		a.receiptEnded(m, gateway.Unknown, now)
		return false
	}
	m.twice = f.Twice
	if f.Delay > 0 {
		m.deliver = now.Add(f.Delay)
	}
	return true
}

// hold keeps a message out of its mailbox until an instant.
func (a *account) hold(m *message, where place, until time.Time) {
	m.place, m.wait = where, &timer{Of: pending{message: m}, Order: m.order}
	a.due.Set(m.wait, until)
}

// box is the mailbox a message belongs in.
func (a *account) boxOf(m *message) *mailbox {
	switch m.kind {
	case receipt, notification:
		return a.receipts
	case direct:
		return a.direct
	case plain:
	}
	key := routeKey(m.sm.Destination.Digits)
	b, ok := a.boxes[key]
	if !ok {
		b = a.newBox(key)
		a.boxes[key] = b
	}
	return b
}

func (a *account) enqueue(m *message, now time.Time) {
	b := a.boxOf(m)
	if m.once && m.kind == plain && b.retryAt.After(now) {
		a.missed(m, now)
		return
	}
	b.add(m)
	a.review(b, now)
}

// review looks at a mailbox that has changed: it lists one that can be sent from,
// else sets its timer, and forgets an empty one. A listed mailbox has no timer
// until pump leaves it unsent.
func (a *account) review(b *mailbox, now time.Time) {
	switch {
	case b.listed:
		if b.Waits() {
			a.due.Set(&b.timer, b.wants(now))
		}
	case b.sendable(now):
		a.due.Set(&b.timer, time.Time{})
		b.listed = true
		a.ready = append(a.ready, b)
	default:
		a.due.Set(&b.timer, b.wants(now))
		if len(b.waiting) == 0 && b.inFlight == 0 && b != a.receipts && b != a.direct {
			a.dropBox(b)
		}
	}
}

// pump sends what can be sent: one message of each ready mailbox in turn, while a
// receiver's window has room.
func (a *account) pump(now time.Time) {
	passed := 0 // in a row, for want of a session that takes them
	for a.head < len(a.ready) {
		b := a.ready[a.head]
		if !b.sendable(now) {
			a.unlist(b, now)
			continue
		}
		s, served := a.receiver(b.waiting[0])
		switch {
		case s == nil && served && a.free > 0 && passed < len(a.ready)-a.head:
			passed++ // others may be for sessions with room
			a.ready[a.head] = nil
			a.head++
			a.ready = append(a.ready, b)
			continue
		case s == nil && !served && len(a.receivers) > 0:
			b.unserved = true
			a.unlist(b, now)
			continue
		case s == nil:
			a.arm(now)
			return
		}
		passed = 0
		if m := b.next(); a.overTheAir(m, now) {
			a.send(s, m, now)
		}
		a.unlist(b, now)
	}
}

// arm sets the timers of listed mailboxes that cannot be sent from for want of a
// receiver. Those at the front have theirs from before.
func (a *account) arm(now time.Time) {
	for i := len(a.ready) - 1; i >= a.head && !a.ready[i].Waits(); i-- {
		a.due.Set(&a.ready[i].timer, a.ready[i].wants(now))
	}
}

// unlist takes the first mailbox off the ready list; review puts it at the end
// again if there is more in it.
func (a *account) unlist(b *mailbox, now time.Time) {
	a.ready[a.head] = nil
	a.head++
	switch {
	case a.head == len(a.ready):
		a.ready, a.head = a.ready[:0], 0
	case a.head > 1024 && a.head > len(a.ready)/2:
		a.ready, a.head = slices.Delete(a.ready, 0, a.head), 0
	}
	b.listed = false
	a.due.Set(&b.timer, time.Time{})
	a.review(b, now)
}

// receiver is a session with room in its window: the next in turn, for a receipt
// rather the one that submitted what it is about. It says whether any session takes
// such messages at all.
func (a *account) receiver(m *message) (s *session, served bool) {
	if s := m.origin; m.kind != plain && s != nil && s.receiving && s.unanswered < a.Window {
		return s, true
	}
	if a.free == 0 && !a.HonourRange {
		return nil, len(a.receivers) > 0
	}
	for i := range a.receivers {
		s := a.receivers[(a.turn+i)%len(a.receivers)]
		if !s.serves(m) {
			continue
		}
		served = true
		if s.unanswered < a.Window {
			a.turn = (a.turn + i + 1) % len(a.receivers)
			return s, true
		}
	}
	return nil, served
}

// serves says whether a session takes a message by the address_range of its bind.
func (s *session) serves(m *message) bool {
	return s.served == nil || m.kind != plain || s.served.MatchString(routeKey(m.sm.Destination.Digits))
}

// send stages a message on a session.
func (a *account) send(s *session, m *message, now time.Time) {
	body, ok := s.deliverable(m)
	if !ok {
		m.last = smpp.RINVMSGLEN
		a.finish(m, gateway.Undeliverable, now)
		return
	}
	m.attempts++
	m.place = flying
	s.counts.delivered++
	_ = s.link.Send(smpp.PDU{Sequence: s.expect(m, now), Body: body}) // a lost session gives its messages back
	if m.twice {
		m.twice = false
		_ = s.link.Send(smpp.PDU{Sequence: s.expect(nil, now), Body: body})
	}
}

// heard tries a subscriber's messages at once: something has come from it, or the
// air says that it is back.
func (a *account) heard(number string) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	a.alertFor(number)
	b, ok := a.boxes[routeKey(number)]
	if !ok || !b.retryAt.After(now) {
		return
	}
	b.again()
	a.review(b, now)
	a.pump(now)
}

// routeKey is a number as routes and mailboxes know it.
func routeKey(digits string) string { return strings.TrimPrefix(digits, "+") }
