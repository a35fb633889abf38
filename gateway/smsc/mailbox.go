package smsc

import (
	"slices"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// message is a short message, or a receipt, that the server has to deliver.
type message struct {
	sm       *smpp.SubmitSM // as it will be delivered
	id       gateway.MessageID
	order    uint64 // rising: mailboxes keep it
	from     *account
	origin   *session // the session that submitted it, or what this is the receipt of
	oldPeer  bool     // the sender bound with an interface_version below 3.4
	receipt  bool
	asked    uint8 // registered_delivery
	accepted time.Time
	deliver  time.Time // not before; zero is at once
	expires  time.Time

	attempts int
	last     smpp.Status // what the receiver answered last
	crossed  bool        // it is over the air
	twice    bool        // it will arrive twice
	lost     bool        // the air swallows it
}

// mailbox is what waits for one number of an account, in order. It is guarded by
// the account's mutex.
type mailbox struct {
	timer
	key      string
	waiting  []*message // sorted by order
	inFlight int
	most     int       // in flight at once; zero is without limit
	failures int       // temporary ones in a row
	retryAt  time.Time // nothing is tried before
	expires  time.Time // no message's validity is over before
	listed   bool      // it is in the account's ready list
}

// sendable says whether the mailbox has something to send now.
func (b *mailbox) sendable(now time.Time) bool {
	return len(b.waiting) > 0 && (b.most == 0 || b.inFlight < b.most) && !now.Before(b.retryAt)
}

// add puts a message in its place: at the end if it is new, further up if it comes back.
func (b *mailbox) add(m *message) {
	if n := len(b.waiting); n == 0 || b.waiting[n-1].order < m.order {
		b.waiting = append(b.waiting, m)
	} else {
		i, _ := slices.BinarySearchFunc(b.waiting, m.order, func(w *message, order uint64) int {
			if w.order < order {
				return -1
			}
			return 1
		})
		b.waiting = slices.Insert(b.waiting, i, m)
	}
	if b.expires.IsZero() || m.expires.Before(b.expires) {
		b.expires = m.expires
	}
}

// next takes the first message out.
func (b *mailbox) next() *message {
	m := b.waiting[0]
	b.waiting[0] = nil
	b.waiting = b.waiting[1:]
	b.inFlight++
	if len(b.waiting) == 0 {
		b.waiting, b.expires = nil, time.Time{}
	}
	return m
}

// expired takes out what is over, and finds when the next one will be.
func (b *mailbox) expired(now time.Time) (over []*message) {
	b.expires = time.Time{}
	b.waiting = slices.DeleteFunc(b.waiting, func(m *message) bool {
		if !now.Before(m.expires) {
			over = append(over, m)
			return true
		}
		if b.expires.IsZero() || m.expires.Before(b.expires) {
			b.expires = m.expires
		}
		return false
	})
	return over
}

// wants is when the mailbox has to be looked at next; zero is never.
func (b *mailbox) wants(now time.Time) time.Time {
	if len(b.waiting) == 0 {
		return time.Time{}
	}
	if b.retryAt.After(now) && b.retryAt.Before(b.expires) {
		return b.retryAt
	}
	return b.expires
}

// again opens a mailbox that waits for its next attempt.
func (b *mailbox) again() { b.retryAt, b.failures = time.Time{}, 0 }
