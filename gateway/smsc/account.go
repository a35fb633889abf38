package smsc

import (
	"context"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// account is who binds, the messages that wait for its numbers, and the receipts
// that wait for it. What a lock's holder causes elsewhere (receipts for other
// accounts) is gathered and done after the lock is given back.
type account struct {
	Account
	server *Server
	match  *regexp.Regexp
	number string // the only one it owns, if so
	stored atomic.Int64
	kick   chan struct{} // the first timer has changed

	mu        sync.Mutex
	receivers []*session // bound to receive
	turn      int        // whose turn it is among them
	boxes     map[string]*mailbox
	receipts  *mailbox
	ready     []*mailbox // with something to send, from head on
	head      int
	due       dueHeap
	order     uint64
	caused    []*message // receipts to put elsewhere once unlocked
}

func newAccount(s *Server, c Account) *account {
	a := &account{
		Account: c, server: s, number: oneNumber(c.AddressRange),
		kick: make(chan struct{}, 1), boxes: make(map[string]*mailbox),
	}
	if c.AddressRange != "" {
		a.match = regexp.MustCompile(c.AddressRange) // New has validated it
	}
	a.receipts = a.newBox("")
	a.receipts.most = 0
	return a
}

func (a *account) newBox(key string) *mailbox {
	b := &mailbox{key: key}
	if a.Kind == Subscribers {
		b.most = 1
	}
	a.order++
	b.timer.box, b.timer.order = b, a.order
	return b
}

// owns says whether a number is in the account's range.
func (a *account) owns(number string) bool { return a.match != nil && a.match.MatchString(number) }

// unlock gives the lock back, wakes the timer if it has to, and does what was caused.
func (a *account) unlock(first time.Time) {
	caused := a.caused
	a.caused = nil
	wake := len(a.due) > 0 && !a.due[0].at.Equal(first)
	a.mu.Unlock()
	if wake {
		nudge(a.kick)
	}
	for _, receipt := range caused {
		receipt.from.put(receipt)
	}
}

// lock takes the lock and says when the first timer is due.
func (a *account) lock() (first time.Time) {
	a.mu.Lock()
	if len(a.due) > 0 {
		first = a.due[0].at
	}
	return first
}

// put takes messages for the account's numbers, or receipts for itself.
func (a *account) put(ms ...*message) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	for _, m := range ms {
		a.order++
		m.order = a.order
		if m.deliver.After(now) {
			a.due.set(&timer{message: m, order: m.order}, m.deliver)
			continue
		}
		a.enqueue(m, now)
	}
	a.pump(now)
}

