package smsc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// ErrNoSession says that there is no session of an id.
var ErrNoSession = errors.New("no such session")

// Session is a connection as it is at present.
type Session struct {
	ID        uint64
	Account   string // system_id; empty before a bind
	Mode      string // transmitter, receiver, transceiver; open before a bind
	Peer      string // address and port
	Since     time.Time
	Quiet     time.Duration // since the last octets came
	InFlight  int           // deliver_sm without an answer
	Held      int           // submit_sm whose answers wait
	Accepted  uint64        // messages it submitted
	Refused   uint64
	Throttled uint64
	Sent      uint64 // deliver_sm to it
}

func (s *Server) enlist(x *session) {
	s.sessionsMu.Lock()
	defer s.sessionsMu.Unlock()
	s.sessionID++
	x.id = s.sessionID
	s.sessions[x.id] = x
}

func (s *Server) strike(x *session) {
	s.sessionsMu.Lock()
	defer s.sessionsMu.Unlock()
	delete(s.sessions, x.id)
}

// Sessions is all connections, the oldest first.
func (s *Server) Sessions() []Session {
	s.sessionsMu.Lock()
	open := slices.Collect(maps.Values(s.sessions))
	s.sessionsMu.Unlock()
	slices.SortFunc(open, func(x, y *session) int { return int(int64(x.id - y.id)) })
	all := make([]Session, 0, len(open))
	for _, x := range open {
		all = append(all, x.describe())
	}
	return all
}

func (s *session) describe() Session {
	d := Session{
		ID: s.id, Mode: open.String(), Peer: s.conn.RemoteAddr().String(), Since: s.since, Quiet: s.link.Quiet(), Held: int(s.held.Load()),
		Accepted: s.took.accepted.Load(), Refused: s.took.refused.Load(), Throttled: s.took.throttled.Load(),
	}
	if b := s.bound.Load(); b != nil {
		d.Account, d.Mode = b.account.SystemID, b.mode.String()
		b.account.mu.Lock()
		defer b.account.mu.Unlock()
		d.InFlight, d.Sent = s.unanswered, s.counts.delivered
	}
	return d
}

// Kick ends a session in the orderly way: it waits for what is unanswered, and unbinds.
func (s *Server) Kick(id uint64) error {
	s.sessionsMu.Lock()
	x, ok := s.sessions[id]
	s.sessionsMu.Unlock()
	if !ok {
		return fmt.Errorf("smsc: kick session %d: %w", id, ErrNoSession)
	}
	nudge(x.kicked)
	return nil
}

// Submit takes a message as if an account had submitted it, and answers with its id:
// when it is kept, and of a transaction when it was delivered. A refusal is a
// *smpp.StatusError. The account's rate and window do not hold here.
func (s *Server) Submit(ctx context.Context, systemID string, sm *smpp.SubmitSM) (gateway.MessageID, error) {
	a, ok := s.byID[systemID]
	if !ok {
		return "", fmt.Errorf("smsc: submit: account %q: %w", systemID, ErrUnknownAccount)
	}
	if _, err := smpp.Append(nil, smpp.PDU{Body: sm}); err != nil {
		return "", fmt.Errorf("smsc: submit: %w", err)
	}
	own := *sm
	own.TLVs = slices.Clone(sm.TLVs)
	m, serial, status := a.accept(&own, false, time.Now())
	a.count(status)
	if status != smpp.ROK {
		return "", fmt.Errorf("smsc: submit: %w", status.Err())
	}
	id := naming{style: a.IDs}.answer(serial)
	if m == nil {
		return id, nil
	}
	answered := make(chan smpp.Status, 1)
	waits := m.reply != nil || m.kept() && s.durable()
	if waits {
		m.reply = &reply{done: func(status smpp.Status) { answered <- status }}
	} else {
		answered <- smpp.ROK
	}
	s.admit([]*message{m})
	select {
	case status = <-answered:
	case <-ctx.Done():
		return id, fmt.Errorf("smsc: submit %s: %w", id, context.Cause(ctx))
	}
	if status != smpp.ROK {
		return id, fmt.Errorf("smsc: submit %s: %w", id, status.Err())
	}
	return id, nil
}

// count counts a message that no session brought.
func (a *account) count(status smpp.Status) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if status == smpp.ROK {
		a.counts.Accepted++
		return
	}
	a.counts.Refused++
}

// Counts is what became of messages since the server was made. What is accepted and
// refused counts for who submitted it, all else for whom it is for.
type Counts struct {
	Accepted, Refused, Throttled                               uint64
	Sent                                                       uint64 // deliver_sm and data_sm, receipts too
	Deferred                                                   uint64 // attempts that failed and are made again
	Delivered, Expired, Deleted, Undeliverable, Rejected, Lost uint64 // messages in a final state
	Receipts, ReceiptsLost                                     uint64 // receipts and notifications that were taken, or never will be
}

func (c *Counts) ended(state gateway.MessageState) {
	switch state {
	case gateway.Delivered:
		c.Delivered++
	case gateway.Expired:
		c.Expired++
	case gateway.Deleted:
		c.Deleted++
	case gateway.Undeliverable:
		c.Undeliverable++
	case gateway.Rejected:
		c.Rejected++
	case gateway.Unknown, gateway.Enroute, gateway.Accepted:
		c.Lost++
	}
}

// tally is what a session has counted.
func (s *session) tally() Counts {
	return Counts{
		Accepted: s.took.accepted.Load(), Refused: s.took.refused.Load(), Throttled: s.took.throttled.Load(), Sent: s.counts.delivered,
	}
}

// add adds what a session has counted.
func (c *Counts) add(o Counts) {
	c.Accepted += o.Accepted
	c.Refused += o.Refused
	c.Throttled += o.Throttled
	c.Sent += o.Sent
}

// AccountStats is an account as it is at present.
type AccountStats struct {
	SystemID string
	Counts   Counts
	Sessions int   // bound ones
	Stored   int64 // messages that wait for its numbers
	Receipts int   // receipts that wait for it
	Rate     float64
}

// Stats is the server as it is at present.
type Stats struct {
	Connections int
	Remembered  int // messages that can be asked for
	Accounts    []AccountStats
}

// Stats says how the server is. It takes each account's lock for a moment.
func (s *Server) Stats() Stats {
	s.sessionsMu.Lock()
	st := Stats{Connections: len(s.sessions)}
	s.sessionsMu.Unlock()
	st.Remembered = s.history.size()
	for _, a := range s.accounts {
		st.Accounts = append(st.Accounts, a.stats())
	}
	return st
}

func (a *account) stats() AccountStats {
	st := AccountStats{SystemID: a.SystemID, Stored: a.stored.Load(), Rate: a.rate.rate()}
	a.mu.Lock()
	defer a.mu.Unlock()
	st.Counts, st.Sessions, st.Receipts = a.counts, len(a.sessions), len(a.receipts.waiting)+a.receipts.inFlight
	for s := range a.sessions {
		st.Counts.add(s.tally())
	}
	return st
}
