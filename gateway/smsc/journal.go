package smsc

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// Keys of records: a message's serial number, and what its receipts add to it.
const (
	receiptMark      = "r"
	notificationMark = "n"
	serialDigits     = 16
)

func (m *message) key() string {
	serial := hex(m.serial, serialDigits)
	switch m.kind {
	case receipt:
		return serial + receiptMark
	case notification:
		return serial + notificationMark
	case plain, direct:
	}
	return serial
}

// clerk writes records, each in the place of the one before.
type clerk struct {
	record    msgstore.Record
	submitted smpp.SubmitSM
}

// of is what a durable store keeps of a message. It is good until the next.
func (c *clerk) of(m *message) *msgstore.Record {
	r := &c.record
	*r = msgstore.Record{
		Key: m.key(), Kind: msgstore.Receipt, ID: m.id(), Account: m.to.SystemID, OldPeer: m.naming.old, Order: m.serial,
		Accepted: m.accepted, NotBefore: m.deliver, Expires: m.expires, State: max(m.state, gateway.Enroute),
		Done: m.ended, Tries: m.attempts, Attempts: r.Attempts[:0], PDU: (*smpp.DeliverSM)(m.sm),
	}
	if m.kind == plain {
		c.submitted = *m.sm
		c.submitted.RegisteredDelivery = m.asked
		if m.replaces { // not yet
			c.submitted.ReplaceIfPresent = 1
		}
		r.Kind, r.Account, r.PDU = msgstore.Message, m.from.SystemID, &c.submitted
	}
	for _, t := range m.tries {
		a := msgstore.Attempt{At: t.At, Status: t.Status}
		if t.Cause != radio.Through {
			a.Cause = t.Cause.String()
		}
		r.Attempts = append(r.Attempts, a)
		r.Next = t.Next
	}
	return r
}

// durable says whether messages are kept beyond the server's own memory.
func (s *Server) durable() bool { return s.config.Durable != nil }

// keepEnded keeps a message's final state, and its receipt, if it has one.
func (a *account) keepEnded(m, r *message) {
	if !a.server.durable() || !m.kept() {
		return
	}
	a.server.change(a.changes.Finish(a.clerk.of(m)))
	m.unkept.Store(true)
	a.caused = append(a.caused, effect{kept: m})
	if r != nil {
		a.server.change(a.changes.Put(a.clerk.of(r)))
	}
}

// keepDeferred keeps that a message was tried, or changed.
func (a *account) keepDeferred(m *message) {
	if a.server.durable() && m.kept() {
		a.server.change(a.changes.Put(a.clerk.of(m)))
	}
}

// keepReceipt keeps a receipt of a message that lives on.
func (a *account) keepReceipt(r *message) { a.keepDeferred(r) }

func (a *account) keepReceiptEnded(m *message) {
	if a.server.durable() {
		a.changes.Remove(m.key())
	}
}

// change reports a change that cannot be written.
func (s *Server) change(err error) {
	if err != nil {
		s.config.Log.Error().Err(err).Msg("a message cannot be kept")
	}
}

// keep has changes kept, and what they cause performed then. It is false if there is
// nothing to wait for.
func (s *Server) keep(changes *msgstore.Batch, caused []effect) bool {
	if changes.Len() == 0 {
		return false
	}
	defer changes.Reset()
	c := s.committer.Load()
	if c == nil {
		return false
	}
	c.Add(changes, func(err error) {
		if err == nil {
			perform(caused)
			s.watch.tell() // what was kept shows from now on
		}
	})
	return true
}

// load takes back what a durable store has kept.
func (s *Server) load(ctx context.Context) error {
	var all []*message
	for r, err := range s.config.Durable.Load(ctx) {
		if err != nil {
			return fmt.Errorf("smsc: load messages: %w", err)
		}
		m := s.restore(&r)
		if m == nil {
			s.config.Log.Warn().Str("key", r.Key).Str("system_id", r.Account).
				Msg("a kept message is left alone: no account sent it, or none owns its destination")
			continue
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y *message) int { return int(int64(x.serial - y.serial)) })
	if n := len(all); n > 0 {
		s.before.Store(all[n-1].serial)
		s.serial.Store(max(s.serial.Load(), all[n-1].serial))
	}
	s.resume(all)
	return nil
}

// resume puts what was kept where it belongs.
func (s *Server) resume(all []*message) {
	group(all)
	for _, m := range all {
		switch {
		case m.kind != plain:
			m.to.owed.Add(1)
		case m.state.Final():
			s.history.add(m)
			continue
		default:
			s.history.add(m)
			m.to.stored.Add(1)
		}
		m.to.put(m)
	}
	ended := slices.DeleteFunc(all, func(m *message) bool { return !m.state.Final() || m.kind != plain })
	slices.SortStableFunc(ended, func(x, y *message) int { return x.ended.Compare(y.ended) })
	for _, m := range ended {
		s.history.end(m, time.Now())
	}
}

// group finds the destinations of each submit_multi again.
func group(all []*message) {
	named := make(map[uint64][]*message)
	for _, m := range all {
		if m.kind == plain && m.named != m.serial {
			named[m.named] = append(named[m.named], m)
		}
	}
	for _, m := range all {
		if others := named[m.serial]; m.kind == plain && others != nil {
			m.group = append([]*message{m}, others...)
		}
	}
}

// restore is the message of a record, nil if its accounts are gone.
func (s *Server) restore(r *msgstore.Record) *message {
	serial, err := strconv.ParseUint(r.Key[:min(serialDigits, len(r.Key))], 16, 64)
	owner := s.byID[r.Account]
	if err != nil || owner == nil {
		return nil
	}
	m := &message{
		serial: serial, named: serial, naming: naming{owner.IDs, r.OldPeer}, accepted: r.Accepted, deliver: r.NotBefore,
		expires: r.Expires, state: r.State, ended: r.Done, attempts: r.Tries,
	}
	if named := m.naming.read(string(r.ID), serial); len(named) > 0 {
		m.named = named[0]
	}
	for _, a := range r.Attempts {
		t := Attempt{At: a.At, Status: a.Status}
		if a.Cause != "" {
			_ = t.Cause.UnmarshalText([]byte(a.Cause)) // a word of another version is none of ours
		}
		m.last, m.cause = t.Status, t.Cause
		m.tried(t)
	}
	switch body := r.PDU.(type) {
	case *smpp.SubmitSM:
		m.from, m.to, m.sm = owner, s.route(body.Destination.Digits), body
		m.asked, body.RegisteredDelivery = body.RegisteredDelivery, 0
		m.replaces, body.ReplaceIfPresent = body.ReplaceIfPresent != 0, 0
	case *smpp.DeliverSM:
		m.kind, m.to, m.sm = receipt, owner, (*smpp.SubmitSM)(body)
		if r.Key[serialDigits:] == notificationMark {
			m.kind = notification
		}
	default:
		return nil
	}
	if m.to == nil {
		return nil
	}
	if m.state.Final() {
		m.place = over
	}
	return m
}