// box is the mailbox a message belongs in.
func (a *account) box(m *message) *mailbox {
	if m.receipt {
		return a.receipts
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
	b := a.box(m)
	b.add(m)
	a.review(b, now)
}

// review looks at a mailbox that has changed: it lists one that can be sent from,
// else sets its timer, and forgets an empty one. A listed mailbox has no timer
// until pump leaves it unsent.
func (a *account) review(b *mailbox, now time.Time) {
	switch {
	case b.listed:
		if b.place != 0 {
			a.due.set(&b.timer, b.wants(now))
		}
	case b.sendable(now):
		a.due.set(&b.timer, time.Time{})
		b.listed = true
		a.ready = append(a.ready, b)
	default:
		a.due.set(&b.timer, b.wants(now))
		if len(b.waiting) == 0 && b.inFlight == 0 && b != a.receipts {
			delete(a.boxes, b.key)
		}
	}
}

// pump sends what can be sent: one message of each ready mailbox in turn, while a
// receiver's window has room.
func (a *account) pump(now time.Time) {
	for a.head < len(a.ready) {
		b := a.ready[a.head]
		if !b.sendable(now) {
			a.unlist(b, now)
			continue
		}
		s := a.receiver(b.waiting[0])
		if s == nil {
			a.arm(now)
			return
		}
		m := b.next()
		if a.overTheAir(m, now) {
			a.send(s, m, now)
		}
		a.unlist(b, now)
	}
}

// arm sets the timers of listed mailboxes that cannot be sent from for want of a
// receiver. Those at the front have theirs from before.
func (a *account) arm(now time.Time) {
	for i := len(a.ready) - 1; i >= a.head && a.ready[i].place == 0; i-- {
		a.due.set(&a.ready[i].timer, a.ready[i].wants(now))
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
	a.due.set(&b.timer, time.Time{})
	a.review(b, now)
}

// receiver is a session with room in its window: the next in turn, for a receipt
// rather the one that submitted what it is about.
func (a *account) receiver(m *message) *session {
	if s := m.origin; m.receipt && s.receiving && len(s.outstanding) < a.Window {
		return s
	}
	for i := range a.receivers {
		s := a.receivers[(a.turn+i)%len(a.receivers)]
		if len(s.outstanding) < a.Window {
			a.turn = (a.turn + i + 1) % len(a.receivers)
			return s
		}
	}
	return nil
}

// overTheAir sends a subscriber's message across. It is false while the message
// is on its way.
func (a *account) overTheAir(m *message, now time.Time) bool {
	if m.crossed || m.receipt || a.Kind != Subscribers {
		return true
	}
	c := a.server.config.Radio.Cross(now, routeKey(m.sm.Destination.Digits))
	m.crossed, m.lost, m.twice = true, c.Cause != radio.Through, c.Twice
	if c.Delay <= 0 && !m.lost {
		return true
	}
	a.due.set(&timer{message: m, order: m.order}, now.Add(c.Delay+c.Late))
	return false
}

// send stages a message on a session.
func (a *account) send(s *session, m *message, now time.Time) {
	pdu, ok := s.deliverable(m)
	if !ok {
		m.last = smpp.RINVMSGLEN
		a.finish(m, gateway.Undeliverable, now)
		return
	}
	m.attempts++
	copies := 1
	if m.twice {
		copies, m.twice = 2, false
	}
	for i := range copies {
		sequence := s.nextSequence()
		var kept *message
		if i == 0 {
			kept = m
		}
		s.outstanding[sequence] = outgoing{kept, now}
		_ = s.link.Send(smpp.PDU{Sequence: sequence, Body: pdu}) // a lost session gives its messages back
	}
}

// bind adds a receiver. All that waits is tried at once.
func (a *account) bind(s *session) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	s.receiving = true
	a.receivers = append(a.receivers, s)
	for _, b := range a.inOrder() {
		b.again()
		a.review(b, now)
	}
	a.pump(now)
}

// inOrder is all mailboxes in the order they were made.
func (a *account) inOrder() []*mailbox {
	all := make([]*mailbox, 0, len(a.boxes)+1)
	for _, b := range a.boxes {
		all = append(all, b)
	}
	all = append(all, a.receipts)
	slices.SortFunc(all, func(x, y *mailbox) int { return int(int64(x.order - y.order)) })
	return all
}

// retire stops deliveries to a session. It says whether nothing is unanswered.
func (a *account) retire(s *session) (idle bool) {
	first := a.lock()
	defer a.unlock(first)
	a.dismiss(s)
	return len(s.outstanding) == 0
}

func (a *account) dismiss(s *session) {
	s.receiving = false
	a.receivers = slices.DeleteFunc(a.receivers, func(r *session) bool { return r == s })
}

// unbind removes a session, and takes back what it has not answered.
func (a *account) unbind(s *session) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	a.dismiss(s)
	for _, m := range s.takeBack(func(outgoing) bool { return true }) {
		a.returned(m, now)
	}
	for _, b := range a.inOrder() {
		a.review(b, now)
	}
	a.pump(now)
}

// returned puts a message back that was not refused: its session ended.
func (a *account) returned(m *message, now time.Time) {
	b := a.box(m)
	b.inFlight--
	m.crossed = false
	b.add(m)
	a.review(b, now)
}

// heard tries a subscriber's messages at once: something has come from it.
func (a *account) heard(number string) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	b, ok := a.boxes[routeKey(number)]
	if !ok || !b.retryAt.After(now) {
		return
	}
	b.again()
	a.review(b, now)
	a.pump(now)
}

// run acts when timers are due, until ctx ends.
func (a *account) run(ctx context.Context) {
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		next := a.tick()
		if next.IsZero() {
			clock.Stop()
		} else {
			clock.Reset(time.Until(next))
		}
		select {
		case <-clock.C:
		case <-a.kick:
		case <-ctx.Done():
			return
		}
	}
}

// tick does all that is due and says when the next is.
func (a *account) tick() (next time.Time) {
	a.lock()
	defer func() { a.unlock(next) }()
	now := time.Now()
	for t := a.due.due(now); t != nil; t = a.due.due(now) {
		if t.box != nil {
			a.wake(t.box, now)
			continue
		}
		a.arrived(t.message, now)
	}
	a.pump(now)
	if len(a.due) > 0 {
		next = a.due[0].at
	}
	return next
}

// wake looks at a mailbox whose timer was due: for what is over, or to try again.
func (a *account) wake(b *mailbox, now time.Time) {
	for _, m := range b.expired(now) {
		b.inFlight++ // finish gives the place back
		a.finish(m, gateway.Expired, now)
	}
	a.review(b, now)
	if b.listed {
		a.due.set(&b.timer, b.wants(now))
	}
}

// arrived is the end of a message's way over the air, or of its wait for its time.
func (a *account) arrived(m *message, now time.Time) {
	b := a.box(m)
	switch {
	case !m.crossed:
		a.enqueue(m, now)
	case m.lost:
		m.lost = false
		m.attempts++
		a.postpone(m, smpp.ROK, now)
	default:
		// It keeps its turn: it waits for a receiver's window at the mailbox's head.
		b.inFlight--
		b.add(m)
		a.review(b, now)
	}
}
