package smsc

import (
	"slices"
	"time"

	"github.com/airtill/airtill/gateway/internal/due"
)

// pending is what is due: a mailbox, or else a message on the air or scheduled.
type pending struct {
	message *message
	box     *mailbox
}

type timer = due.Timer[pending]

// mailbox is what waits for one number of an account, in order. It is guarded by
// the account's mutex.
type mailbox struct {
	timer
	key      string
	waiting  []*message // sorted by order
	room     [2]*message
	inFlight int
	most     int       // in flight at once; zero is without limit
	failures int       // temporary ones in a row
	retryAt  time.Time // nothing is tried before
	expires  time.Time // no message's validity is over before
	listed   bool      // it is in the account's ready list
	unserved bool      // no session takes this number's messages
}

// sendable says whether the mailbox has something to send now.
func (b *mailbox) sendable(now time.Time) bool {
	return len(b.waiting) > 0 && !b.unserved && (b.most == 0 || b.inFlight < b.most) && !now.Before(b.retryAt)
}

// add puts a message in its place: at the end if it is new, further up if it comes back.
func (b *mailbox) add(m *message) {
	m.box, m.place = b, waiting
	if n := len(b.waiting); n == 0 || b.waiting[n-1].order < m.order {
		if n == 0 {
			b.waiting = b.room[:0]
		}
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

// remove takes messages out that are not in flight, and finds when the next of the
// others is over.
func (b *mailbox) remove(which func(*message) bool) (out []*message) {
	b.expires = time.Time{}
	b.waiting = slices.DeleteFunc(b.waiting, func(m *message) bool {
		if which(m) {
			out = append(out, m)
			return true
		}
		if b.expires.IsZero() || m.expires.Before(b.expires) {
			b.expires = m.expires
		}
		return false
	})
	return out
}

// wants is when the mailbox has to be looked at next; zero is never.
func (b *mailbox) wants(now time.Time) time.Time {
	if len(b.waiting) == 0 {
		return time.Time{}
	}
	if !b.unserved && b.retryAt.After(now) && b.retryAt.Before(b.expires) {
		return b.retryAt
	}
	return b.expires
}

// again opens a mailbox that waits for its next attempt.
func (b *mailbox) again() { b.retryAt, b.failures, b.unserved = time.Time{}, 0, false }
